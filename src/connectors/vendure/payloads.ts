import { Type, type Static, type TSchema } from "typebox"
import { AppError } from "../../base/errors.ts"
import { validator } from "../../canonical/validate.ts"

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
const MaybeText = Type.Union([Type.String(), Type.Null()])
const Minor = Type.Integer()
const Pieces = Type.Integer({ minimum: 0 })
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

const TaxRates = Type.Array(Type.Object({ description: Type.String(), taxRate: Type.Number() }))
const PartLines = Type.Array(Type.Object({ orderLineId: Text, quantity: Pieces }))

const Line = Type.Object({
  id: Text,
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
  id: Text,
  createdAt: Text,
  state: Text,
  total: Minor,
  reason: MaybeText,
  lines: PartLines,
})

const Payment = Type.Object({
  id: Text,
  createdAt: Text,
  method: Text,
  amount: Minor,
  state: Text,
  transactionId: MaybeText,
  refunds: Type.Array(Refund),
})
export type VendurePayment = Static<typeof Payment>

const Fulfilment = Type.Object({
  id: Text,
  state: Text,
  method: Type.String(),
  trackingCode: MaybeText,
  updatedAt: Text,
  lines: PartLines,
})
export type VendureFulfilment = Static<typeof Fulfilment>

const VendureOrderSchema = Type.Object({
  id: Text,
  code: Text,
  state: Text,
  active: Type.Boolean(),
  orderPlacedAt: nullable(Text),
  updatedAt: Text,
  currencyCode: Text,
  subTotal: Minor,
  subTotalWithTax: Minor,
  shipping: Minor,
  shippingWithTax: Minor,
  total: Minor,
  totalWithTax: Minor,
  customer: nullable(
    Type.Object({
      id: Text,
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
    Type.Object({ id: Text, description: Type.String(), price: Minor, priceWithTax: Minor, taxLines: TaxRates }),
  ),
  shippingLines: Type.Array(
    Type.Object({
      id: Text,
      price: Minor,
      discountedPrice: Minor,
      discountedPriceWithTax: Minor,
      shippingMethod: Type.Object({ code: Text, name: Type.String() }),
    }),
  ),
  payments: Type.Array(Payment),
  fulfillments: nullable(Type.Array(Fulfilment)),
  history: Type.Object({ items: Type.Array(Type.Object({ createdAt: Text })) }),
  cancellations: Type.Object({ items: Type.Array(Type.Object({ createdAt: Text, data: Type.Unknown() })) }),
})
/** An order as the shop holds it now. After a cancellation the shop rewrites its amounts to zero (seen in 3.7.3). */
export type VendureOrder = Static<typeof VendureOrderSchema>

/**
 * Whether an order was read while the shop was rewriting it. A response is not a consistent snapshot: during a
 * cancellation the lines, and after them the shipping, were empty beside the old totals (seen in 3.7.3). Such a
 * response is useless, so the order is read again.
 */
export function isTorn({ lines, surcharges, shippingLines, subTotalWithTax, shippingWithTax }: VendureOrder): boolean {
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

const orderSchema = validator(VendureOrderSchema, "Vendure order")

/** Reads an order out of a delivery; TRANSLATION_FAILED with every problem. */
export function deliveredOrder(value: unknown): VendureOrder {
  const problems = orderSchema.problems(value)
  if (problems.length > 0)
    throw new AppError("TRANSLATION_FAILED", "a Vendure order is not as documented", { problems })
  return orderSchema.parse(value)
}

/** Reads an order out of the response to a call of ours; VENDOR_MISBEHAVED when it is not as documented. */
export function answeredOrder(value: unknown): VendureOrder {
  const problems = orderSchema.problems(value)
  if (problems.length > 0) throw new AppError("VENDOR_MISBEHAVED", "a Vendure order is not as documented", { problems })
  return orderSchema.parse(value)
}
