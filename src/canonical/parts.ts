import { Type, type Static, type TObject } from "typebox"
import { Money } from "../base/money.ts"
import { Quantity } from "../base/quantity.ts"
import { isMoment } from "../base/time.ts"

const closed = { additionalProperties: false } as const
const shortText = (maxLength: number) => Type.String({ minLength: 1, maxLength })

/** The most lines of an order, and of what is told about its goods. Shops let buyers order 500; edits and tills add more. */
export const linesMax = 2000
/** What shops store most texts in: 255 characters, counted as characters and not as UTF-16 units. */
export const textMax = 255

/** A valid date and time, ISO 8601 in UTC with `Z`. */
export const InstantText = Type.Refine(
  Type.String({
    pattern: "^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,6})?Z$",
    description: "ISO 8601 in UTC, e.g. 2026-11-20T21:39:00.000Z",
  }),
  (text: string) => isMoment(text),
  () => "is not a valid date and time",
)

/** The same amount in the shop's and in the buyer's currency. Both are kept, because each appears in another document. */
export const MoneyPair = Type.Object({ shop: Money, presentment: Money }, closed)
export type MoneyPair = Static<typeof MoneyPair>

/** The id of an object in another system. */
export const Reference = Type.Object({ system: shortText(64), type: shortText(64), id: shortText(256) }, closed)
export type Reference = Static<typeof Reference>

/** A charged tax. The rate is decimal text for people; the amount is authoritative and never recomputed. */
export const TaxLine = Type.Object(
  {
    title: shortText(textMax),
    ratePercent: Type.Optional(
      Type.String({ pattern: "^\\d{1,3}(\\.\\d{1,8})?$", description: "a rate in per cent as decimal text, e.g. 7.5" }),
    ),
    amount: MoneyPair,
    jurisdiction: Type.Optional(shortText(64)),
  },
  closed,
)
export type TaxLine = Static<typeof TaxLine>

/** The part of a discount on one line or charge. `scope` says whether the discount was given on the line or on the order. */
export const DiscountAllocation = Type.Object(
  { scope: Type.Union([Type.Literal("line"), Type.Literal("order")]), title: shortText(textMax), amount: MoneyPair },
  closed,
)
export type DiscountAllocation = Static<typeof DiscountAllocation>

/**
 * A postal address, as the channel has it. `countryCode` is ISO 3166-1 alpha-2; drafts and old orders may have none, and texts may
 * be empty.
 */
export const Address = Type.Object(
  {
    name: Type.String({ maxLength: textMax }),
    company: Type.Optional(Type.String({ maxLength: textMax })),
    line1: Type.String({ maxLength: textMax }),
    line2: Type.Optional(Type.String({ maxLength: textMax })),
    postalCode: Type.String({ maxLength: textMax }),
    city: Type.String({ maxLength: textMax }),
    region: Type.Optional(Type.String({ maxLength: textMax })),
    countryCode: Type.Optional(
      Type.String({ pattern: "^[A-Z]{2}$", description: "a country code of ISO 3166-1, e.g. NL" }),
    ),
    phone: Type.Optional(Type.String({ maxLength: textMax })),
  },
  closed,
)
export type Address = Static<typeof Address>

/** A quantity of one order line. Lines are matched by `lineId`, never by SKU: two lines may have the same SKU (P-17). */
export const LineQuantity = Type.Object({ lineId: shortText(64), quantity: Quantity }, closed)
export type LineQuantity = Static<typeof LineQuantity>

/** Our id of an order; the same channel and external id always give the same one. */
export const OrderId = Type.String({
  pattern: "^ord_[0-9a-z]{16}$",
  description: "ord_ and 16 letters or digits, derived from channel and external id",
})
/** The retailer's own article number, the same in every system. */
export const Sku = shortText(textMax)
/** The retailer's own name of a warehouse or store. */
export const LocationId = shortText(64)
/** Where goods are sold, e.g. `shop-de`; also the connection that delivers the channel's orders. */
export const ChannelId = Type.String({
  pattern: "^[a-z0-9][a-z0-9-]{0,62}$",
  description: "1 to 63 lower-case letters, digits and dashes, e.g. shop-de",
})
/** Id of a line, charge or tender within its order, as the channel gave it. */
export const LineId = shortText(64)

/** Units of a line that a channel refunded. */
export const RefundedLine = Type.Object(
  {
    ...LineQuantity.properties,
    left: Type.Optional(
      Type.Boolean({
        description: "whether these units had left, as the channel sees it; absent where it does not say",
      }),
    ),
    worth: Type.Optional(
      Type.Object(MoneyPair.properties, {
        ...closed,
        description: "what the channel says they are worth, tax included",
      }),
    ),
    tax: Type.Optional(Type.Object(MoneyPair.properties, { ...closed, description: "the tax in it" })),
    restock: Type.Optional(
      Type.Object(
        {
          locationId: Type.Optional(LocationId),
          elsewhere: Type.Optional(
            Type.String({ maxLength: 64, description: "the channel's number of a place that is none of ours" }),
          ),
        },
        { ...closed, description: "the channel says that they are back on a shelf, and where if it tells" },
      ),
    ),
  },
  closed,
)
export type RefundedLine = Static<typeof RefundedLine>

/** A name and a value that somebody wrote beside an order or a line: a gift message, an engraving, a partner's number. */
export const Property = Type.Object(
  { name: Type.String({ maxLength: textMax }), value: Type.String({ maxLength: 5000 }) },
  closed,
)
export type Property = Static<typeof Property>

/** A closed object schema with a name for the reference documentation. */
export function entity<Properties extends Parameters<typeof Type.Object>[0]>(
  title: string,
  properties: Properties,
): TObject<Properties> {
  return Type.Object(properties, { title, additionalProperties: false })
}
