import type { RequestLine } from "./request-book.ts"
import type { Shelf } from "./shelf.ts"

type At = { shelf: Shelf; locationId: string }

/** What stands on the shelf for some thousandths of a line: the article itself, or each component in proportion. */
function goodsOf({ sku, unit, quantityMilli, components }: RequestLine, milli: number) {
  if (!components) return [{ sku, unit, milli }]
  return components.map((one) => ({ ...one, milli: Math.ceil((one.quantityMilli * milli) / quantityMilli) }))
}

/** Sets goods of a line aside; returns how much of it there is. Of a kit nothing is set aside that does not make a whole one. */
export function commitLine(line: RequestLine, milli: number, { shelf, locationId }: At): number {
  if (!line.components) return shelf.commit({ locationId, sku: line.sku }, milli)
  const found = goodsOf(line, milli).map((one) => ({
    ...one,
    foundMilli: shelf.commit({ locationId, sku: one.sku }, one.milli),
  }))
  const share = Math.min(...found.map((one) => (one.milli === 0 ? 1 : one.foundMilli / one.milli)))
  const whole = line.unit === "ea" ? Math.floor((milli * share) / 1000) * 1000 : Math.floor(milli * share)
  const needed = goodsOf(line, whole)
  for (const [n, { sku, foundMilli }] of found.entries())
    shelf.release({ locationId, sku }, foundMilli - (needed[n]?.milli ?? 0))
  return whole
}

/** Undoes a part of `commitLine`. */
export function releaseLine(line: RequestLine, milli: number, { shelf, locationId }: At): void {
  for (const one of goodsOf(line, milli)) shelf.release({ locationId, sku: one.sku }, one.milli)
}

/** Removes set-aside goods of a line from the place. */
export function shipLine(line: RequestLine, milli: number, { shelf, locationId }: At): void {
  for (const one of goodsOf(line, milli)) shelf.ship({ locationId, sku: one.sku }, one.milli)
}
