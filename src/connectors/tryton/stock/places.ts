import { objectOf } from "../client.ts"
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

/** Tryton's moment as an instant; its clock is UTC. `fraction` has the microseconds, which an instant cuts. */
export function momentOf(value: unknown): string | undefined {
  const { __class__: kind, ...part } = objectOf(value)
  if (kind !== "datetime") return undefined
  const [year, month, day, hour, minute, second, micro] = [
    "year",
    "month",
    "day",
    "hour",
    "minute",
    "second",
    "microsecond",
  ].map((name) => String(Number(part[name] ?? 0)))
  const two = (text = "") => text.padStart(2, "0")
  return `${year}-${two(month)}-${two(day)}T${two(hour)}:${two(minute)}:${two(second)}.${(micro ?? "").padStart(6, "0")}Z`
}

/** An instant, with up to six digits of a second, as Tryton's JSON wants it. */
export function datetime(moment: string): object {
  const [, year, month, day, hour, minute, second, fraction = ""] =
    /^(\d+)-(\d+)-(\d+)T(\d+):(\d+):(\d+)(?:\.(\d+))?Z$/.exec(moment) ?? []
  const numbers = { year, month, day, hour, minute, second, microsecond: fraction.padEnd(6, "0") }
  return {
    __class__: "datetime",
    ...Object.fromEntries(Object.entries(numbers).map(([name, text]) => [name, Number(text)])),
  }
}
