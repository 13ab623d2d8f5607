import { Type, type Static } from "typebox"
import { minorDigitsByCurrency } from "../../base/money/currencies.ts"
import { entity, InstantText, LocationId, OrderId, textMax } from "../parts.ts"
import { ReceiptLine, SaleTax } from "./receipt-line.ts"
import { Minor, MoneyMoved, Name, Tender } from "./receipt-tender.ts"

/** Every kind of number that a till gives. Only when all of them are told does a gap mean that something was lost. */
const receiptKinds = [
  "sale",
  "void",
  "no-sale",
  "paid-in",
  "paid-out",
  "float",
  "safe-drop",
  "count",
  "open",
  "close",
  "training",
  "control",
] as const
/** See `receiptKinds`. */
export type ReceiptKind = (typeof receiptKinds)[number]

/** A business day as a till or a person names it. */
export const Day = Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "YYYY-MM-DD in the store's time" })

/** A number that a till gives; each is one more than the one before it. */
export const Sequence = Type.Integer({ minimum: 0, maximum: 1_000_000_000_000 })

/**
 * What names a receipt: a number, which its till, its epoch and its day make unique, or else the id of a document, which is unique in its
 * till. Where tills give no numbers, nothing shows that a receipt is missing.
 */
export const ReceiptNumber = {
  storeId: LocationId,
  tillId: Type.String({ minLength: 1, maxLength: 64 }),
  epoch: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 32,
      description: "changes when a till is installed anew and numbers from the start; default 1",
    }),
  ),
  businessDay: Type.Optional(Day),
  sequence: Type.Optional(Sequence),
  documentId: Type.Optional({
    ...Name,
    description:
      "in place of a number, where the till's system gives none: its own id of the receipt; no gap can be seen then",
  }),
}
const closed = { additionalProperties: false } as const

/** Names another receipt. */
export const ReceiptReference = Type.Object(ReceiptNumber, closed)
export type ReceiptReference = Static<typeof ReceiptReference>

const Charge = Type.Object(
  {
    kind: Type.Enum(["tip", "fee", "shipping", "donation"]),
    amountMinor: Minor,
    taxes: Type.Optional(Type.Array(SaleTax, { maxItems: 20 })),
    text: Type.Optional(Name),
  },
  closed,
)

const Currency = Type.Enum(Object.keys(minorDigitsByCurrency))

const Count = Type.Object({ tender: Name, currency: Type.Optional(Currency), countedMinor: Minor }, closed)
/** What was counted of one tender. */
export type Count = Static<typeof Count>

/**
 * One number of a till, or one document, of whatever kind. Amounts are in minor units of `currency` and signed: what goes back to the buyer is negative.
 *
 * lines + charges + tax that is not in them − discounts + rounding = tenders − change.
 */
export const Receipt = entity("Receipt", {
  ...ReceiptNumber,
  businessDay: Type.Optional({
    ...Day,
    description: "the day as the till stamps it; default: by the store's time zone and cut-off",
  }),
  kind: Type.Enum(receiptKinds),
  status: Type.Optional(
    Type.Enum(["completed", "suspended", "cancelled"], { description: "default completed; only that moves money" }),
  ),
  sessionId: Type.Optional({ ...Name, description: "the drawer session it belongs to" }),
  beganAt: Type.Optional(InstantText),
  endedAt: InstantText,
  utcOffsetMinutes: Type.Optional(Type.Integer({ minimum: -840, maximum: 840 })),
  isOffline: Type.Optional(Type.Boolean({ description: "made while the till had no connection" })),
  cashier: Type.Optional(Name),
  seller: Type.Optional(Name),
  override: Type.Optional(
    Type.Object({ approver: Name, reason: Type.Optional(Type.String({ maxLength: 200 })) }, closed),
  ),
  currency: Currency,
  lines: Type.Optional(Type.Array(ReceiptLine, { maxItems: 2000 })),
  charges: Type.Optional(Type.Array(Charge, { maxItems: 50 })),
  tenders: Type.Optional(Type.Array(Tender, { maxItems: 50 })),
  roundingMinor: Type.Optional({
    ...Minor,
    description: "cash rounding: what the buyer paid more than the sum; negative for less",
  }),
  voids: Type.Optional(ReceiptReference),
  resumes: Type.Optional(
    Type.Object(ReceiptNumber, { ...closed, description: "the suspended receipt it goes on with" }),
  ),
  exchangeGroup: Type.Optional({ ...Name, description: "what comes back and what goes out are settled as one" }),
  orderId: Type.Optional(OrderId),
  customerId: Type.Optional(Type.String({ minLength: 1, maxLength: textMax })),
  loyalty: Type.Optional(
    Type.Object(
      { account: Name, earned: Type.Optional(Minor), spent: Type.Optional(Minor), reversed: Type.Optional(Minor) },
      { ...closed, description: "points" },
    ),
  ),
  money: Type.Optional(MoneyMoved),
  counts: Type.Optional(Type.Array(Count, { maxItems: 50 })),
  closes: Type.Optional(
    Type.Object(
      {
        lastSequence: Sequence,
        zNumber: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      },
      { ...closed, description: "of a close: the last number the till gave" },
    ),
  ),
  fiscal: Type.Optional(
    Type.Object(
      {
        signature: Type.String({ minLength: 1, maxLength: 2048 }),
        device: Type.Optional(Name),
        number: Type.Optional(Name),
      },
      closed,
    ),
  ),
})
/** See the schema. */
export type Receipt = Static<typeof Receipt>

/** A receipt with everything that its identity is made of. */
export type NumberedReceipt = Receipt & { epoch: string; businessDay: string; sequence: number }
