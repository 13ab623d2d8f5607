import type { Problem } from "../../base/errors.ts"
import type { RawLine } from "./lines.ts"
import type { RawTender } from "./tenders.ts"

type Raw = RawLine | RawTender

/** What voided lines mean: they are void themselves, or each takes back an earlier one. */
export type VoidReading = "itself" | "an earlier one"

/** Whether a receipt has voided lines that can be read in both ways. */
export function isVoidOpen(items: readonly Raw[]): boolean {
  const before = new Set<string>()
  if (!items.some(({ voids }) => voids)) return false
  return items.some((item) => {
    if (item.voids) return item.voids.link === undefined && before.has(keyOf(item))
    before.add(keyOf(item))
    return false
  })
}

/**
 * What is left of lines when voided ones are out. A line that names the one it takes back goes out with it; without a name the standard knows both
 * (omg.org ARTS ODM 7.3, logical_02312: a voiding line reverses the one before it; "many systems use status flags").
 */
export function withoutVoided<Item extends Raw>(
  items: readonly Item[],
  reading: VoidReading,
  problems: Problem[],
): Item[] {
  if (!items.some(({ voids }) => voids)) return [...items]
  const out = new Set<number>()
  // Of the lines before: those that are not void, by what they are, and the first of each number.
  const alike = new Map<string, number[]>()
  const numbered = new Map<string, number>()
  const lastAlike = (item: Item): number | undefined => {
    const before = alike.get(keyOf(item)) ?? []
    let found = before.pop()
    while (found !== undefined && out.has(found)) found = before.pop()
    return found
  }
  for (const [n, item] of items.entries()) {
    const { voids, sequence } = item
    if (voids) {
      out.add(n)
      if (voids.link !== undefined || reading !== "itself" || amountOf(item) < 0) {
        const match = voids.link === undefined ? lastAlike(item) : numbered.get(voids.link)
        const message = "is void, and the line that it takes back is not there"
        if (match === undefined) problems.push({ pointer: `${item.spot.place}/@VoidFlag`, message })
        else out.add(match)
      }
    } else {
      const key = keyOf(item)
      const same = alike.get(key)
      if (same) same.push(n)
      else alike.set(key, [n])
    }
    if (!numbered.has(sequence)) numbered.set(sequence, n)
  }
  return items.filter((_, n) => !out.has(n))
}

const amountOf = (item: Raw) => ("extendedMinor" in item ? item.extendedMinor : item.amountMinor)

function keyOf(item: Raw): string {
  const what =
    "line" in item ? ["item", item.line.sku, item.quantityMilli] : ["tender", item.tender.kind, item.tender.name]
  return JSON.stringify([...what, Math.abs(amountOf(item))])
}
