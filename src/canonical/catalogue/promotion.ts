import { Type, type Static } from "typebox"
import { Money } from "../../base/money.ts"
import { ChannelId, entity, LocationId, Sku } from "../parts.ts"
import { Validity } from "./price.ts"
import { MarketId } from "./scope.ts"

const Percent = Type.Integer({ minimum: 1, maximum: 10_000, description: "in hundredths of a per cent: 10 % is 1000" })

/** What buyers get. */
export const Benefit = Type.Union([
  entity("Percentage off", { kind: Type.Literal("percentage off"), hundredths: Percent }),
  entity("Amount off", { kind: Type.Literal("amount off"), amount: Money, each: Type.Boolean() }),
  entity("Fixed price", { kind: Type.Literal("fixed price"), amount: Money }),
  entity("Buy and get", {
    kind: Type.Literal("buy and get"),
    buy: Type.Integer({ minimum: 1, maximum: 1000 }),
    get: Type.Integer({ minimum: 1, maximum: 1000 }),
    hundredths: Percent,
  }),
  entity("Free shipping", { kind: Type.Literal("free shipping") }),
])
export type Benefit = Static<typeof Benefit>

/** A promotion of the retailer, in the words of no vendor. */
export const Promotion = entity("Promotion", {
  title: Type.String({ minLength: 1, maxLength: 255 }),
  benefit: Benefit,
  /** Empty: everything. */
  skus: Type.Array(Sku, { maxItems: 10_000 }),
  conditions: entity("Conditions", {
    codes: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 1000 })),
    leastTotal: Type.Optional(Money),
    leastMilli: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 })),
    groups: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { minItems: 1, maxItems: 50 })),
    oncePerCustomer: Type.Optional(Type.Boolean()),
    /** Whether conditions are combined by anything but a plain AND. */
    nested: Type.Optional(Type.Boolean()),
  }),
  channels: Type.Array(ChannelId, { minItems: 1, maxItems: 100 }),
  market: Type.Optional(MarketId),
  locations: Type.Optional(Type.Array(LocationId, { minItems: 1, maxItems: 2000 })),
  validity: Validity,
  combines: Type.Boolean(),
  rank: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
})
export type Promotion = Static<typeof Promotion>

/** Names a promotion, the same in every channel. */
export const PromotionId = Type.String({ minLength: 1, maxLength: 64 })
