import type { PickupLine } from "../../api/store-answers.ts"
import { quantityText } from "../../format/quantity.ts"
import { en } from "../../texts/en.ts"

const t = en.pickups

const named = (title: string, sku: string) => (title === sku ? sku : `${title} (${sku})`)

/** An article of a line, and how much of it. */
export const lineText = ({ title, sku }: PickupLine, milli: number) => t.goodsOf(quantityText(milli), named(title, sku))

/** Lines of goods of which something is there to do, each with what is taken from the shelf for it. */
export function PickupGoods<Line extends PickupLine>({
  lines,
  count,
}: Readonly<{ lines: readonly Line[]; count: (line: Line) => number }>) {
  return (
    <ul className="goods">
      {lines
        .filter((line) => count(line) > 0)
        .map((line) => (
          <li key={line.lineId}>
            {lineText(line, count(line))}
            <Parts line={line} milli={count(line)} />
          </li>
        ))}
    </ul>
  )
}

/** The components of a kit for a part of its line; nothing where the article itself lies on the shelf. */
export function Parts({ line: { parts, askedMilli }, milli }: { line: PickupLine; milli: number }) {
  if (!parts || askedMilli <= 0) return null
  return (
    <ul className="goods-parts" aria-label={t.parts}>
      {parts.map(({ sku, title = sku, quantity }) => (
        <li key={sku}>
          {t.goodsOf(quantityText(Math.ceil((quantity.milli * milli) / askedMilli)), named(title, sku))}
        </li>
      ))}
    </ul>
  )
}
