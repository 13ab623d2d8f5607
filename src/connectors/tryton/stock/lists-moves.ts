import { AppError } from "../../../base/errors.ts"
import { instant, type Clock } from "../../../base/time.ts"
import type { ChangeList } from "../../../ports/capabilities/intake.ts"
import { datetime, idOf, momentOf, rowsOf } from "../payloads.ts"
import type { Context, TrytonOptions } from "../sales/sale.ts"
import { moveFields, told } from "./moves.ts"
import { readLocations } from "./places.ts"

const pageSize = 200

/**
 * How late a move may become visible: `write_date` is the start of its transaction, so a list by it alone lost a third of all
 * changes (seen). A transaction that takes longer than a minute is not found by the list; the next reading of the whole place has it.
 */
export const lateByMs = 60_000

/**
 * Moves that were done, by the time of their transaction and their number: a stock take of any size is one transaction, and all its
 * moves have one time. What was done before the first day of the connection is in the first reading of the place.
 */
export function listsMoves(options: TrytonOptions & { clock: Clock }): ChangeList {
  const { client, system, clock } = options
  return {
    overlapMs: lateByMs,
    async listChanges({ cursor, sinceMs }, call) {
      const from = cursor === undefined ? { moment: instant(sinceMs - lateByMs), id: 0 } : placeOf(cursor)
      const locations = await readLocations(call, options)
      const rows = await readMoves(from, call, { client, ours: oursOf(locations) })
      const moves = await told(rows, call, { client, locations })
      const last = rows.at(-1)
      const receivedAt = instant(clock.now())
      return {
        deliveries: moves.map((move) => ({
          connection: system,
          via: "poll" as const,
          headers: { topic: "move" },
          bytes: new TextEncoder().encode(JSON.stringify(move)),
          receivedAt,
        })),
        nextCursor: JSON.stringify(last ? { moment: momentOf(last["write_date"]), id: idOf(last) } : from),
        hasMore: rows.length === pageSize,
      }
    },
  }
}

const oursOf = (locations: ReadonlyMap<number, { id: number; place: string | undefined }>): number[] =>
  [...locations.values()].flatMap(({ id, place }) => (place === undefined ? [] : [id]))

async function readMoves(
  { moment, id }: { moment: string; id: number },
  call: Context,
  { client, ours }: Pick<TrytonOptions, "client"> & { ours: readonly number[] },
): Promise<Record<string, unknown>[]> {
  const at = datetime(moment)
  const domain = [
    ["state", "=", "done"],
    [
      "OR",
      ["write_date", ">", at],
      [
        ["write_date", "=", at],
        ["id", ">", id],
      ],
    ],
    ["OR", ["from_location", "in", ours], ["to_location", "in", ours]],
  ]
  const order = [
    ["write_date", "ASC"],
    ["id", "ASC"],
  ]
  return rowsOf(await client.read("model.stock.move.search_read", [domain, 0, pageSize, order, moveFields], call))
}

function placeOf(cursor: string): { moment: string; id: number } {
  const value: unknown = JSON.parse(cursor)
  if (typeof value === "object" && value !== null && "moment" in value && "id" in value) {
    const { moment, id } = value
    if (typeof moment === "string" && typeof id === "number") return { moment, id }
  }
  throw new AppError("REQUEST_INVALID", `"${cursor}" is not a cursor of this list`)
}
