import { Type, type Static } from "typebox"
import { CurrencyCode, Money } from "../../base/money.ts"
import { isTimeZone } from "../../base/time.ts"
import { ChannelId, entity, InstantText, LocationId, Sku } from "../parts.ts"
import { MarketId } from "./scope.ts"

/**
 * Kinds of prices: base, sale for a time, tier from a quantity on, and staff are what buyers pay. `list` is the maker's
 * recommendation, `map` the lowest price that may be advertised, `cost` what the retailer pays, shown to nobody who sells.
 */
export const priceTypes = ["base", "sale", "tier", "staff", "list", "map", "cost"] as const
/** A kind of price. */
export type PriceType = (typeof priceTypes)[number]
/** Kinds that buyers pay. */
export const sellTypes = ["base", "sale", "tier", "staff"] as const satisfies readonly PriceType[]

/** Where a price holds and for what; what is left out means all. */
export const PriceScope = Type.Object(
  {
    market: Type.Optional(MarketId),
    channel: Type.Optional(ChannelId),
    location: Type.Optional(LocationId),
    group: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "a group of customers" })),
    unit: Type.Optional(
      Type.String({ minLength: 1, maxLength: 8, description: "the sales unit; default the base unit" }),
    ),
    minMilli: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "from this quantity on, in thousandths" }),
    ),
  },
  { additionalProperties: false },
)
export type PriceScope = Static<typeof PriceScope>

/**
 * When a price holds: from an instant up to, and not at, another. `zone` and `said` keep what the source wrote, because
 * "until 30 November" is another moment in another zone.
 */
export const Validity = Type.Object(
  {
    from: Type.Optional(InstantText),
    until: Type.Optional(InstantText),
    zone: Type.Optional(
      Type.Refine(Type.String({ maxLength: 64 }), isTimeZone, () => "is no time zone this machine knows"),
    ),
    said: Type.Optional(Type.String({ maxLength: 120, description: "the source's own words for it" })),
  },
  { additionalProperties: false },
)
export type Validity = Static<typeof Validity>

/** Whether a price includes tax. A change of it is a breaking change of its contract (S-176). */
const TaxBasis = Type.Enum(["inclusive", "exclusive"])

/** The price that is shown as crossed out: set, or taken away. Absent: untouched. */
const CompareAt = Type.Union([
  Type.Object({ set: Money }, { additionalProperties: false }),
  Type.Object({ clear: Type.Literal(true) }, { additionalProperties: false }),
])

/** One price of an article, named by the record of its source. */
export const Price = entity("Price", {
  type: Type.Enum([...priceTypes]),
  amount: Money,
  taxBasis: TaxBasis,
  scope: PriceScope,
  validity: Validity,
  rank: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 1000,
      description: "of prices that hold at the same time the highest rank counts; default 0",
    }),
  ),
  compareAt: Type.Optional(CompareAt),
})
export type Price = Static<typeof Price>

/** Names the record a price comes from, in its source. */
export const PriceRecordId = Type.String({ minLength: 1, maxLength: 128 })

/** What a buyer asks: which price holds for me, at this moment. */
export const PriceQuestion = entity("Price question", {
  sku: Sku,
  at: Type.Optional(InstantText),
  currency: CurrencyCode,
  market: Type.Optional(MarketId),
  channel: Type.Optional(ChannelId),
  location: Type.Optional(LocationId),
  group: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  unit: Type.Optional(Type.String({ minLength: 1, maxLength: 8 })),
  milli: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 })),
})
export type PriceQuestion = Static<typeof PriceQuestion>
