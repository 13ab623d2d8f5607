import { Type, type Static } from "typebox"
import { assertInvariant } from "../base/errors.ts"
import { CurrencyCode, Money } from "../base/money.ts"
import type { BusinessDate } from "../base/time.ts"
import { entity, InstantText, OrderId, textMax } from "./parts.ts"

/**
 * Which tax was charged: where, and the rates that lie on one amount together, in per cent, or a tax's title where the channel states no
 * rate. Lines with the same tax belong together: the line of the tax account, and what the tax is on.
 */
export const ChargedTax = entity("Charged tax", {
  country: Type.Optional(Type.String({ maxLength: 2 })),
  rates: Type.Array(Type.String({ minLength: 1, maxLength: textMax }), { minItems: 1, maxItems: 50 }),
  part: Type.Optional(
    Type.String({
      maxLength: textMax,
      description:
        "the order's line or charge, where the channel states no rate: one title may stand for several rates, so such taxes are kept apart",
    }),
  ),
})
export type ChargedTax = Static<typeof ChargedTax>

/** One side of a posting. Debit is positive, credit negative, so a balanced entry sums to zero. */
export const JournalLine = entity("Journal line", {
  account: Type.Union([
    Type.Literal("receivable"),
    Type.Literal("revenue"),
    Type.Literal("tax payable"),
    Type.Literal("shipping revenue"),
    Type.Literal("gift card liability"),
    Type.Literal("tips payable"),
    Type.Literal("duties payable"),
    Type.Literal("rounding"),
    Type.Literal("payment clearing"),
  ]),
  amount: Money,
  tax: Type.Optional(ChargedTax),
  text: Type.Optional(Type.String({ maxLength: 120 })),
})
export type JournalLine = Static<typeof JournalLine>

const Day = Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$" })

/** A balanced posting in one currency. `number` is ours and unique; the books recognise a repeat by it. */
export const JournalEntry = entity("Journal entry", {
  number: Type.String({ minLength: 1, maxLength: 35 }),
  orderId: OrderId,
  kind: Type.Union([
    Type.Literal("invoice"),
    Type.Literal("credit"),
    Type.Literal("payment"),
    Type.Literal("reversal"),
  ]),
  /** What it is for, where its number does not tell people. */
  text: Type.Optional(Type.String({ maxLength: 120 })),
  postedAt: InstantText,
  businessDate: Day,
  /** The day it is posted on, where that is not the business date because its period is closed. */
  postingDate: Type.Optional(Day),
  currency: CurrencyCode,
  lines: Type.Array(JournalLine, { minItems: 2, maxItems: 2000 }),
})
export type JournalEntry = Static<typeof JournalEntry>

/** Throws INVARIANT_BROKEN unless the entry balances to zero in its one currency (I-5). */
export function assertBalanced(entry: JournalEntry): void {
  const sum = entry.lines.reduce((total, line) => total + line.amount.amountMinor, 0)
  assertInvariant(sum === 0, `journal entry ${entry.number} is off balance by ${sum} minor units`)
  assertInvariant(
    entry.lines.every((line) => line.amount.currency === entry.currency),
    `journal entry ${entry.number} mixes currencies`,
  )
}

/** The day an entry is posted on. */
export function postingDateOf({ postingDate, businessDate }: JournalEntry): BusinessDate {
  return postingDate ?? businessDate
}
