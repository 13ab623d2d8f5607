import { Type, type Static } from "typebox"
import { CurrencyCode } from "../../base/money.ts"
import { entity, InstantText, LocationId } from "../parts.ts"
import { Day } from "./receipt.ts"
import { StoreEntry } from "./store-entry.ts"

const Name = Type.String({ minLength: 1, maxLength: 64 })
const Amount = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })
const By = Type.String({ minLength: 1, maxLength: 120 })
const Text = Type.String({ maxLength: 500 })
const closed = { additionalProperties: false } as const

/** States of a store's day. */
export const storeDayStates = ["waiting for receipts", "tied", "posted", "corrected", "needs a person"] as const

/** Why something is added to a day that was closed. */
const correctionReasons = ["late_sale", "late_movement", "recount"] as const
/** See `correctionReasons`. */
export type CorrectionReason = (typeof correctionReasons)[number]

/** What one tender of a session should come to, and what was counted. */
export const TenderCount = Type.Object(
  {
    sessionId: Name,
    tender: Name,
    currency: CurrencyCode,
    expectedMinor: Amount,
    countedMinor: Type.Optional(Amount),
    overShortMinor: Type.Optional({ ...Amount, description: "counted less expected" }),
  },
  closed,
)
export type TenderCount = Static<typeof TenderCount>

const TenderTotal = Type.Object({ tender: Name, currency: CurrencyCode, amountMinor: Amount }, closed)

/** One closing of a day, or one correction of it. It never changes; what comes later is another one. */
export const Closure = entity("Closure", {
  storeId: LocationId,
  businessDay: Day,
  n: Type.Integer({ minimum: 0, description: "0 is the closing of the day, what follows are corrections" }),
  zNumber: Type.Integer({ minimum: 1, description: "the store's own, without gaps" }),
  reasons: Type.Array(Type.Enum(correctionReasons), { maxItems: 3 }),
  receiptCount: Type.Integer({ minimum: 0 }),
  took: Type.Array(
    Type.Object(
      {
        tillId: Name,
        epoch: Name,
        from: Type.Integer({ minimum: 0 }),
        to: Type.Integer({ minimum: 0 }),
      },
      closed,
    ),
    { maxItems: 100_000, description: "the numbers of its receipts: each receipt is in one closing or correction" },
  ),
  tenders: Type.Array(TenderTotal, { maxItems: 500, description: "what it adds to each tender" }),
  counts: Type.Array(TenderCount, { maxItems: 2000 }),
  missing: Type.Array(Text, { maxItems: 200, description: "what the day was closed without" }),
  carried: Type.Array(Text, { maxItems: 200, description: "sales that were suspended and not gone on with" }),
  entries: Type.Array(StoreEntry, { maxItems: 50 }),
  closedBy: By,
  closedAt: InstantText,
})
/** See the schema. */
export type Closure = Static<typeof Closure>

/** Somebody, or the clock, wants a day to be closed. */
export const DayClosing = entity("Store day closing", {
  storeId: LocationId,
  businessDay: Day,
  requestedBy: By,
  requestedAt: InstantText,
  postAnywayAt: { ...InstantText, description: "then what is there is posted, whatever is missing" },
  waitsFor: Type.Array(Text, { maxItems: 200 }),
})
