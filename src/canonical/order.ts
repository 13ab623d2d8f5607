import { Type, type Static } from "typebox"
import { canonicalJson, derivedId } from "../base/ids.ts"
import { CurrencyCode } from "../base/money.ts"
import { Quantity } from "../base/quantity.ts"
import {
  Address,
  ChannelId,
  DiscountAllocation,
  entity,
  InstantText,
  LineId,
  linesMax,
  LocationId,
  MoneyPair,
  OrderId,
  Property,
  Reference,
  Sku,
  TaxLine,
  textMax,
} from "./parts.ts"

/** Whether the amounts of a line or charge include its taxes; where it does not say, the order does. */
const taxesIncluded = Type.Optional(
  Type.Boolean({ description: "whether these amounts include the taxes, when it differs from the order" }),
)

/**
 * A component of a kit line, with its quantity for the whole line (not per kit). Stock is kept for components, money
 * for the line.
 */
const KitComponent = entity("Kit component", { sku: Sku, quantity: Quantity })
type KitComponent = Static<typeof KitComponent>

/**
 * One line as sold.
 *
 * `gross` = list price × quantity before any discount. `total` is what the buyer is charged for the line:
 * gross − discounts, plus taxes when the order's prices exclude tax. `quantity` may be 0 after an edit removed the line.
 */
export const OrderLine = entity("Order line", {
  id: LineId,
  sku: Sku,
  title: Type.String({ maxLength: 1024 }),
  barcode: Type.Optional(
    Type.String({ maxLength: textMax, description: "the EAN, UPC or GTIN on the goods, as the channel has it" }),
  ),
  quantity: Quantity,
  unitPriceText: Type.Optional(
    Type.String({ maxLength: 40, description: "for display; may be finer than the minor unit" }),
  ),
  gross: MoneyPair,
  discounts: Type.Array(DiscountAllocation, { maxItems: 50 }),
  taxes: Type.Array(TaxLine, { maxItems: 50 }),
  taxesIncluded,
  total: MoneyPair,
  fulfilment: Type.Union([
    entity("Ship", { method: Type.Literal("ship") }),
    entity("Pickup", { method: Type.Literal("pickup"), locationId: LocationId }),
    entity("Digital", { method: Type.Literal("digital") }),
    entity("Handed over", { method: Type.Literal("handed over") }),
  ]),
  components: Type.Optional(Type.Array(KitComponent, { minItems: 1, maxItems: 50 })),
  isGiftCard: Type.Optional(Type.Boolean({ description: "a gift card sold: a liability, not revenue" })),
  properties: Type.Optional(
    Type.Array(Property, { maxItems: 100, description: "what the buyer or an app wrote on the line: a gift message" }),
  ),
  references: Type.Optional(
    Type.Array(Reference, { maxItems: 20, description: "what the channel calls the article: its variant and product" }),
  ),
})
export type OrderLine = Static<typeof OrderLine>

/** Whether goods of a line leave a shelf of ours: not when it is digital, nor when the buyer left the counter with it. */
export function leavesShelf({ fulfilment: { method } }: OrderLine): boolean {
  return method === "ship" || method === "pickup"
}

/** The goods on a shelf that some thousandths of a line are: the line itself, or a kit's components in proportion. */
export function shelfGoods({ sku, components, quantity }: OrderLine, milli: number): { sku: string; milli: number }[] {
  if (!components) return [{ sku, milli }]
  return components.map((component) => ({
    sku: component.sku,
    milli: Math.ceil((component.quantity.milli * milli) / quantity.milli),
  }))
}

/**
 * Money of an order that belongs to no line: shipping, a tip, duties. Same arithmetic as a line. A credit is negative; a rounding may
 * be: it holds what is left when a channel's amounts finer than the minor unit are rounded.
 */
export const OrderCharge = entity("Order charge", {
  id: LineId,
  kind: Type.Enum(["shipping", "tip", "duty", "fee", "credit", "rounding"]),
  title: Type.String({ maxLength: textMax }),
  code: Type.Optional(Type.String({ maxLength: textMax, description: "the channel's code of the shipping method" })),
  gross: MoneyPair,
  discounts: Type.Array(DiscountAllocation, { maxItems: 50 }),
  taxes: Type.Array(TaxLine, { maxItems: 50 }),
  taxesIncluded,
  total: MoneyPair,
})
export type OrderCharge = Static<typeof OrderCharge>

/** One payment of a part of the total. `reference` is the payment provider's id where there is one. */
export const Tender = entity("Tender", {
  id: LineId,
  kind: Type.Union([
    Type.Literal("card"),
    Type.Literal("giftCard"),
    Type.Literal("cash"),
    Type.Literal("wallet"),
    Type.Literal("invoice"),
    Type.Literal("other"),
  ]),
  provider: Type.String({ maxLength: textMax }),
  state: Type.Union([
    Type.Literal("pending"),
    Type.Literal("authorised"),
    Type.Literal("captured"),
    Type.Literal("failed"),
  ]),
  amount: MoneyPair,
  reference: Type.Optional(Type.String({ maxLength: 256 })),
})
export type Tender = Static<typeof Tender>

/** The buyer as the channel knows them; every field may be missing. */
const Customer = entity("Order customer", {
  reference: Type.Optional(Reference),
  email: Type.Optional(Type.String({ maxLength: 320 })),
  phone: Type.Optional(Type.String({ maxLength: textMax })),
  name: Type.Optional(Type.String({ maxLength: 512, description: "a given and a family name of 255 each" })),
  locale: Type.Optional(Type.String({ maxLength: 64 })),
  company: Type.Optional(
    entity("Company", {
      name: Type.String({ maxLength: textMax }),
      reference: Type.Optional(Reference),
      location: Type.Optional(Type.String({ maxLength: textMax, description: "which of the company's places" })),
    }),
  ),
})
type Customer = Static<typeof Customer>

/** When the buyer has to pay, where it is not at once. */
const PaymentTerms = entity("Payment terms", {
  name: Type.String({ maxLength: textMax, description: "in the channel's words: Net 30" }),
  dueAt: Type.Optional(InstantText),
})
type PaymentTerms = Static<typeof PaymentTerms>

/** What took the order: the web shop, a till, a draft made by staff, an app. */
const OrderSource = entity("Order source", {
  name: Type.String({ maxLength: textMax, description: "in the channel's words: web, pos, draft, the name of an app" }),
  application: Type.Optional(Type.String({ maxLength: textMax, description: "the application that made it" })),
  id: Type.Optional(Type.String({ maxLength: textMax, description: "the order's number with the source" })),
  place: Type.Optional(
    Type.String({ maxLength: textMax, description: "the place where it was sold: our location, or the channel's" }),
  ),
})
type OrderSource = Static<typeof OrderSource>

/**
 * An order as its channel sold it. Amounts are the charged ones; nothing here is recomputed.
 *
 * total = Σ lines.total + Σ charges.total + cashRounding, in both currencies; see `order-invariants.ts`.
 * `version` orders the snapshots of one order: a later one replaces an earlier one, and an earlier one is stale.
 */
export const Order = entity("Order", {
  id: OrderId,
  channel: ChannelId,
  externalId: Type.String({ minLength: 1, maxLength: 256 }),
  number: Type.String({ minLength: 1, maxLength: textMax }),
  version: InstantText,
  placedAt: InstantText,
  currency: entity("Currencies", {
    shop: CurrencyCode,
    presentment: CurrencyCode,
  }),
  taxesIncluded: Type.Boolean(),
  customer: Customer,
  billingAddress: Type.Optional(Address),
  shippingAddress: Type.Optional(Address),
  customerReference: Type.Optional(
    Type.String({ maxLength: textMax, description: "the buyer's purchase order number" }),
  ),
  paymentTerms: Type.Optional(PaymentTerms),
  taxExempt: Type.Optional(Type.Boolean({ description: "the buyer pays no tax" })),
  source: Type.Optional(OrderSource),
  tags: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: textMax }), {
      maxItems: 250,
      description: "words that staff or apps put on it, sorted",
    }),
  ),
  properties: Type.Optional(
    Type.Array(Property, { maxItems: 250, description: "what the buyer or an app wrote on the order" }),
  ),
  isTest: Type.Optional(Type.Boolean({ description: "an order of the channel's test mode: nobody pays for it" })),
  notes: Type.Optional(Type.String({ maxLength: 5000 })),
  lines: Type.Array(OrderLine, { minItems: 1, maxItems: linesMax }),
  charges: Type.Array(OrderCharge, { maxItems: 2 * linesMax }),
  cashRounding: MoneyPair,
  total: MoneyPair,
  tenders: Type.Array(Tender, { maxItems: 200 }),
  references: Type.Array(Reference, { maxItems: 50 }),
})
export type Order = Static<typeof Order>

/** Whether goods are to be sent and nobody has said where to. */
export function lacksAddress({ lines, shippingAddress }: Pick<Order, "lines" | "shippingAddress">): boolean {
  return (
    !shippingAddress && lines.some(({ fulfilment, quantity }) => fulfilment.method === "ship" && quantity.milli > 0)
  )
}

/** The states of an order in shopkeeper's words, in their usual order. */
export const orderStates = [
  "accepted",
  "on hold",
  "reserved",
  "paid",
  "on account",
  "routed",
  "in the books",
  "waiting for the books",
  "released",
  "partly shipped",
  "shipped",
  "closed",
  "cancelling",
  "cancelled",
  "refused",
  "not taken over",
] as const
/** The state of an order as `order.state-changed` announces it. */
export const OrderState = Type.Enum(orderStates)
export type OrderState = (typeof orderStates)[number]

/**
 * Names what an order is to everybody who handles it: goods, money, addresses, the buyer, notes and tags. Two states of an order with
 * the same edition are the same order; the source and the time of the state make no difference. The part before the dash names goods and
 * their money alone.
 */
export function editionOf(order: Order): string {
  const known = editions.get(order) ?? computeEdition(order)
  editions.set(order, known)
  return known
}

/** It is asked for several times on an order's way through the door, which changes no order. */
const editions = new WeakMap<Order, string>()

function computeEdition(order: Order): string {
  const { lines, charges, cashRounding, total, customer, tenders } = order
  const goods = {
    lines: lines.map(({ id, sku, quantity, total: price, fulfilment, properties }) => [
      id,
      sku,
      quantity,
      price,
      fulfilment,
      properties,
    ]),
    charges: charges.map(({ id, kind, total: price }) => [id, kind, price]),
    cashRounding,
    total,
  }
  const rest = {
    // Channels that tell of payments by themselves leave them out.
    tenders,
    buyer: [customer.reference?.id, customer.email, customer.phone, customer.name, customer.company?.reference?.id],
    addresses: [order.shippingAddress, order.billingAddress],
    texts: [order.customerReference, order.notes, order.tags],
  }
  return `${derivedId("ed", canonicalJson(goods))}-${derivedId("ed", canonicalJson(rest))}`
}
