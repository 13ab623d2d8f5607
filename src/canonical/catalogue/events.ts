import { Type } from "typebox"
import { money } from "../../base/money.ts"
import { eventType } from "../events/event-type.ts"
import { at, later } from "../events/example-order.ts"
import { ChannelId, entity, InstantText, Sku } from "../parts.ts"
import { ref } from "../refs.ts"
import { MarketId } from "./scope.ts"
import { Price, PriceRecordId } from "./price.ts"
import { changesMax, FieldChange, Override } from "./field-change.ts"
import { Promotion, PromotionId } from "./promotion.ts"

const ProductId = Type.String({ pattern: "^prd_[0-9a-z]{16}$", description: "our id of a product; a new SKU keeps it" })
const RecordId = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "the record of its source; a new SKU of the same record is a new name of the same product",
})
const By = Type.String({ minLength: 1, maxLength: 160, description: "the connection, consumer or person that said it" })
const RuleName = Type.String({
  minLength: 1,
  maxLength: 300,
  description: "the rule of ownership by which it was taken",
})
const Policy = Type.String({ minLength: 1, maxLength: 64, description: "the version of all rules of ownership" })
const Reason = Type.Optional(Type.String({ minLength: 1, maxLength: 500 }))

const Accepted = { by: By, rule: RuleName, policy: Policy, override: Type.Optional(Override) }

const productId = "prd_0123456789abcdef"
const price: Price = {
  type: "sale",
  amount: money(1499, "EUR"),
  taxBasis: "inclusive",
  scope: { market: "DE" },
  validity: { from: at, until: later, zone: "Europe/Berlin" },
}

/** Facts about products, prices and promotions. What sources report is judged by the rules of ownership before it counts. */
export const catalogueEvents = {
  "product.reported": eventType({
    schema: entity("Product reported", {
      sku: Sku,
      changes: Type.Array(FieldChange, { minItems: 1, maxItems: changesMax }),
      renamedFrom: Type.Optional(Sku),
      record: Type.Optional(RecordId),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "A system said what some fields of a product are. It counts once the rules of ownership have admitted it.",
    about: ({ sku }) => ref("sku", sku),
    example: { sku: "TEE-M", changes: [{ field: "title", scope: { locale: "de" }, set: "T-Shirt M" }], at },
  }),
  "product.changed": eventType({
    schema: entity("Product changed", {
      productId: ProductId,
      sku: Sku,
      changes: Type.Array(FieldChange, { minItems: 1, maxItems: changesMax }),
      ...Accepted,
      at: InstantText,
    }),
    publisher: "operations",
    summary: "Fields of a product were set or cleared by their owner, or by a declared override.",
    about: ({ productId: id }) => ref("product", id),
    mentions: ({ sku }) => [ref("sku", sku)],
    example: {
      productId,
      sku: "TEE-M",
      changes: [{ field: "title", scope: { locale: "de" }, set: "T-Shirt M" }],
      by: "pim",
      rule: "product.title for locale=de",
      policy: "3f1c9a52b7d04e18",
      at,
    },
  }),
  "product.renamed": eventType({
    schema: entity("Product renamed", { productId: ProductId, from: Sku, to: Sku, ...Accepted, at: InstantText }),
    publisher: "operations",
    summary:
      "A product has a new SKU. Its id, its stock and its orders stay the same; the old SKU is an alias for ever.",
    about: ({ productId: id }) => ref("product", id),
    mentions: ({ from, to }) => [ref("sku", from), ref("sku", to)],
    example: { productId, from: "TEE-M", to: "TEE-M-2", by: "pim", rule: "product.*", policy: "3f1c9a52b7d04e18", at },
  }),
  "price.reported": eventType({
    schema: entity("Price reported", {
      sku: Sku,
      record: PriceRecordId,
      price: Type.Optional(Price),
      ended: Type.Optional(Type.Literal(true)),
      at: InstantText,
    }),
    publisher: "connector",
    summary:
      "A system said what a price is, or that it is no more. It counts once the rules of ownership have admitted it.",
    // Not of the SKU itself: a price that waits for its product must not hold the product up.
    about: ({ sku }) => ref("price", sku),
    mentions: ({ sku }) => [ref("sku", sku)],
    example: { sku: "TEE-M", record: "A305/0042", price, at },
  }),
  "price.changed": eventType({
    schema: entity("Price changed", {
      productId: ProductId,
      sku: Sku,
      record: PriceRecordId,
      price: Type.Optional(Price),
      ended: Type.Optional(Type.Literal(true)),
      ...Accepted,
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A price was set or ended by its owner, or by a declared override.",
    about: ({ productId: id }) => ref("price", id),
    mentions: ({ sku }) => [ref("sku", sku)],
    example: {
      productId,
      sku: "TEE-M",
      record: "A305/0042",
      price,
      by: "sap",
      rule: "price.sale for market=DE",
      policy: "3f1c9a52b7d04e18",
      at,
    },
  }),
  "price.shown": eventType({
    schema: entity("Price shown", {
      productId: ProductId,
      sku: Sku,
      channel: ChannelId,
      market: Type.Optional(MarketId),
      amount: Price.properties.amount,
      at: InstantText,
    }),
    publisher: "operations",
    summary:
      "From this moment a channel shows this price to buyers. Claims about the lowest price of 30 days are made of these.",
    about: ({ productId: id }) => ref("price", id),
    mentions: ({ sku }) => [ref("sku", sku)],
    example: { productId, sku: "TEE-M", channel: "shop-de", market: "DE", amount: money(1999, "EUR"), at },
  }),
  "promotion.reported": eventType({
    schema: entity("Promotion reported", {
      promotionId: PromotionId,
      promotion: Type.Optional(Promotion),
      ended: Type.Optional(Type.Literal(true)),
      at: InstantText,
    }),
    publisher: "connector",
    summary: "A system said what a promotion is, or that it is no more.",
    about: ({ promotionId }) => ref("promotion", promotionId),
    example: { promotionId: "summer", ended: true, at },
  }),
  "promotion.changed": eventType({
    schema: entity("Promotion changed", {
      promotionId: PromotionId,
      promotion: Type.Optional(Promotion),
      ended: Type.Optional(Type.Literal(true)),
      ...Accepted,
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A promotion was declared, changed or ended by its owner.",
    about: ({ promotionId }) => ref("promotion", promotionId),
    example: {
      promotionId: "summer",
      promotion: {
        title: "Summer",
        benefit: { kind: "percentage off", hundredths: 1000 },
        skus: ["TEE-M"],
        conditions: {},
        channels: ["shop-de"],
        validity: { from: at, until: later },
        combines: false,
      },
      by: "promotions",
      rule: "promotion.*",
      policy: "3f1c9a52b7d04e18",
      at,
    },
  }),
  "change.held": eventType({
    schema: entity("Change held", {
      exceptionId: Type.String({ minLength: 1, maxLength: 64 }),
      sku: Type.Optional(Sku),
      change: Type.Unknown({ description: "the change as it was reported" }),
      by: By,
      rule: RuleName,
      policy: Policy,
      why: Type.String({ minLength: 1, maxLength: 500 }),
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A change was held until a person decides: it is not its author's to make, or a guard stopped it.",
    about: ({ exceptionId }) => ref("exception", exceptionId),
    mentions: ({ sku }) => (sku === undefined ? [] : [ref("sku", sku)]),
    example: {
      exceptionId: "held_0123456789abcdef",
      sku: "TEE-M",
      change: { record: "A305/0042", price },
      by: "shop",
      rule: "price.sale for market=DE",
      policy: "3f1c9a52b7d04e18",
      why: "price.sale in DE belongs to sap",
      at,
    },
  }),
  "change.adopted": eventType({
    schema: entity("Change adopted", {
      exceptionId: Type.String({ minLength: 1, maxLength: 64 }),
      by: By,
      reason: Reason,
      at: InstantText,
    }),
    publisher: "operations",
    summary: "A person decided that a held change counts.",
    about: ({ exceptionId }) => ref("exception", exceptionId),
    example: { exceptionId: "held_0123456789abcdef", by: "m.keller@example.com", at: later },
  }),
} as const
