import { idOf, rowsOf, textOf } from "../payloads.ts"
import type { Context, TrytonOptions } from "../sales/sale.ts"

/** A location of Tryton, as a move's end is understood by. */
export interface TrytonLocation {
  id: number
  name: string
  /** `storage`, `customer`, `supplier`, `lost_found` … */
  type: string
  /** The place of ours whose stock lies there; undefined: none of ours. */
  place: string | undefined
}

/** Every location, and which of our places it belongs to: that of the nearest declared one among itself and those above it. */
export async function readLocations(
  call: Context,
  { client, settings }: Pick<TrytonOptions, "client" | "settings">,
): Promise<ReadonlyMap<number, TrytonLocation>> {
  const declared = new Map(
    Object.entries(settings.stock ?? {}).flatMap(([place, ids]) => ids.map((id) => [id, place] as const)),
  )
  // A location that was closed keeps its moves.
  const fields = ["name", "type", "parent"]
  const params = [[["active", "in", [true, false]]], 0, null, [["id", "ASC"]], fields]
  const rows = rowsOf(await client.read("model.stock.location.search_read", params, call))
  const parents = new Map(rows.map((row) => [idOf(row), row["parent"]]))
  const placeOf = (id: unknown): string | undefined => {
    for (let at = id, steps = 0; typeof at === "number" && steps < parents.size; at = parents.get(at), steps += 1) {
      const place = declared.get(at)
      if (place !== undefined) return place
    }
    return undefined
  }
  return new Map(
    rows.map((row) => {
      const id = idOf(row)
      return [id, { id, name: textOf(row, "name"), type: textOf(row, "type"), place: placeOf(id) }]
    }),
  )
}
