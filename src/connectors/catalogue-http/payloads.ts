import { Type, type Static } from "typebox"
import { CurrencyCode, Money } from "../../base/money.ts"
import { priceTypes } from "../../canonical/catalogue/price.ts"
import { Promotion } from "../../canonical/catalogue/promotion.ts"
import { LocaleId, MarketId } from "../../canonical/catalogue/scope.ts"
import { ChannelId, InstantText, LocationId, Sku } from "../../canonical/parts.ts"

/*
 * Events of docs/reference/http-json-systems.md, "Catalogue". Fields that the page does not have are ignored.
 */

const Text = Type.String({ minLength: 1, maxLength: 64 })
const Version = Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })
const event = { type: Text, eventId: Text, occurredAt: InstantText }

export const AnyEvent = Type.Object(event)

export const ProductChanged = Type.Object({
  ...event,
  sku: Sku,
  version: Version,
  renamedFrom: Type.Optional(Sku),
  fields: Type.Array(
    Type.Object({
      field: Text,
      channel: Type.Optional(ChannelId),
      market: Type.Optional(MarketId),
      locale: Type.Optional(LocaleId),
      location: Type.Optional(LocationId),
      value: Type.Optional(Type.Unknown()),
      cleared: Type.Optional(Type.Literal(true)),
    }),
    { maxItems: 500 },
  ),
})
export type ProductChanged = Static<typeof ProductChanged>

export const ProductRemoved = Type.Object({ ...event, sku: Sku, version: Version })

export const PriceSet = Type.Object({
  ...event,
  priceId: Type.String({ minLength: 1, maxLength: 128 }),
  version: Version,
  sku: Sku,
  kind: Type.Enum([...priceTypes]),
  amount: Money,
  tax: Type.Enum(["inclusive", "exclusive"]),
  market: Type.Optional(MarketId),
  channel: Type.Optional(ChannelId),
  locationId: Type.Optional(LocationId),
  group: Type.Optional(Text),
  unit: Type.Optional(Type.String({ minLength: 1, maxLength: 8 })),
  minimumMilli: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000_000_000 })),
  from: Type.Optional(Type.String({ maxLength: 40 })),
  until: Type.Optional(Type.String({ maxLength: 40 })),
  zone: Type.Optional(Type.String({ maxLength: 64 })),
  endIncluded: Type.Optional(Type.Boolean()),
  rank: Type.Optional(Type.Integer({ minimum: 0, maximum: 1000 })),
  compareAt: Type.Optional(
    Type.Union([Type.Object({ amountMinor: Type.Integer(), currency: CurrencyCode }), Type.Null()]),
  ),
})
export type PriceSet = Static<typeof PriceSet>

export const PriceEnded = Type.Object({
  ...event,
  priceId: Type.String({ minLength: 1, maxLength: 128 }),
  version: Version,
  sku: Sku,
})

export const PromotionSet = Type.Object({ ...event, promotionId: Text, version: Version, promotion: Promotion })
export const PromotionEnded = Type.Object({ ...event, promotionId: Text, version: Version })
