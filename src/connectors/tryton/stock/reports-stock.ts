import { AppError } from "../../../base/errors.ts"
import { own } from "../../../base/lookup.ts"
import { instant, type Clock } from "../../../base/time.ts"
import type { ReportsStock, StockPage } from "../../../ports/capabilities/stock.ts"
import { objectOf } from "../client.ts"
import { datetime, idOf, rowsOf, textOf } from "../payloads.ts"
import type { Context, TrytonOptions } from "../sales/sale.ts"
import { lateByMs } from "./lists-moves.ts"
import { isOurs, moveFields, told } from "./moves.ts"
import { readLocations, type TrytonLocation } from "./places.ts"

const pageSize = 500
const attemptsMax = 4
/** An order that is older than this is in the books, or a person knows why not. */
const bookedWithinMs = 15 * 60_000

type Options = TrytonOptions & { clock: Clock }
type Moves = readonly Record<string, unknown>[]

/**
 * What lies at a place, less what the books hold for sales: that is what is left to sell, whether a parcel of ours has been recorded yet or
 * not. Our orders of the last quarter of an hour may not be booked yet, so they count as not taken off: the lower reading.
 *
 * The number is of a minute ago, because a transaction that began earlier may still be under way, and its moves carry that time: by
 * then every one of them is visible. What was done since is taken back out of it; the list of moves tells it.
 */
export function reportsStock(options: Options): ReportsStock {
  return {
    async readStock({ locationId, cursor = "0" }, call) {
      if (own(options.settings.stock ?? {}, locationId) === undefined)
        throw new AppError("CONFIG_INVALID", `no locations of Tryton stand for ${locationId}`)
      const locations = await readLocations(call, options)
      const ids = [...locations.values()].filter(({ place }) => place === locationId).map(({ id }) => id)
      const asOf = instant(options.clock.now() - lateByMs)
      for (let attempt = 1; attempt <= attemptsMax; attempt += 1) {
        const since = await doneSince({ asOf, ids }, call, options)
        const held = await heldForSales(ids, call, options)
        const rows = await readProducts({ ids, after: Number(cursor) }, call, options)
        const again = await doneSince({ asOf, ids }, call, options)
        // Something was done between the readings: they are not of one moment.
        if (since.length !== again.length) continue
        const changes = await changesOf(since, call, { ...options, locations, locationId })
        return pageOf(rows, { asOf, changes, held, options })
      }
      throw new AppError("VENDOR_UNAVAILABLE", "goods move all the time while the place is read")
    },
  }
}

async function readMoves(
  { domain, fields }: { domain: unknown[]; fields: readonly string[] },
  call: Context,
  { client }: Options,
): Promise<Record<string, unknown>[]> {
  return rowsOf(await client.read("model.stock.move.search_read", [domain, 0, null, [["id", "ASC"]], fields], call))
}

function doneSince(
  { asOf, ids }: { asOf: string; ids: readonly number[] },
  call: Context,
  options: Options,
): Promise<Moves> {
  const domain = [
    ["state", "=", "done"],
    ["write_date", ">", datetime(asOf)],
    ["OR", ["from_location", "in", ids], ["to_location", "in", ids]],
  ]
  return readMoves({ domain, fields: moveFields }, call, options)
}

/** What shipments to customers will still take from the place, by product. */
async function heldForSales(
  ids: readonly number[],
  call: Context,
  options: Options,
): Promise<ReadonlyMap<number, number>> {
  const domain = [
    ["state", "in", ["draft", "assigned"]],
    ["from_location", "in", ids],
    ["to_location.type", "=", "customer"],
  ]
  const rows = await readMoves({ domain, fields: ["product", "internal_quantity"] }, call, options)
  return sums(rows.map((row) => [idOf(row, "product"), Number(row["internal_quantity"])]))
}

/** What moves since then have changed at the place, by product; what left for our orders was held for them before. */
async function changesOf(
  moves: Moves,
  call: Context,
  {
    locations,
    locationId,
    ...options
  }: Options & {
    locations: ReadonlyMap<number, TrytonLocation>
    locationId: string
  },
): Promise<ReadonlyMap<number, number>> {
  const all = await told(moves, call, { ...options, locations })
  return sums(
    all.flatMap((one) => {
      if (isOurs(one) || one.from.place === one.to.place) return []
      const sign = one.to.place === locationId ? 1 : -1
      const product = idOf(objectOf(one.move["product."]))
      return [[product, sign * Number(one.move["internal_quantity"])] as const]
    }),
  )
}

function sums(parts: readonly (readonly [number, number])[]): ReadonlyMap<number, number> {
  const all = new Map<number, number>()
  for (const [id, quantity] of parts) all.set(id, (all.get(id) ?? 0) + quantity)
  return all
}

/** Goods with what lies at locations today; without a day Tryton would count what is planned as well. */
async function readProducts(
  { ids, after }: { ids: readonly number[]; after: number },
  call: Context,
  { client }: Options,
): Promise<Record<string, unknown>[]> {
  const today = await client.read("model.ir.date.today", [], call)
  const domain = [
    ["type", "=", "goods"],
    ["id", ">", after],
  ]
  const params = [domain, 0, pageSize, [["id", "ASC"]], ["code", "quantity", "default_uom"]]
  const context = { locations: ids, with_childs: false, stock_date_end: today }
  return rowsOf(await client.read("model.product.product.search_read", params, { ...call, context }))
}

function pageOf(
  rows: readonly Record<string, unknown>[],
  of: { asOf: string; changes: ReadonlyMap<number, number>; held: ReadonlyMap<number, number>; options: Options },
): StockPage {
  const { asOf, changes, held, options } = of
  const { units } = options.settings
  const levels = rows.flatMap((row) => {
    const id = idOf(row)
    const [unit] = Object.entries(units).find(([, uom]) => uom === row["default_uom"]) ?? []
    // A product without a code is none that anybody sells; one in a unit that we do not know is told by its moves.
    if (typeof row["code"] !== "string" || row["code"] === "" || unit === undefined) return []
    const quantity = Number(row["quantity"]) - (changes.get(id) ?? 0) - (held.get(id) ?? 0)
    return [{ sku: textOf(row, "code"), onHand: { milli: Math.round(quantity * 1000), unit } }]
  })
  const last = rows.at(-1)
  const ordersUntil = instant(Date.parse(asOf) - bookedWithinMs)
  return {
    asOf,
    levels,
    ordersUntil,
    ...(rows.length === pageSize && last !== undefined ? { next: String(idOf(last)) } : {}),
  }
}
