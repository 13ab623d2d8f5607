import { idOf, rowsOf } from "../payloads.ts"
import type { Context, TrytonOptions } from "../sales/sale.ts"
import { objectOf } from "../client.ts"
import type { TrytonLocation } from "./places.ts"

/** What is read of a move. A move that is done is never changed (`Move._transitions` of 6.0 ends there). */
export const moveFields = [
  "product.code",
  "product.default_uom",
  "internal_quantity",
  "from_location",
  "to_location",
  "origin",
  "shipment",
  "write_date",
]

/** A move with what stands in other records: both ends, the sale that it is for, the transfer that it is part of. */
export interface ToldMove {
  move: Record<string, unknown>
  from: TrytonLocation
  to: TrytonLocation
  /** Our name of the order that it is for. */
  sale?: string
  /** Places of the internal shipment that it is part of, and our name of the transfer where people wrote it as its reference. */
  transfer?: { id?: string; from?: string; to?: string }
}

/** Adds to moves what says what they mean. */
export async function told(
  moves: readonly Record<string, unknown>[],
  call: Context,
  options: Pick<TrytonOptions, "client"> & { locations: ReadonlyMap<number, TrytonLocation> },
): Promise<ToldMove[]> {
  const { client, locations } = options
  const read = (model: string, ids: readonly number[], fields: readonly string[]) =>
    ids.length === 0 ? Promise.resolve([]) : client.read(`model.${model}.read`, [ids, fields], call).then(rowsOf)
  const [lines, shipments] = await Promise.all([
    read("sale.line", namedIn(moves, "origin", "sale.line"), ["sale.reference"]),
    read("stock.shipment.internal", namedIn(moves, "shipment", "stock.shipment.internal"), [
      "reference",
      "from_location",
      "to_location",
    ]),
  ])
  const sales = new Map(lines.map((row) => [`sale.line,${idOf(row)}`, objectOf(row["sale."])["reference"]]))
  const transfers = new Map(shipments.map((row) => [`stock.shipment.internal,${idOf(row)}`, row]))
  const locationOf = (id: unknown): TrytonLocation =>
    locations.get(Number(id)) ?? { id: Number(id), name: String(id), type: "unknown", place: undefined }
  return moves.map((move) => {
    const sale = sales.get(String(move["origin"]))
    const shipment = transfers.get(String(move["shipment"]))
    const id = shipment?.["reference"]
    const [from, to] = [locationOf(shipment?.["from_location"]).place, locationOf(shipment?.["to_location"]).place]
    return {
      move,
      from: locationOf(move["from_location"]),
      to: locationOf(move["to_location"]),
      ...(typeof sale === "string" && sale !== "" && { sale }),
      ...(shipment && {
        transfer: { ...(typeof id === "string" && id !== "" && { id }), ...(from && { from }), ...(to && { to }) },
      }),
    }
  })
}

/** Ids of the records of a model that moves name in a field, e.g. 7 of `sale.line,7`. */
function namedIn(moves: readonly Record<string, unknown>[], field: string, model: string): number[] {
  const ids = moves.flatMap((move) => {
    const [name, id] = String(move[field]).split(",")
    return name === model ? [Number(id)] : []
  })
  return [...new Set(ids)]
}

/** Whether a move is for an order of ours: Crossdock books what leaves for it with its own shipment. */
export const isOurs = ({ sale }: Pick<ToldMove, "sale">): boolean =>
  sale !== undefined && /^ord_[0-9a-z]{16}$/.test(sale)
