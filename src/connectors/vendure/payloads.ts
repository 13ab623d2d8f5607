import { isCurrency } from "../../base/money.ts"
import { parseInstant } from "../../base/time.ts"
import { Type, type Static, type TSchema } from "typebox"
import { AppError } from "../../base/errors.ts"
import { validator, type Validator } from "../../canonical/validate.ts"
import type { OddPart } from "../../protocols/odd-parts.ts"

// Admin API of Vendure 3.7.3, https://docs.vendure.io/reference/graphql-api/admin/object-types (read 2026-11) and its answers.

/** The fields of an order that both the poll and the shop's webhook carry; amounts are integer minor units. */
export const orderFields = `id code state active orderPlacedAt updatedAt currencyCode couponCodes
  subTotal subTotalWithTax shipping shippingWithTax total totalWithTax
  customer { id emailAddress firstName lastName phoneNumber }
  shippingAddress { fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber }
  billingAddress { fullName company streetLine1 streetLine2 city province postalCode countryCode phoneNumber }
  lines { id quantity orderPlacedQuantity productVariant { id sku name }
    unitPrice linePrice proratedLinePrice proratedLinePriceWithTax taxLines { description taxRate }
    discounts { description type } }
  surcharges { id description price priceWithTax taxLines { description taxRate } }
  shippingLines { id price discountedPrice discountedPriceWithTax shippingMethod { code name } }
  payments { id createdAt method amount state transactionId
    refunds { id createdAt state total reason lines { orderLineId quantity } } }
  fulfillments { id state method trackingCode updatedAt lines { orderLineId quantity } }
  history(options: { take: 1, sort: { createdAt: DESC } }) { items { createdAt } }
  cancellations: history(options: { take: 1, sort: { createdAt: DESC }, filter: { type: { eq: "ORDER_CANCELLATION" } } }) {
    items { createdAt data } }`

const Text = Type.String({ minLength: 1 })
const Id = Type.String({ minLength: 1, maxLength: 64 })
const MaybeText = Type.Union([Type.String(), Type.Null()])
const Minor = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
const Pieces = Type.Integer({ minimum: 0, maximum: 1_000_000_000 })
const Currency = Type.Refine(Type.String(), isCurrency, () => "is not a currency of ISO 4217")
const Moment = Type.Refine(
  Type.String(),
  (text: string) => parseInstant(text) !== undefined,
  () => "must be a moment with its offset",
)
const nullable = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

const AddressFields = Type.Object({
  fullName: MaybeText,
  company: MaybeText,
  streetLine1: MaybeText,
  streetLine2: MaybeText,
  city: MaybeText,
  province: MaybeText,
  postalCode: MaybeText,
  countryCode: MaybeText,
  phoneNumber: MaybeText,
})
export type VendureAddress = Static<typeof AddressFields>

const TaxRates = Type.Array(
  Type.Object({ description: Type.String(), taxRate: Type.Number({ minimum: 0, maximum: 1000 }) }),
)
const PartLines = Type.Array(Type.Object({ orderLineId: Id, quantity: Pieces }))

const Line = Type.Object({
  id: Id,
  quantity: Pieces,
  orderPlacedQuantity: Pieces,
  productVariant: Type.Object({ sku: Text, name: Type.String() }),
  unitPrice: Minor,
  linePrice: Minor,
  proratedLinePrice: Minor,
  proratedLinePriceWithTax: Minor,
  taxLines: TaxRates,
  discounts: Type.Array(Type.Object({ description: Type.String(), type: Text })),
})
export type VendureLine = Static<typeof Line>

const Refund = Type.Object({
  id: Id,
  createdAt: Moment,
  state: Text,
  total: Minor,
  reason: MaybeText,
  lines: PartLines,
})

const Payment = Type.Object({
  id: Id,
  createdAt: Moment,
  method: Text,
  amount: Minor,
  state: Text,
  transactionId: MaybeText,
})
const PaymentWithRefunds = Type.Object({ ...Payment.properties, refunds: Type.Array(Refund) })
export type VendurePayment = Static<typeof PaymentWithRefunds>

const Fulfilment = Type.Object({
  id: Id,
  state: Text,
  method: Type.String(),
  trackingCode: MaybeText,
  updatedAt: Moment,
  lines: PartLines,
})
export type VendureFulfilment = Static<typeof Fulfilment>

const Head = Type.Object({
  id: Id,
  code: Text,
  state: Text,
  orderPlacedAt: nullable(Moment),
  updatedAt: Moment,
  currencyCode: Currency,
  history: Type.Object({ items: Type.Array(Type.Object({ createdAt: Moment })) }),
  cancellations: Type.Object({ items: Type.Array(Type.Object({ createdAt: Moment, data: Type.Unknown() })) }),
})

const Content = Type.Object({
  subTotalWithTax: Minor,
  shippingWithTax: Minor,
  totalWithTax: Minor,
  customer: nullable(
    Type.Object({
      id: Id,
      emailAddress: Type.String(),
      firstName: Type.String(),
      lastName: Type.String(),
      phoneNumber: MaybeText,
    }),
  ),
  shippingAddress: nullable(AddressFields),
  billingAddress: nullable(AddressFields),
  lines: Type.Array(Line),
  surcharges: Type.Array(
    Type.Object({ id: Id, description: Type.String(), price: Minor, priceWithTax: Minor, taxLines: TaxRates }),
  ),
  shippingLines: Type.Array(
    Type.Object({
      id: Id,
      price: Minor,
      discountedPrice: Minor,
      discountedPriceWithTax: Minor,
      shippingMethod: Type.Object({ code: Text, name: Type.String() }),
    }),
  ),
})
/** What was sold to whom. After a cancellation the shop rewrites its amounts to zero (seen in 3.7.3). */
export type VendureContent = Static<typeof Content>

export type PaymentHead = Static<typeof Payment>
export type VendureRefund = Static<typeof Refund>

/** One state of an order, read part by part: a part that cannot be read is in `odd`, and the others stand (P-31). */
export type Snapshot = Static<typeof Head> & {
  content?: VendureContent
  payments: PaymentHead[]
  refunds: (VendureRefund & { paymentId: string })[]
  fulfilments: VendureFulfilment[]
  odd: OddPart[]
}

/** An order as our own calls need it. */
const Answered = Type.Object({
  id: Id,
  code: Text,
  state: Text,
  currencyCode: Currency,
  payments: Type.Array(PaymentWithRefunds),
  fulfillments: nullable(Type.Array(Fulfilment)),
})
export type VendureOrder = Static<typeof Answered>

/**
 * Whether an order was read while the shop was rewriting it. A response is not a consistent snapshot: during a
 * cancellation the lines, and after them the shipping, were empty beside the old totals (seen in 3.7.3). Such a
 * response is useless, so the order is read again. One that cannot be read is not torn.
 */
export function isTorn(value: unknown): boolean {
  if (contentSchema.problems(value).length > 0) return false
  const { lines, surcharges, shippingLines, subTotalWithTax, shippingWithTax } = contentSchema.parse(value)
  const goodsMinor = [
    ...lines.map((line) => line.proratedLinePriceWithTax),
    ...surcharges.map((surcharge) => surcharge.priceWithTax),
  ]
  const shippingMinor = shippingLines.map((line) => line.discountedPriceWithTax)
  return sum(goodsMinor) !== subTotalWithTax || sum(shippingMinor) !== shippingWithTax
}

function sum(amounts: readonly number[]): number {
  return amounts.reduce((whole, part) => whole + part, 0)
}

const headSchema = validator(Head, "Vendure order")
const contentSchema = validator(Content, "Vendure order")
const paymentSchema = validator(Payment, "Vendure payment")
const refundSchema = validator(Refund, "Vendure refund")
const fulfilmentSchema = validator(Fulfilment, "Vendure fulfilment")
const answeredSchema = validator(Answered, "Vendure order")

/** Reads an order out of a delivery. TRANSLATION_FAILED with every problem when it does not say which order it is. */
export function deliveredOrder(value: unknown): Snapshot {
  const problems = headSchema.problems(value)
  if (problems.length > 0)
    throw new AppError("TRANSLATION_FAILED", "a Vendure order is not as documented", {
      problems: problems.map((problem) => ({ ...problem, pointer: `/snapshot${problem.pointer}` })),
    })
  const order = objectOf(value)
  const odd: OddPart[] = []
  const contents = readParts([value], { schema: contentSchema, kind: "content", at: () => "/snapshot", odd })
  const payments = listOf(order["payments"])
  const paid = payments.flatMap((payment, n) => {
    const at = (index: number) => `/snapshot/payments/${n}/refunds/${index}`
    const paymentId = idOf(payment) ?? String(n)
    const refunds = readParts(listOf(objectOf(payment)["refunds"]), { schema: refundSchema, kind: "refund", at, odd })
    return refunds.map((refund) => ({ ...refund, paymentId }))
  })
  const partsAt = (list: string) => (n: number) => `/snapshot/${list}/${n}`
  return {
    ...headSchema.parse(value),
    ...(contents[0] === undefined ? {} : { content: contents[0] }),
    payments: readParts(payments, { schema: paymentSchema, kind: "transaction", at: partsAt("payments"), odd }),
    refunds: paid,
    fulfilments: readParts(listOf(order["fulfillments"]), {
      schema: fulfilmentSchema,
      kind: "fulfilment",
      at: partsAt("fulfillments"),
      odd,
    }),
    odd,
  }
}

function readParts<Part>(
  values: readonly unknown[],
  options: { schema: Validator<Part>; kind: OddPart["kind"]; at: (n: number) => string; odd: OddPart[] },
): Part[] {
  const { schema, kind, at, odd } = options
  return values.flatMap((value, n) => {
    const problems = schema.problems(value).map((one) => ({ ...one, pointer: `${at(n)}${one.pointer}` }))
    if (problems.length === 0) return [schema.parse(value)]
    odd.push({ kind, id: kind === "content" ? "" : (idOf(value) ?? at(n)), pointer: at(n), problems })
    return []
  })
}

function idOf(value: unknown): string | undefined {
  const { id } = objectOf(value)
  return typeof id === "string" && id !== "" ? id : undefined
}

/** A list that is missing has no parts; anything else that is no list is one odd part. */
const listOf = (value: unknown): unknown[] =>
  value === null || value === undefined ? [] : Array.isArray(value) ? value : [value]

/** Reads an order out of the response to a call of ours; VENDOR_MISBEHAVED when what our calls need is not as documented. */
export function answeredOrder(value: unknown): VendureOrder {
  const problems = answeredSchema.problems(value)
  if (problems.length > 0) throw new AppError("VENDOR_MISBEHAVED", "a Vendure order is not as documented", { problems })
  return answeredSchema.parse(value)
}

/** The fields of a value that may not be an object. */
export function objectOf(value: unknown): Record<string, unknown> {
  // Reads only: a missing field is undefined.
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}
}
