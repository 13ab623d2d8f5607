import { AppError, type Problem } from "../../../base/errors.ts"
import { orderIdOf } from "../../../base/ids.ts"
import { own } from "../../../base/lookup.ts"
import { money, splitMoney } from "../../../base/money.ts"
import { pieces } from "../../../base/quantity.ts"
import { parseInstant } from "../../../base/time.ts"
import { orderProblems } from "../../../canonical/order-invariants.ts"
import { Order, type OrderCharge, type OrderLine, type Tender } from "../../../canonical/order.ts"
import type { Address, LineQuantity, MoneyPair } from "../../../canonical/parts.ts"
import { validator } from "../../../canonical/validate.ts"
import { reference } from "../../../ports/write.ts"
import type { VendureAddress, VendureLine, VendureOrder, VendurePayment } from "../payloads.ts"

/** How one connection's orders are read. */
export interface TranslationContext {
  /** Id of the connection: source of the facts and channel of the orders. */
  system: string
  /** Kind of tender of each of the shop's payment methods. */
  tenderKinds: Readonly<Record<string, Tender["kind"]>>
}

/** Our id of one of the shop's orders. */

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

export type Making = TranslationContext & { version: string; problems: Problem[] }

/** The order of a snapshot; its problems are added to `problems`. */
export function canonicalOrder(snapshot: VendureOrder, { system, version, problems, ...rest }: Making): Order {
  const currency = snapshot.currencyCode
  const tenders = snapshot.payments
    .map((payment) => tenderOf(payment, { system, ...rest, currency, problems }))
    .filter((tender) => tender.state !== "failed")
  const { customer } = snapshot
  const shippingAddress = addressOf(snapshot.shippingAddress, customer)
  const billingAddress = addressOf(snapshot.billingAddress, customer)
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
    lines: snapshot.lines.map((line) => orderLine(line, currency)),
    charges: [...shippingCharges(snapshot), ...surcharges(snapshot)],
    cashRounding: pair(0, currency),
    total: pair(snapshot.totalWithTax, currency),
    tenders,
    references: [reference(system, "order", snapshot.id), reference(system, "order code", snapshot.code)],
  }
  problems.push(...orderSchema.problems(order), ...orderProblems(order))
  return order
}

function orderLine(line: VendureLine, currency: string): OrderLine {
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
      currency,
    }),
    fulfilment: { method: "ship" },
  }
}

function shippingCharges({ shippingLines, currencyCode }: VendureOrder): OrderCharge[] {
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
      currency: currencyCode,
    }),
  }))
}

function surcharges({ surcharges: all, currencyCode }: VendureOrder): OrderCharge[] {
  return all.map((surcharge) => ({
    id: `surcharge-${surcharge.id}`,
    kind: "fee",
    title: surcharge.description,
    ...priced({
      netMinor: surcharge.price,
      withTaxMinor: surcharge.priceWithTax,
      grossMinor: surcharge.price,
      discountTitle: "",
      isOrderDiscount: false,
      taxLines: surcharge.taxLines,
      currency: currencyCode,
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
  currency: string
}

/** Amounts of a line or charge as charged: list less net is discount, paid less net is tax. */
function priced(part: Priced): Pick<OrderLine, "gross" | "discounts" | "taxes" | "total"> {
  const { currency } = part
  const discountMinor = part.grossMinor - part.netMinor
  const scope = part.isOrderDiscount ? "order" : "line"
  return {
    gross: pair(part.grossMinor, currency),
    discounts: discountMinor === 0 ? [] : [{ scope, title: part.discountTitle, amount: pair(discountMinor, currency) }],
    taxes: taxesOf(part),
    total: pair(part.withTaxMinor, currency),
  }
}

/** The charged tax. Several rates share it in proportion, so that the parts sum to the whole. */
function taxesOf({ netMinor, withTaxMinor, taxLines, currency }: Priced): OrderLine["taxes"] {
  const whole = money(withTaxMinor - netMinor, currency)
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

export function tenderOf(
  payment: VendurePayment,
  { system, tenderKinds, currency, problems }: TranslationContext & { currency: string; problems: Problem[] },
): Tender {
  const kind = own(tenderKinds, payment.method)
  const state = own(tenderStates, payment.state)
  const unknown = (what: string) =>
    problems.push({ pointer: "/payments", message: `${what} is not mapped`, code: "VENDOR_VALUE_UNKNOWN" })
  if (!kind) unknown(`payment method "${payment.method}"`)
  if (!state) unknown(`payment state "${payment.state}"`)
  return {
    id: payment.id,
    kind: kind ?? "other",
    provider: `${system}:${payment.method}`.slice(0, 64),
    state: state ?? "failed",
    amount: pair(payment.amount, currency),
    ...(payment.transactionId ? { reference: payment.transactionId } : {}),
  }
}

function addressOf(address: VendureAddress | null, customer: VendureOrder["customer"]): Address | undefined {
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
