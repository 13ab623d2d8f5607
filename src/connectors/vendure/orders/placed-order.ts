import { cut } from "../../../base/text.ts"
import { AppError, type Problem } from "../../../base/errors.ts"
import { orderIdOf } from "../../../base/ids.ts"
import { own } from "../../../base/lookup.ts"
import { money, splitMoney, type Money } from "../../../base/money.ts"
import { pieces } from "../../../base/quantity.ts"
import { parseInstant } from "../../../base/time.ts"
import { orderProblems } from "../../../canonical/order-invariants.ts"
import { Order, type OrderCharge, type OrderLine, type Tender } from "../../../canonical/order.ts"
import type { Address, LineQuantity, MoneyPair } from "../../../canonical/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import { reference } from "../../../ports/write.ts"
import { fromShop, type ShopAmounts } from "./amounts.ts"
import type { PaymentHead, Snapshot, VendureAddress, VendureContent, VendureLine } from "../payloads.ts"

/** How one connection's orders are read. */
export interface TranslationContext {
  /** Id of the connection: source of the facts and channel of the orders. */
  system: string
  /** Kind of tender of each of the shop's payment methods. */
  tenderKinds: Readonly<Record<string, Tender["kind"]>>
  amounts: ShopAmounts
}

// PaymentState of the default payment process, https://docs.vendure.io/guides/core-concepts/payment (read 2026-11).
const tenderStates: Readonly<Record<string, Tender["state"]>> = {
  Created: "pending",
  Authorized: "authorised",
  Settled: "captured",
  Declined: "failed",
  Error: "failed",
  Cancelled: "failed",
}

const orderSchema = validator(Order, "order")

export type Making = TranslationContext & { version: string; problems: Problem[]; tenders: readonly Tender[] }

/** Reads the shop's amounts of one order, and counts those that were finer than the minor unit. */
class Amounts {
  readonly currency: string
  readonly #written: ShopAmounts
  roundings = 0

  constructor(currency: string, written: ShopAmounts) {
    this.currency = currency
    this.#written = written
  }

  minor(value: number): number {
    const { amount, isRounded } = fromShop(value, { currency: this.currency, ...this.#written })
    if (isRounded) this.roundings += 1
    return amount.amountMinor
  }
}

/** The order of a snapshot; its problems are added to `problems`. */
export function canonicalOrder(
  snapshot: Snapshot & { content: VendureContent },
  { system, version, problems, tenders, amounts: written }: Making,
): Order {
  const { content, currencyCode: currency } = snapshot
  const amounts = new Amounts(currency, written)
  const { customer } = content
  const shippingAddress = addressOf(content.shippingAddress, customer)
  const billingAddress = addressOf(content.billingAddress, customer)
  const lines = content.lines.map((line) => orderLine(line, amounts))
  const charges = [...shippingCharges(content, amounts), ...surcharges(content, amounts)]
  const totalMinor = amounts.minor(content.totalWithTax)
  const order: Order = {
    id: orderIdOf(system, snapshot.id),
    channel: system,
    externalId: snapshot.id,
    number: snapshot.code,
    version,
    placedAt: utc(snapshot.orderPlacedAt ?? snapshot.updatedAt),
    currency: { shop: currency, presentment: currency },
    // Vendure states every amount with and without tax, whatever its price lists contain.
    taxesIncluded: false,
    customer: customer
      ? {
          reference: reference(system, "customer", customer.id),
          email: customer.emailAddress,
          name: `${customer.firstName} ${customer.lastName}`.trim(),
          ...(customer.phoneNumber ? { phone: customer.phoneNumber } : {}),
        }
      : {},
    ...(shippingAddress ? { shippingAddress } : {}),
    ...(billingAddress ? { billingAddress } : {}),
    lines,
    charges: [...charges, ...roundingCharge({ lines, charges, totalMinor, amounts })],
    cashRounding: pair(0, currency),
    total: pair(totalMinor, currency),
    tenders: coverOf(tenders, totalMinor),
    references: [reference(system, "order", snapshot.id), reference(system, "order code", snapshot.code)],
  }
  problems.push(...orderSchema.problems(order), ...orderProblems(order))
  return order
}

/**
 * Payments as far as they pay for the order. An order that an edit made cheaper holds more than it is worth until the shop has paid the
 * rest back, which is a refund of its own.
 */
function coverOf(tenders: readonly Tender[], totalMinor: number): Tender[] {
  let leftMinor = totalMinor
  return tenders.flatMap((tender) => {
    const { amountMinor, currency } = tender.amount.shop
    const coveredMinor = Math.min(amountMinor, leftMinor)
    leftMinor -= coveredMinor
    return coveredMinor > 0 || amountMinor === 0 ? [{ ...tender, amount: pair(coveredMinor, currency) }] : []
  })
}

/** What is left when amounts finer than the minor unit are rounded each for itself: at most one minor unit for each of them. */
function roundingCharge(parts: {
  lines: readonly OrderLine[]
  charges: readonly OrderCharge[]
  totalMinor: number
  amounts: Amounts
}): OrderCharge[] {
  const { lines, charges, totalMinor, amounts } = parts
  const sumMinor = [...lines, ...charges].reduce((sum, { total }) => sum + total.shop.amountMinor, 0)
  const restMinor = totalMinor - sumMinor
  if (restMinor === 0 || Math.abs(restMinor) > amounts.roundings) return []
  const amount = pair(restMinor, amounts.currency)
  const title = "Rounding to the smallest unit"
  return [{ id: "rounding", kind: "rounding", title, gross: amount, discounts: [], taxes: [], total: amount }]
}

function orderLine(line: VendureLine, amounts: Amounts): OrderLine {
  return {
    id: line.id,
    sku: line.productVariant.sku,
    title: line.productVariant.name,
    quantity: pieces(line.quantity),
    ...priced({
      netMinor: line.proratedLinePrice,
      withTaxMinor: line.proratedLinePriceWithTax,
      grossMinor: line.linePrice,
      discountTitle: line.discounts.map(({ description }) => description).join(", ") || "discount",
      isOrderDiscount: line.discounts.some(({ type }) => type === "DISTRIBUTED_ORDER_PROMOTION"),
      taxLines: line.taxLines,
      amounts,
    }),
    fulfilment: { method: "ship" },
  }
}

function shippingCharges({ shippingLines }: VendureContent, amounts: Amounts): OrderCharge[] {
  return shippingLines.map((line) => ({
    id: `shipping-${line.id}`,
    kind: "shipping",
    title: line.shippingMethod.name || line.shippingMethod.code,
    ...priced({
      netMinor: line.discountedPrice,
      withTaxMinor: line.discountedPriceWithTax,
      grossMinor: line.price,
      discountTitle: "discount on shipping",
      isOrderDiscount: true,
      // A ShippingLine of 3.7.3 has no tax rate to read, only its amounts.
      taxLines: [],
      amounts,
    }),
  }))
}

function surcharges({ surcharges: all }: VendureContent, amounts: Amounts): OrderCharge[] {
  return all.map((surcharge) => ({
    id: `surcharge-${surcharge.id}`,
    // A surcharge below zero takes money off the order.
    kind: surcharge.price < 0 ? "credit" : "fee",
    title: surcharge.description,
    ...priced({
      netMinor: surcharge.price,
      withTaxMinor: surcharge.priceWithTax,
      grossMinor: surcharge.price,
      discountTitle: "",
      isOrderDiscount: false,
      taxLines: surcharge.taxLines,
      amounts,
    }),
  }))
}

interface Priced {
  netMinor: number
  withTaxMinor: number
  grossMinor: number
  discountTitle: string
  isOrderDiscount: boolean
  taxLines: readonly { description: string; taxRate: number }[]
  amounts: Amounts
}

/** Amounts of a line or charge as charged: list less net is discount, paid less net is tax. */
function priced(part: Priced): Pick<OrderLine, "gross" | "discounts" | "taxes" | "total"> {
  const { amounts, discountTitle: title, taxLines } = part
  const { currency } = amounts
  const grossMinor = amounts.minor(part.grossMinor)
  const netMinor = amounts.minor(part.netMinor)
  const withTaxMinor = amounts.minor(part.withTaxMinor)
  const discountMinor = grossMinor - netMinor
  const scope = part.isOrderDiscount ? "order" : "line"
  return {
    gross: pair(grossMinor, currency),
    discounts: discountMinor === 0 ? [] : [{ scope, title, amount: pair(discountMinor, currency) }],
    taxes: taxesOf(money(withTaxMinor - netMinor, currency), taxLines),
    total: pair(withTaxMinor, currency),
  }
}

/** The charged tax. Several rates share it in proportion, so that the parts sum to the whole. */
function taxesOf(whole: Money, taxLines: Priced["taxLines"]): OrderLine["taxes"] {
  if (whole.amountMinor === 0) return []
  if (taxLines.length === 0) return [{ title: "tax", amount: { shop: whole, presentment: whole } }]
  const parts = splitMoney(
    whole,
    taxLines.map(({ taxRate }) => Math.round(taxRate * 10_000)),
  )
  return parts.map((amount, index) => ({
    title: taxLines[index]?.description || "tax",
    ratePercent: String(taxLines[index]?.taxRate ?? 0),
    amount: { shop: amount, presentment: amount },
  }))
}

/** A payment of the shop; undefined with its problems while its method or state is not mapped. */
export function tenderOf(
  payment: PaymentHead,
  { system, tenderKinds, currency, amounts, problems }: TranslationContext & { currency: string; problems: Problem[] },
): Tender | undefined {
  const kind = own(tenderKinds, payment.method)
  const state = own(tenderStates, payment.state)
  const unknown = (pointer: string, what: string) =>
    problems.push({ pointer, message: `${what} is not mapped`, code: "VENDOR_VALUE_UNKNOWN" })
  if (!kind) unknown("/method", `payment method "${payment.method}"`)
  if (!state) unknown("/state", `payment state "${payment.state}"`)
  if (!kind || !state) return undefined
  return {
    id: payment.id,
    kind,
    provider: `${system}:${payment.method}`.slice(0, 64),
    state,
    amount: pair(fromShop(payment.amount, { currency, ...amounts }).amount.amountMinor, currency),
    ...(payment.transactionId ? { reference: cut(payment.transactionId, 256) } : {}),
  }
}

function addressOf(address: VendureAddress | null, customer: VendureContent["customer"]): Address | undefined {
  if (!address?.countryCode) return undefined
  const named = customer ? `${customer.firstName} ${customer.lastName}`.trim() : ""
  return {
    name: address.fullName || named,
    ...(address.company ? { company: address.company } : {}),
    line1: address.streetLine1 ?? "",
    ...(address.streetLine2 ? { line2: address.streetLine2 } : {}),
    postalCode: address.postalCode ?? "",
    city: address.city ?? "",
    ...(address.province ? { region: address.province } : {}),
    countryCode: address.countryCode,
    ...(address.phoneNumber ? { phone: address.phoneNumber } : {}),
  }
}

export function partLines(lines: readonly { orderLineId: string; quantity: number }[]): LineQuantity[] {
  return lines.map(({ orderLineId, quantity }) => ({ lineId: orderLineId, quantity: pieces(quantity) }))
}

export function pair(amountMinor: number, currency: string): MoneyPair {
  const amount = money(amountMinor, currency)
  return { shop: amount, presentment: amount }
}

export function utc(text: string): string {
  const at = parseInstant(text)
  if (at === undefined) throw new AppError("TRANSLATION_FAILED", `"${text}" is no moment`)
  return at
}
