import { money, type Money } from "../../../base/money.ts"
import { cut } from "../../../base/text.ts"
import { chargedMinor } from "../../../canonical/order-invariants.ts"
import type { OrderCharge, OrderLine } from "../../../canonical/order.ts"
import { textMax, type DiscountAllocation, type MoneyPair } from "../../../canonical/parts.ts"
import {
  addPairs,
  negatePair,
  type OrderContent,
  type Snapshot,
  type SnapshotCharge,
  type SnapshotLine,
} from "../payloads.ts"

/** An order whose content could be read. */
export type Sold = Snapshot & { content: OrderContent }

export type View = "shop" | "presentment"
export const views: readonly View[] = ["shop", "presentment"]

/** Builds a pair by computing each side. */
export function pairOf({ currency }: Pick<Snapshot, "currency">, amountMinor: (view: View) => number): MoneyPair {
  return {
    shop: money(amountMinor("shop"), currency.shop),
    presentment: money(amountMinor("presentment"), currency.presentment),
  }
}

/** The buyer's charge for the part, in both currencies. */
export function withTotal<Part extends OrderLine | OrderCharge>(
  snapshot: Pick<Snapshot, "currency" | "taxesIncluded">,
  part: Part,
): Part {
  return { ...part, total: pairOf(snapshot, (view) => chargedMinor(part, view, snapshot.taxesIncluded)) }
}

export function isNotZero({ amount }: DiscountAllocation): boolean {
  return amount.shop.amountMinor !== 0 || amount.presentment.amountMinor !== 0
}

/** The lines that are goods, and the charges of these lines: shipping, duties, fees, the tip and what rounding left. */
export interface Parts {
  lines: SnapshotLine[]
  chargesOf(lines: readonly OrderLine[]): OrderCharge[]
}

/** Separates what a payload states as lines into goods and charges. */
export function partsOf(sold: Sold): Parts {
  const tipLines = tipLinesOf(sold)
  const lines = sold.content.lines.filter((line) => !tipLines.includes(line))
  return {
    lines,
    chargesOf(kept) {
      const ids = new Set(kept.map(({ id }) => id))
      const duties = lines.filter(({ id }) => ids.has(id)).flatMap((line) => line.duties)
      const { shippingLines, fees } = sold.content
      const known = [
        ...shippingLines.map((line) => charge(sold, "shipping", line)),
        ...(duties.length > 0
          ? duties.map((duty) => charge(sold, "duty", duty))
          : whole(sold, "duty", sold.content.duties)),
        ...whole(sold, "fee", fees),
      ]
      const tip = tipOf(sold, { tipLines, lines, charges: known })
      return tip ? [...known, ...whole(sold, "tip", tip)] : known
    },
  }
}

function charge(sold: Sold, kind: OrderCharge["kind"], part: SnapshotCharge): OrderCharge {
  const { title, gross, taxes, code } = part
  const discounts = part.discounts.filter(isNotZero)
  const built = { id: `${kind}-${part.id}`, kind, title: cut(title, textMax), gross, discounts, taxes, total: gross }
  return withTotal(sold, code === undefined ? built : { ...built, code })
}

const titles = {
  tip: "Tip",
  fee: "Additional fees",
  duty: "Duties",
  rounding: "Rounding to the smallest unit",
} as const

/** A charge of which the payload has only the amount; none when it is zero. */
function whole(sold: Sold, kind: keyof typeof titles, gross: MoneyPair): OrderCharge[] {
  if (views.every((view) => gross[view].amountMinor === 0)) return []
  return [withTotal(sold, { id: kind, kind, title: titles[kind], gross, discounts: [], taxes: [], total: gross })]
}

/**
 * Shopify states a tip as the tip received and, since 2021, as a line of the order besides. Webhooks mark that line. In the poll it is
 * the line that is no article and costs what was received, if the order's total has no room for both.
 */
function tipLinesOf(sold: Sold): SnapshotLine[] {
  const { lines, tip, total } = sold.content
  const marked = lines.filter((line) => line.isTip)
  if (marked.length > 0 || tip.shop.amountMinor === 0) return marked
  const line = lines.find(
    (one) =>
      one.productId === undefined &&
      !one.requiresShipping &&
      !one.isGiftCard &&
      one.sku === cut(one.title, textMax) &&
      one.gross.shop.amountMinor === tip.shop.amountMinor,
  )
  if (!line) return []
  const { shippingLines, fees, duties } = sold.content
  const shipping = shippingLines.map((one) => charge(sold, "shipping", one).total.shop.amountMinor)
  const ofLines = lines.flatMap((one) => [
    priced(sold, one),
    ...one.duties.map((duty) => charge(sold, "duty", duty).total),
  ])
  const hasLineDuties = lines.some((one) => one.duties.length > 0)
  const rest = [
    ...shipping,
    ...ofLines.map((one) => one.shop.amountMinor),
    fees.shop.amountMinor,
    hasLineDuties ? 0 : duties.shop.amountMinor,
  ]
  return rest.reduce((sum, minor) => sum + minor, 0) === total.shop.amountMinor ? [line] : []
}

/** What the buyer pays for a line of the payload. */
function priced(sold: Pick<Snapshot, "currency" | "taxesIncluded">, line: SnapshotLine): MoneyPair {
  return pairOf(sold, (view) => {
    const discounts = line.discounts.reduce((sum, discount) => sum + discount.amount[view].amountMinor, 0)
    const taxes = line.taxes.reduce((sum, tax) => sum + tax.amount[view].amountMinor, 0)
    return line.gross[view].amountMinor - discounts + (sold.taxesIncluded ? 0 : taxes)
  })
}

/** Webhooks give the tip in the shop's currency only. In the buyer's it is its line, or the total without everything else. */
function tipOf(
  sold: Sold,
  {
    tipLines,
    lines,
    charges,
  }: { tipLines: readonly SnapshotLine[]; lines: readonly SnapshotLine[]; charges: readonly OrderCharge[] },
): MoneyPair | undefined {
  if (tipLines.length > 0)
    return addPairs(
      tipLines.map((line) => line.gross),
      sold.currency,
    )
  const { shop, presentment } = sold.content.tip
  if (shop.amountMinor === 0 && !presentment?.amountMinor) return undefined
  if (presentment) return { shop, presentment }
  if (sold.currency.shop === sold.currency.presentment) return { shop, presentment: shop }
  const rest = addPairs(
    [...lines.map((line) => priced(sold, line)), ...charges.map((part) => part.total)],
    sold.currency,
  )
  return { shop, presentment: addPairs([sold.content.total, negatePair(rest)], sold.currency).presentment }
}

/**
 * What is left when amounts finer than the minor unit are rounded each for itself (half a unit away from zero): a charge of its own
 * name, at most one minor unit for each amount that was rounded. Amounts that are whole leave nothing.
 */
export function roundingOf(sold: Sold, { stated, made }: { stated: MoneyPair; made: MoneyPair }): OrderCharge[] {
  const rest = addPairs([stated, negatePair(made)], sold.currency)
  const isSmall = (amount: Money) => Math.abs(amount.amountMinor) <= sold.content.roundings
  return sold.content.roundings > 0 && views.every((view) => isSmall(rest[view])) ? whole(sold, "rounding", rest) : []
}
