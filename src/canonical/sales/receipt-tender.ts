import { Type, type Static } from "typebox"
import { Money } from "../../base/money.ts"
import { Sku } from "../parts.ts"

const closed = { additionalProperties: false } as const
const most = 1_000_000_000_000

/** An amount in minor units of the receipt's currency; a thousand million of them fit a day's sum. */
export const Minor = Type.Integer({ minimum: -most, maximum: most })
/** A name that the store's own system gives. */
export const Name = Type.String({ minLength: 1, maxLength: 64 })

const Card = Type.Object(
  {
    merchantAccount: {
      ...Name,
      description: "whose settlement it comes by: each has an account of its own in the books",
    },
    acquirerReference: Type.Optional(Name),
    brand: Type.Optional(Name),
    authorisation: Type.Optional(
      Type.Enum(["online", "stored", "forwarded", "declined"], {
        description: "default online; stored while the till is offline; a declined one gave nothing",
      }),
    ),
    refundsOnlyPresent: Type.Optional(Type.Boolean({ description: "gives back only while the card is there" })),
  },
  closed,
)

/** A means of payment. `amountMinor` is what was given, in the receipt's currency; negative where money goes back. */
export const Tender = Type.Object(
  {
    kind: Type.Enum(["cash", "card", "gift card", "store credit", "voucher", "deposit", "account", "other"]),
    name: Type.Optional({ ...Name, description: "tells tenders of one kind apart, e.g. of `other`; default the kind" }),
    amountMinor: Minor,
    changeMinor: Type.Optional(Type.Integer({ minimum: 0, maximum: most })),
    foreign: Type.Optional(
      Type.Object(
        { amount: Money, rate: Type.String({ pattern: "^\\d{1,12}(\\.\\d{1,12})?$" }) },
        { ...closed, description: "given in another currency; `amountMinor` is what it counted for" },
      ),
    ),
    card: Type.Optional(Card),
    cardId: Type.Optional({ ...Sku, description: "the gift card, credit note or voucher" }),
  },
  closed,
)
/** See the schema. */
export type Tender = Static<typeof Tender>

/** Money that moved without a sale. Its kind says which way. */
export const MoneyMoved = Type.Object(
  {
    amountMinor: Type.Integer({ minimum: 0, maximum: most }),
    tender: Type.Optional(Name),
    reason: Type.Optional(Type.String({ maxLength: 200 })),
  },
  closed,
)
