import { array, assert, constantFrom, integer, property, record, type Arbitrary } from "fast-check"
import { expect, test } from "vitest"
import { lineMinor, offBalanceMinor } from "../../canonical/sales/receipt-law.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { Tender } from "../../canonical/sales/receipt-tender.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import type { StoreLine } from "../../canonical/sales/store-entry.ts"
import { standTakings } from "../returns/takings.ts"
import { postReceipt, summed } from "./post-receipt.ts"

// P-18, P-21: what is sold and comes back in parts, in every tender, also where money has no decimals or three of them.

const kinds: readonly Tender["kind"][] = [
  "cash",
  "card",
  "gift card",
  "store credit",
  "voucher",
  "deposit",
  "account",
  "other",
]
interface Drawn {
  currency: "EUR" | "JPY" | "KWD"
  pieces: number
  grossMinor: number
  discountPercent: number
  ratePercent: number
  isIncluded: boolean
  kind: Tender["kind"]
  /** How many pieces come back each time; the last time takes the rest. */
  parts: number[]
  /** Somebody takes one more piece than was sold. */
  isTakenTwice: boolean
}
const drawn: Arbitrary<Drawn> = record({
  currency: constantFrom("EUR", "JPY", "KWD"),
  pieces: integer({ min: 1, max: 7 }),
  grossMinor: integer({ min: 0, max: 9_999_999 }),
  discountPercent: constantFrom(0, 10, 33, 100),
  ratePercent: constantFrom(0, 5, 7, 8.875, 10, 19, 21),
  isIncluded: constantFrom(true, false),
  kind: constantFrom(...kinds),
  parts: array(integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 5 }),
  isTakenTwice: constantFrom(true, false),
})

const running = (amountMinor: number, pieces: number, of: number) =>
  Number((BigInt(amountMinor) * BigInt(pieces)) / BigInt(of))

function soldBy({ grossMinor, discountPercent, ratePercent, isIncluded, pieces }: Drawn): ReceiptLine {
  const discountMinor = Math.round((grossMinor * discountPercent) / 100)
  const rest = grossMinor - discountMinor
  const taxMinor = Math.round((rest * ratePercent) / (isIncluded ? 100 + ratePercent : 100))
  return {
    lineId: "1",
    sku: "TEE-M",
    quantityMilli: pieces * 1000,
    unit: "ea",
    amountMinor: grossMinor,
    discounts: [{ amountMinor: discountMinor }],
    taxes: [{ code: `VAT-${ratePercent}`, amountMinor: taxMinor, isIncluded }],
  }
}

/** So many pieces of a line, after others: each amount is the difference of two running totals. */
function partOf(
  line: ReceiptLine,
  { before, pieces, of }: { before: number; pieces: number; of: number },
): ReceiptLine {
  const part = (minor: number) => running(minor, before, of) - running(minor, before + pieces, of)
  return {
    ...line,
    quantityMilli: -pieces * 1000,
    amountMinor: part(line.amountMinor),
    discounts: (line.discounts ?? []).map((one) => ({ ...one, amountMinor: part(one.amountMinor) })),
    taxes: (line.taxes ?? []).map((one) => ({ ...one, amountMinor: part(one.amountMinor) })),
  }
}

function receiptOf({ currency, kind }: Drawn, line: ReceiptLine, sequence: number): Receipt {
  const unpaid = { storeId: "117", tillId: "3", kind: "sale", endedAt: "2026-11-20T10:00:00.000Z" } as const
  const bare: Receipt = { ...unpaid, sequence, currency, lines: [line] }
  const card = kind === "card" ? { card: { merchantAccount: "m-1" } } : {}
  return { ...bare, tenders: [{ kind, amountMinor: offBalanceMinor(bare), ...card }] }
}

const sum = (lines: readonly { amountMinor: number }[]) => lines.reduce((all, { amountMinor }) => all + amountMinor, 0)

/** As `expect(off).toBe(0)`, without what that costs three hundred thousand times. */
function check(what: string, off: number): void {
  if (off !== 0) throw new Error(`${what}: off by ${off}`)
}

test("50,000 receipts and returns by part balance, come to nothing together, and only what is taken twice is lost", () => {
  let count = 0
  assert(
    property(drawn, (of) => {
      const line = soldBy(of)
      const backs: ReceiptLine[] = []
      let before = 0
      for (const [n, wanted] of of.parts.entries()) {
        const left = of.pieces - before
        const pieces = n === of.parts.length - 1 ? left : Math.min(wanted, left)
        if (pieces > 0) backs.push(partOf(line, { before, pieces, of: of.pieces }))
        before += pieces
      }
      const all = [line, ...backs].map((one, n) => receiptOf(of, one, n + 1))
      const posted: StoreLine[] = []
      for (const receipt of all) {
        check("holds", offBalanceMinor(receipt))
        const entry = postReceipt(receipt)
        check("balances", sum(entry))
        posted.push(...entry)
      }
      count += all.length
      // The share of a discount without tax is rounded for each receipt, so revenue and discounts come to nothing together.
      const isRevenue = ({ account }: StoreLine) => account === "revenue" || account === "discounts"
      check("accounts", summed(posted).filter((one) => !isRevenue(one)).length)
      check("revenue", sum(posted.filter(isRevenue)))

      const takings = backs.map((one, n) => {
        return { key: String(n), milli: -one.quantityMilli, givenMinor: lineMinor(one), amounts: 3, unit: "ea" }
      })
      const again = {
        key: "again",
        milli: 1000,
        givenMinor: running(lineMinor(line), 1, of.pieces),
        amounts: 3,
        unit: "ea",
      }
      const sold = { milli: line.quantityMilli, paidMinor: lineMinor(line), unit: "ea" }
      const standings = standTakings(sold, of.isTakenTwice ? [...takings, again] : takings)
      check("granted", standings.reduce((all, { grantedMilli }) => all + grantedMilli, 0) - sold.milli)
      const lostMinor = standings.reduce((all, one) => all + one.lostMinor, 0)
      check("lost", lostMinor - (of.isTakenTwice ? again.givenMinor : 0))
    }),
    { numRuns: 20_000 },
  )
  expect(count).toBeGreaterThan(50_000)
})
