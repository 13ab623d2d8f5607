import { Type, type Static } from "typebox"
import { Quantity } from "../base/quantity.ts"
import {
  Address,
  ChannelId,
  DiscountAllocation,
  entity,
  InstantText,
  LineId,
  LocationId,
  MoneyPair,
  OrderId,
  Reference,
  Sku,
  TaxLine,
} from "./parts.ts"

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
  title: Type.String({ maxLength: 400 }),
  quantity: Quantity,
  unitPriceText: Type.Optional(
    Type.String({ maxLength: 40, description: "for display; may be finer than the minor unit" }),
  ),
  gross: MoneyPair,
  discounts: Type.Array(DiscountAllocation, { maxItems: 50 }),
  taxes: Type.Array(TaxLine, { maxItems: 20 }),
  total: MoneyPair,
  fulfilment: Type.Union([
    entity("Ship", { method: Type.Literal("ship") }),
    entity("Pickup", { method: Type.Literal("pickup"), locationId: LocationId }),
    entity("Digital", { method: Type.Literal("digital") }),
  ]),
  components: Type.Optional(Type.Array(KitComponent, { minItems: 1, maxItems: 50 })),
  isGiftCard: Type.Optional(Type.Boolean({ description: "a gift card sold: a liability, not revenue" })),
})
export type OrderLine = Static<typeof OrderLine>

/** Money of an order that belongs to no line: shipping, a tip, duties. Same arithmetic as a line. */
export const OrderCharge = entity("Order charge", {
  id: LineId,
  kind: Type.Union([Type.Literal("shipping"), Type.Literal("tip"), Type.Literal("duty"), Type.Literal("fee")]),
  title: Type.String({ maxLength: 200 }),
  gross: MoneyPair,
  discounts: Type.Array(DiscountAllocation, { maxItems: 50 }),
  taxes: Type.Array(TaxLine, { maxItems: 20 }),
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
  provider: Type.String({ maxLength: 64 }),
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
  phone: Type.Optional(Type.String({ maxLength: 64 })),
  name: Type.Optional(Type.String({ maxLength: 200 })),
  locale: Type.Optional(Type.String({ maxLength: 16 })),
})
type Customer = Static<typeof Customer>

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
  number: Type.String({ minLength: 1, maxLength: 64 }),
  version: InstantText,
  placedAt: InstantText,
  currency: entity("Currencies", {
    shop: Type.String({ pattern: "^[A-Z]{3}$" }),
    presentment: Type.String({ pattern: "^[A-Z]{3}$" }),
  }),
  taxesIncluded: Type.Boolean(),
  customer: Customer,
  billingAddress: Type.Optional(Address),
  shippingAddress: Type.Optional(Address),
  customerReference: Type.Optional(Type.String({ maxLength: 128, description: "the buyer's purchase order number" })),
  notes: Type.Optional(Type.String({ maxLength: 5000 })),
  lines: Type.Array(OrderLine, { minItems: 1, maxItems: 500 }),
  charges: Type.Array(OrderCharge, { maxItems: 100 }),
  cashRounding: MoneyPair,
  total: MoneyPair,
  tenders: Type.Array(Tender, { maxItems: 50 }),
  references: Type.Array(Reference, { maxItems: 50 }),
})
export type Order = Static<typeof Order>

/** The states of an order in shopkeeper's words, in their usual order. */
export const orderStates = [
  "accepted",
  "on hold",
  "reserved",
  "paid",
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
  "needs a person",
] as const
/** The state of an order as `order.state-changed` announces it. */
export const OrderState = Type.Enum(orderStates)
export type OrderState = (typeof orderStates)[number]
