/**
 * Quantities of equal names added up, as texts without trailing zeros: two documents of the same goods have the same, however they split
 * them. For comparing only; exact to a thousandth.
 */
export function linesInAll(
  parts: readonly (readonly [name: string, quantity: string | number])[],
): Record<string, string> {
  const milli = new Map<string, number>()
  for (const [name, quantity] of parts) milli.set(name, (milli.get(name) ?? 0) + Math.round(Number(quantity) * 1000))
  return Object.fromEntries([...milli].map(([name, amount]) => [name, String(amount / 1000)]))
}
