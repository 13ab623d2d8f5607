// Each column is sent as one text, joined by the ASCII unit separator. Joining is native code, while the driver writes
// and escapes array literals element by element. Names must therefore not contain control characters.
const separator = "\u001f"

/** Values of a column as one text, which `stock_split` takes apart; null when there are none. */
export function joined(values: readonly (string | number)[]): string | null {
  return values.length === 0 ? null : values.join(separator)
}

/** Whether a name contains a character that a joined column cannot hold. */
export function hasControlCharacter(text: string): boolean {
  return /\p{Cc}/u.test(text)
}

/** A person's text, with spaces in place of characters that would break the joined column. */
export function plainText(words: string): string {
  return words.replaceAll("\u0000", " ").replaceAll(separator, " ")
}

/** Units of one SKU at one location, or "" for the pool. */
export interface SummedLine {
  sku: string
  locationId: string
  milli: number
}

/** Sums lines that share a SKU and a location, in the order of their names. */
export function summedLines(
  lines: readonly { sku: string; locationId?: string; milli: number }[],
): readonly SummedLine[] {
  const [only] = lines
  if (lines.length === 1 && only) return [{ sku: only.sku, locationId: only.locationId ?? "", milli: only.milli }]
  const sums = new Map<string, SummedLine>()
  for (const { sku, locationId = "", milli } of lines) {
    const name = JSON.stringify([sku, locationId])
    sums.set(name, { sku, locationId, milli: milli + (sums.get(name)?.milli ?? 0) })
  }
  return [...sums.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line)
}
