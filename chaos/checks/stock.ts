import { sum, type Findings, type View, type Violation } from "./view.ts"

/** Stock: what was there, less what left, is what is there; nothing is promised twice, nothing stays promised to finished orders. */
export function checkStock({ books, known }: View): Findings {
  const violations: Violation[] = []
  const left = shippedByPlace(books)
  const open = new Set(
    known
      .filter(({ isFinal }) => !isFinal)
      .flatMap(({ shop }) =>
        shop.line_items.flatMap(({ sku }) => [sku, ...(books.kits[sku] ?? []).map((part) => part.sku)]),
      ),
  )
  const opening = new Map(books.openingStock.map((row) => [`${row.sku} at ${row.locationId}`, row.onHandMilli]))
  let reserved = 0
  let least = books.run.leastAvailableMilli
  for (const { sku, locationId, onHandMilli, reservedMilli } of books.availability) {
    const place = `${sku} at ${locationId ?? "the pool"}`
    const expected = (opening.get(place) ?? 0) - (left.get(place) ?? 0)
    if (onHandMilli !== expected)
      violations.push({ invariant: "I-4", what: `${place}: ${expected} should be there, ${onHandMilli} are` })
    least = Math.min(least, onHandMilli - reservedMilli)
    reserved += reservedMilli
    if (reservedMilli !== 0 && !open.has(sku))
      violations.push({
        invariant: "I-4",
        what: `${place}: ${reservedMilli} stay promised, and no open order wants it`,
      })
    if (expected < 0)
      violations.push({ invariant: "I-4", what: `${place}: more left than ever was there (${expected})` })
  }
  if (least < 0) violations.push({ invariant: "I-4", what: `availability fell to ${least}` })
  const shipped = sum(left.values())
  const there = sum(books.availability.map(({ onHandMilli }) => onHandMilli))
  return {
    violations,
    rows: [
      {
        what: `stock of ${books.availability.length} SKU-places: opening − shipped = on hand`,
        ours: String(there / 1000),
        theirs: `${sum(opening.values()) / 1000} − ${shipped / 1000}`,
        differences: violations.length,
      },
      {
        what: "still reserved after the end",
        ours: String(reserved / 1000),
        theirs: open.size === 0 ? "0" : `for ${open.size} SKUs of open orders`,
        differences: open.size === 0 && reserved !== 0 ? 1 : 0,
      },
      {
        what: `least available ever seen (${books.run.availabilitySamples} samples under faults)`,
        ours: String(least === Number.MAX_SAFE_INTEGER ? "–" : least / 1000),
        theirs: "≥ 0",
        differences: least < 0 ? 1 : 0,
      },
    ],
  }
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
