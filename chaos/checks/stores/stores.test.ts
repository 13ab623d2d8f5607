import { expect, test } from "vitest"
import { randomStream } from "../../../lab/random.ts"
import { saleRef } from "../../../src/canonical/sales/events.ts"
import type { NumberedReceipt } from "../../../src/canonical/sales/receipt.ts"
import { offBalanceMinor, shapeProblems } from "../../../src/canonical/sales/receipt-law.ts"
import type { Closure } from "../../../src/canonical/sales/store-day.ts"
import type { EventView } from "../../books/books.ts"
import type { StoresBook } from "../../books/stores-book.ts"
import { Till, storeArticles } from "../../stores/till.ts"
import { checkStores } from "./stores.ts"
import { countedByTender, movedByDay } from "./sums.ts"

const [storeId, businessDay] = ["117", "2026-11-20"]
const at = Date.parse("2026-11-21T10:00:00.000Z")

/** A day of two tills that sell, take back, void and move money. */
function paper(seed: number): NumberedReceipt[] {
  const random = randomStream(seed, "test")
  const returnable: ConstructorParameters<typeof Till>[0]["returnable"] = []
  const tills = ["1", "2"].map((tillId) => new Till({ storeId, tillId, random, returnable }))
  for (const till of tills) {
    till.clock(businessDay, `${businessDay}T10:00:00.000Z`)
    till.open()
  }
  for (let n = 0; n < 60; n += 1) random.pick(tills).next()
  tills[0]?.takeWebUnit({ orderId: "ord_1", sku: "SKU-1", paidMinor: 100 })
  tills[1]?.reinstall()
  tills[1]?.sell()
  for (const till of tills) till.close()
  return tills.flatMap((till) => till.paper)
}

const told = (receipt: NumberedReceipt, type = "sale.recorded"): EventView => ({
  type,
  fact: saleRef(receipt),
  key: saleRef(receipt),
  data: { receipt, recordedAt: new Date(at).toISOString() },
})

interface Parts {
  stores: StoresBook
  events: EventView[]
  exceptions: { id: string; about: string; cause: string; state: "open" }[]
}

/** Books that tie; `change` breaks them. */
function check(change: (parts: { -readonly [Key in keyof Parts]: Parts[Key] }) => void): string[] {
  const printed = paper(7)
  const [sums] = movedByDay(printed)
  const tenders = countedByTender(printed)[0]?.sums ?? {}
  const closure: Closure = {
    storeId,
    businessDay,
    n: 0,
    zNumber: 1,
    reasons: [],
    receiptCount: printed.length,
    took: [],
    tenders: Object.entries(tenders).map(([tender, amountMinor]) => ({ tender, currency: "EUR", amountMinor })),
    counts: [],
    missing: [],
    carried: [],
    entries: [],
    closedBy: "test",
    closedAt: "2026-11-21T10:00:00.000Z",
  }
  const lines = Object.entries(sums?.sums ?? {}).map(([account, amountMinor]) => ({ account, amountMinor }))
  const entry = { entryId: "sd_1", documentNumber: "D1", storeId, businessDate: businessDay, currency: "EUR", lines }
  const moved = (sku: string) =>
    printed
      .filter(({ status = "completed" }) => status === "completed")
      .flatMap(({ lines: all = [] }) => all.filter((line) => line.sku === sku))
      .reduce((sum, { quantityMilli }) => sum + quantityMilli, 0)
  const parts: Parts = {
    events: printed.map((receipt) => told(receipt)),
    exceptions: [],
    stores: {
      storeIds: [storeId],
      printed,
      looks: [],
      days: [{ storeId, businessDay, state: "closed", closures: [closure] }],
      entries: [entry],
      stock: storeArticles.map(({ sku }) => {
        return { storeId, sku, openingMilli: 1_000_000, onHandMilli: 1_000_000 - moved(sku) }
      }),
      webOrders: [{ orderId: "ord_1", takenMinor: 1000, currency: "EUR" }],
      complaints: [],
      differing: [],
      troubles: {},
    },
  }
  change(parts)
  // The check looks at these parts of the books only.
  const books = parts as unknown as Parameters<typeof checkStores>[0]["books"]
  return checkStores({ books }).violations.map(({ invariant, what }) => `${invariant} ${what}`)
}

test("whatever a till prints is a receipt that holds, and a whole day of it ties", () => {
  for (let seed = 1; seed < 40; seed += 1)
    for (const receipt of paper(seed)) {
      expect(shapeProblems(receipt)).toEqual([])
      expect(offBalanceMinor(receipt)).toBe(0)
    }
  expect(check(() => undefined)).toEqual([])
})

type Break = [string, Parameters<typeof check>[0], string]
const breaks: Break[] = [
  ["a receipt is lost", (parts) => void parts.events.pop(), "I-1"],
  ["a receipt counts twice", (parts) => void parts.events.push(...parts.events.slice(3, 4)), "I-2"],
  [
    "nobody is told of a number that was used twice",
    (parts) => {
      const [first] = paper(7)
      if (!first) return
      const other = { ...first, money: { amountMinor: 1 } }
      parts.stores = { ...parts.stores, printed: [...parts.stores.printed, other] }
      parts.events.push(told(other, "sale.conflicted"))
    },
    "I-6",
  ],
  [
    "a missing number is not named",
    (parts) => {
      const [first] = parts.stores.printed
      const look = { storeId, atMs: at - 60_000, endMs: at - 60_000, named: [] }
      parts.stores = {
        ...parts.stores,
        looks: [{ ...look, told: [{ tillId: first?.tillId ?? "", epoch: "1", lastSequence: 5 }] }],
      }
      // The first number came long before the look, all others after it.
      const data = { receipt: first, recordedAt: "2026-11-21T09:00:00.000Z" }
      parts.events = parts.events.map((event, n) => (n === 0 ? { ...event, data } : event))
    },
    "I-6",
  ],
  [
    "a day stays open",
    (parts) => {
      parts.stores = { ...parts.stores, days: parts.stores.days.map((day) => ({ ...day, state: "closing" })) }
    },
    "I-6",
  ],
  [
    "a closing is a cent off",
    (parts) => {
      const cent = ({ tenders, ...closure }: Closure): Closure => {
        return { ...closure, tenders: [...tenders, { tender: "cash", currency: "EUR", amountMinor: 1 }] }
      }
      const days = parts.stores.days.map((day) => ({ ...day, closures: day.closures.map(cent) }))
      parts.stores = { ...parts.stores, days }
    },
    "I-5",
  ],
  [
    "the books are a cent off",
    (parts) => {
      const cent = [
        { account: "safe", amountMinor: 1 },
        { account: "drawer", amountMinor: -1 },
      ]
      const entries = parts.stores.entries.map((one) => ({ ...one, lines: [...one.lines, ...cent] }))
      parts.stores = { ...parts.stores, entries }
    },
    "I-5",
  ],
  [
    "an entry is posted twice",
    (parts) => {
      const { entries } = parts.stores
      parts.stores = { ...parts.stores, entries: [...entries, ...entries] }
    },
    "I-3",
  ],
  [
    "a unit comes back twice",
    (parts) => {
      const back = parts.stores.printed.find(({ lines = [] }) => lines[0]?.returned?.original)
      if (!back) throw new Error("nothing was brought back")
      const again = { ...back, tillId: "9", epoch: "9" }
      parts.stores = { ...parts.stores, printed: [...parts.stores.printed, again] }
      parts.events.push(told(again))
    },
    "I-4",
  ],
  [
    "a till gives back more than the web shop took",
    (parts) => {
      parts.stores = { ...parts.stores, webOrders: [{ orderId: "ord_1", takenMinor: 99, currency: "EUR" }] }
    },
    "I-5",
  ],
  [
    "goods are off",
    (parts) => {
      const stock = parts.stores.stock.map((one, n) => (n === 0 ? { ...one, onHandMilli: one.onHandMilli - 1 } : one))
      parts.stores = { ...parts.stores, stock }
    },
    "I-4",
  ],
  [
    "a rebuild changes something",
    (parts) => {
      parts.stores = { ...parts.stores, differing: [{ view: "receipts" }] }
    },
    "I-10",
  ],
  [
    "an agent complains",
    (parts) => {
      parts.stores = { ...parts.stores, complaints: ["store 117: its journal has a break"] }
    },
    "I-6",
  ],
]

test.each(breaks)("%s: it is found", (_what, change, invariant) => {
  const found = check(change)
  expect(found.length).toBeGreaterThan(0)
  expect(found.some((text) => text.startsWith(`${invariant} `))).toBe(true)
})
