import { Type, type Static } from "typebox"
import { assertInvariant } from "../../base/errors.ts"
import { CurrencyCode } from "../../base/money.ts"
import { entity, InstantText, LocationId } from "../parts.ts"
import { Day } from "./receipt.ts"

const Name = Type.String({ minLength: 1, maxLength: 64 })
const AmountMinor = Type.Integer({ minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER })

/** The accounts that a store's day moves. The books map each to one of theirs. */
const storeAccounts = [
  "revenue",
  "discounts",
  "charges",
  "tax payable",
  "drawer",
  "safe",
  "card clearing",
  "voucher clearing",
  "other tenders",
  "gift card liability",
  "store credit liability",
  "deposits",
  "receivable",
  "tips payable",
  "donations payable",
  "rounding",
  "over and short",
  "paid in",
  "paid out",
] as const
/** See `storeAccounts`. */
export type StoreAccount = (typeof storeAccounts)[number]

/** What tells lines of one account apart. */
export const StoreLineKey = Type.Object(
  {
    account: Type.Enum(storeAccounts),
    taxCode: Type.Optional(Name),
    tender: Type.Optional(Name),
    merchantAccount: Type.Optional(Name),
  },
  { additionalProperties: false },
)
export type StoreLineKey = Static<typeof StoreLineKey>

/** One side of a store's posting. Debit is positive, credit negative. */
export const StoreLine = Type.Object(
  { ...StoreLineKey.properties, amountMinor: AmountMinor },
  { additionalProperties: false },
)
export type StoreLine = Static<typeof StoreLine>

/** A balanced posting of a store's day in one currency. `entryId` is ours; the books recognise a repeat by it. */
export const StoreEntry = entity("Store entry", {
  entryId: Type.String({ minLength: 1, maxLength: 35 }),
  storeId: LocationId,
  businessDay: Day,
  postingDate: Type.Optional(Day),
  currency: CurrencyCode,
  text: Type.String({ maxLength: 120 }),
  lines: Type.Array(StoreLine, { minItems: 1, maxItems: 2000 }),
  receipts: Type.Object(
    {
      count: Type.Integer({ minimum: 0 }),
      digest: Type.String({
        maxLength: 64,
        description: "of the digests of its receipts, in the order of their numbers",
      }),
    },
    { additionalProperties: false },
  ),
  closedAt: InstantText,
})
/** See the schema. */
export type StoreEntry = Static<typeof StoreEntry>

/** Throws INVARIANT_BROKEN unless the entry sums to zero (I-5). */
export function assertStoreEntryBalanced({ entryId, lines }: StoreEntry): void {
  const sum = lines.reduce((total, { amountMinor }) => total + amountMinor, 0)
  assertInvariant(sum === 0, `store entry ${entryId} is off balance by ${sum} minor units`)
}
