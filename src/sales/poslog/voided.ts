import type { Problem } from "../../base/errors.ts"
import type { RawLine } from "./lines.ts"
import type { RawTender } from "./tenders.ts"

type Raw = RawLine | RawTender

/** What voided lines mean: they are void themselves, or each takes back an earlier one. */
export type VoidReading = "itself" | "an earlier one"

/** Whether a receipt has voided lines that can be read in both ways. */
export function isVoidOpen(items: readonly Raw[]): boolean {
  return items.some((item, n) => item.voids && item.voids.link === undefined && matchOf(items, n) !== undefined)
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
  const out = new Set<number>()
  for (const [n, item] of items.entries()) {
    if (!item.voids) continue
    out.add(n)
    const isSigned = amountOf(item) < 0
    if (item.voids.link === undefined && reading === "itself" && !isSigned) continue
    const match = item.voids.link === undefined ? matchOf(items, n, out) : linkOf(items, item, n)
    const message = "is void, and the line that it takes back is not there"
    if (match === undefined) problems.push({ pointer: `${item.spot.place}/@VoidFlag`, message })
    else out.add(match)
  }
  return items.filter((_, n) => !out.has(n))
}

function linkOf(items: readonly Raw[], { voids }: Raw, n: number): number | undefined {
  const found = items.findIndex(({ sequence }, at) => at < n && sequence === voids?.link)
  return found < 0 ? undefined : found
}

function matchOf(items: readonly Raw[], n: number, out: ReadonlySet<number> = new Set()): number | undefined {
  const item = items[n]
  const key = item && keyOf(item)
  const found = items.findLastIndex((other, at) => at < n && !other.voids && !out.has(at) && keyOf(other) === key)
  return found < 0 ? undefined : found
}

const amountOf = (item: Raw) => ("extendedMinor" in item ? item.extendedMinor : item.amountMinor)

function keyOf(item: Raw): string {
  const what =
    "line" in item ? ["item", item.line.sku, item.quantityMilli] : ["tender", item.tender.kind, item.tender.name]
  return JSON.stringify([...what, Math.abs(amountOf(item))])
}
