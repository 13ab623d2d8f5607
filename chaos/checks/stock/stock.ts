import { findForgottenReservations, findStockDifferences, type StockPlace } from "../../../src/rules/tie-out/stock.ts"
import { sum, violationsOf, type Findings, type View, type Violation } from "../view.ts"

/** Stock: what was there, less what left, is what is there; nothing is promised twice, nothing stays promised to finished orders. */
export function checkStock(view: View): Findings {
  const { leastAvailableMilli, availabilitySamples } = view.books.run
  const open = wantedSkus(view)
  const places = placesOf(view, open)
  const found = [...findStockDifferences(places), ...findForgottenReservations(places)]
  const least = places.reduce(
    (lowest, { onHandMilli, reservedMilli }) => Math.min(lowest, onHandMilli - reservedMilli),
    leastAvailableMilli,
  )
  const oversold: Violation[] = least < 0 ? [{ invariant: "I-4", what: `availability fell to ${least}` }] : []
  const [opening, shipped, returned, onHand, reserved] = (
    ["openingMilli", "shippedMilli", "returnedMilli", "onHandMilli", "reservedMilli"] as const
  ).map((name) => sum(places.map((place) => place[name])) / 1000)
  return {
    violations: [...violationsOf("I-4", found), ...oversold],
    rows: [
      {
        what: `stock of ${places.length} SKU-places: opening and what people moved − shipped + returned = on hand`,
        ours: String(onHand),
        theirs: `${opening} − ${shipped} + ${returned}`,
        differences: found.length,
      },
      {
        what: "still reserved after the end",
        ours: String(reserved),
        theirs: open.size === 0 ? "0" : `for ${open.size} SKUs of open orders`,
        differences: open.size === 0 && reserved !== 0 ? 1 : 0,
      },
      {
        what: `least available ever seen (${availabilitySamples} samples under faults)`,
        ours: String(least === Number.MAX_SAFE_INTEGER ? "–" : least / 1000),
        theirs: "≥ 0",
        differences: oversold.length,
      },
    ],
  }
}

/** SKUs of orders that are under way, with what kits are made of. */
function wantedSkus({ books, known }: View): Set<string> {
  const lines = known.filter(({ isFinal }) => !isFinal).flatMap(({ shop }) => shop.line_items)
  return new Set(lines.flatMap(({ sku }) => [sku, ...(books.kits[sku] ?? []).map((part) => part.sku)]))
}

function placesOf({ books }: View, wanted: ReadonlySet<string>): StockPlace[] {
  const left = shippedByPlace(books)
  const back = returnedByPlace(books)
  const opening = new Map(books.openingStock.map((row) => [`${row.sku} at ${row.locationId}`, row.onHandMilli]))
  const moved = movedByPlace(books)
  const states = books.inStates.map((one) => ({ ...one, reservedMilli: 0 }))
  const all: { sku: string; locationId?: string; onHandMilli: number; reservedMilli: number }[] = [
    ...books.availability,
    ...states,
  ]
  return all.map(({ sku, locationId = "the pool", onHandMilli, reservedMilli }) => ({
    sku,
    locationId,
    openingMilli: (opening.get(`${sku} at ${locationId}`) ?? 0) + (moved.get(`${sku} at ${locationId}`) ?? 0),
    shippedMilli: left.get(`${sku} at ${locationId}`) ?? 0,
    returnedMilli: back.get(`${sku} at ${locationId}`) ?? 0,
    onHandMilli,
    reservedMilli,
    isWanted: wanted.has(sku),
  }))
}

/** What people moved, by SKU and place: a transfer left one place and arrived at another, and nothing of it is on its way any more. */
function movedByPlace({ moved, transfers }: View["books"]): Map<string, number> {
  const sums = new Map<string, number>()
  const add = (place: string, milli: number) => sums.set(place, (sums.get(place) ?? 0) + milli)
  for (const { sku, locationId, milli } of moved) add(`${sku} at ${locationId}`, milli)
  for (const { sku, fromLocationId, toLocationId, milli } of transfers) {
    add(`${sku} at ${fromLocationId}`, -milli)
    add(`${sku} at ${toLocationId}`, milli)
  }
  return sums
}

function shippedByPlace(books: View["books"]): Map<string, number> {
  const left = new Map<string, number>()
  const take = (place: string, milli: number) => left.set(place, (left.get(place) ?? 0) + milli)
  for (const { locationId, lines } of books.shipments)
    for (const { sku, quantityMilli } of lines) {
      const parts = books.kits[sku]
      if (!parts) take(`${sku} at ${locationId}`, quantityMilli)
      else for (const part of parts) take(`${part.sku} at ${locationId}`, (part.quantityMilli * quantityMilli) / 1000)
    }
  return left
}

interface Returned {
  of: string
  at: string
  locationId?: string
  disposition: string
  lines: readonly { lineId: string }[]
}

interface Counted {
  sku: string
  locationId: string
  countedAt: string
}

interface Credited {
  creditId: string
  units: readonly { lineId: string; goods: readonly { sku: string; milli: number }[] }[]
}

/**
 * Units that came back, by SKU and place. The event of their return names lines only; the SKUs of these stand in the credit. The shop
 * says of them that they are back, the lab's warehouse never saw them: what it has counted since then is without them.
 */
function returnedByPlace({ events }: View["books"]): Map<string, number> {
  const dataOf = (name: string) => events.filter(({ type }) => type === name).map(({ data }) => data as unknown)
  const countedAt = new Map<string, string>()
  for (const counted of dataOf("stock.counted") as Counted[]) {
    const place = `${counted.sku} at ${counted.locationId}`
    const before = countedAt.get(place) ?? ""
    if (counted.countedAt > before) countedAt.set(place, counted.countedAt)
  }
  const credits = new Map((dataOf("credit.due") as Credited[]).map((one) => [`credit/${one.creditId}`, one]))
  const back = new Map<string, number>()
  for (const { of, at, locationId, disposition, lines } of dataOf("goods.returned") as Returned[]) {
    if (disposition !== "back in stock") continue
    const own = credits.get(of)?.units.filter(({ lineId }) => lines.some((line) => line.lineId === lineId)) ?? []
    for (const { sku, milli } of own.flatMap(({ goods }) => goods)) {
      const place = `${sku} at ${locationId}`
      if (at < (countedAt.get(place) ?? "")) continue
      back.set(place, (back.get(place) ?? 0) + milli)
    }
  }
  return back
}
