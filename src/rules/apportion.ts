import { assertInvariant } from "../base/errors.ts"
import type { Order, OrderCharge, OrderLine } from "../canonical/order.ts"
import { taxMinor } from "../canonical/order-invariants.ts"
import type { ChargedTax } from "../canonical/ledger-entry.ts"
import type { LineQuantity } from "../canonical/parts.ts"

/** Amounts of one shipment, in minor units of the shop's currency. */
export interface ShipmentAmounts {
  /** Net of tax and discounts, by line. */
  lines: { lineId: string; isGiftCard: boolean; netMinor: number; taxMinor: number; tax?: ChargedTax }[]
  /** Shipping, tips, duties and fees with their taxes, in full on the first shipment and not again. */
  charges: { kind: OrderCharge["kind"]; netMinor: number; taxMinor: number; tax?: ChargedTax }[]
  roundingMinor: number
  totalMinor: number
}

/**
 * The amounts of one shipment of an order. All shipments together sum to the order, to the cent (P-17).
 *
 * A line's share is the difference of two running totals, so rounding errors do not accumulate: the last piece gets the
 * rest. `shippedBefore` is in thousandths by line id. Throws INVARIANT_BROKEN when more is shipped than was ordered.
 */
export function shipmentAmounts(
  order: Order,
  shippedBefore: ReadonlyMap<string, number>,
  shipped: readonly LineQuantity[],
): ShipmentAmounts {
  const isFirst = [...shippedBefore.values()].every((milli) => milli === 0)
  const lines = [...mergeLines(shipped)].map(([lineId, milli]) => {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    assertInvariant(line !== undefined, `shipment of line ${lineId}, which order ${order.number} does not have`)
    return lineShare(order, line, { before: shippedBefore.get(lineId) ?? 0, milli })
  })
  const charges = isFirst
    ? order.charges.map((charge) => ({ kind: charge.kind, ...netAndTax(order, charge), ...taxed(order, charge) }))
    : []
  const roundingMinor = isFirst ? order.cashRounding.shop.amountMinor : 0
  const totalMinor = [...lines, ...charges].reduce((sum, part) => sum + part.netMinor + part.taxMinor, roundingMinor)
  return { lines, charges, roundingMinor, totalMinor }
}

function lineShare(order: Order, line: OrderLine, shipped: { before: number; milli: number }) {
  const after = shipped.before + shipped.milli
  assertInvariant(after <= line.quantity.milli, `more of line ${line.id} was shipped than order ${order.number} has`)
  const whole = netAndTax(order, line)
  const share = (minor: number) =>
    runningShare(minor, after, line.quantity.milli) - runningShare(minor, shipped.before, line.quantity.milli)
  const tax = share(whole.taxMinor)
  // Rounding net and tax down separately can lose a cent, so divide the price as it was stated (with or without tax).
  const net =
    (line.taxesIncluded ?? order.taxesIncluded) ? share(whole.netMinor + whole.taxMinor) - tax : share(whole.netMinor)
  return { lineId: line.id, isGiftCard: line.isGiftCard ?? false, netMinor: net, taxMinor: tax, ...taxed(order, line) }
}

function taxed(order: Order, part: OrderLine | OrderCharge): { tax?: ChargedTax } {
  const tax = chargedTax(order, part)
  return tax ? { tax } : {}
}

/** Floor of amount × part ÷ whole, exactly; the whole amount when the part is the whole. */
function runningShare(amountMinor: number, part: number, whole: number): number {
  if (whole === 0) return 0
  const product = BigInt(amountMinor) * BigInt(part)
  const quotient = product / BigInt(whole)
  return Number(product < 0n && product % BigInt(whole) !== 0n ? quotient - 1n : quotient)
}

/** A line or a charge: one has an id, the other a kind. */
type TaxedPart = Pick<OrderLine, "taxes"> & { id?: string; kind?: string }

/** The tax that was charged on a line or charge, where the goods go to; undefined when there was none. */
export function chargedTax(order: Order, part: TaxedPart): ChargedTax | undefined {
  const { taxes } = part
  const rates = taxes.flatMap(({ ratePercent, title, amount }) =>
    amount.shop.amountMinor === 0 ? [] : [ratePercent === undefined ? title : plainRate(ratePercent)],
  )
  if (rates.length === 0) return undefined
  const country = order.shippingAddress?.countryCode ?? order.billingAddress?.countryCode
  const isWithoutRate = taxes.some(
    ({ ratePercent, amount }) => ratePercent === undefined && amount.shop.amountMinor !== 0,
  )
  const name = part.id ?? part.kind
  const apart = isWithoutRate && name !== undefined ? { part: name } : {}
  return { ...(country ? { country } : {}), rates: rates.toSorted(), ...apart }
}

/** 21.00 and 21 are one rate. */
function plainRate(percent: string): string {
  return percent.includes(".") ? percent.replace(/\.?0+$/, "") : percent
}

function netAndTax(order: Order, part: OrderLine | OrderCharge): { netMinor: number; taxMinor: number } {
  const tax = taxMinor(part, "shop")
  const total = part.total.shop.amountMinor
  // Prices that include tax: the total contains it. Prices that exclude tax: the total had it added. Either way total =
  // net + tax.
  return { netMinor: total - tax, taxMinor: tax }
}

/** Sums quantities by line id, because a delivery note may list a line twice. */
export function mergeLines(lines: readonly LineQuantity[]): Map<string, number> {
  const merged = new Map<string, number>()
  for (const { lineId, quantity } of lines) merged.set(lineId, (merged.get(lineId) ?? 0) + quantity.milli)
  return merged
}
