import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { newEvent, type EventData } from "../../canonical/events.ts"
import { exampleOrder } from "../../canonical/events/example-order.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { Receipt, ReceiptReference } from "../../canonical/sales/receipt.ts"
import { EventLog, storedEvent, type EventRow, type StoredEvent } from "../../eventlog/event-log.ts"
import { OrderAccounts } from "../../orders/accounts.ts"
import { noted } from "../../orders/entries.ts"
import { tillReturns } from "../../orders/returns/till-returns.ts"
import { salesDefaults } from "../policies.ts"
import { Receipts } from "../record.ts"
import { TillTakings } from "./till-takings.ts"

// What tills take back by their receipts, on a real database. The reader of the log is played here: in any order, and again.

let database: FreshDatabase
let log: EventLog
let accounts: OrderAccounts
let receipts: Receipts
let takings: TillTakings
let nowMs = Date.UTC(2026, 10, 20, 12)
/** Tells what one test sold from what another did. */
let epoch = 0
/** Whether tills give no numbers, as Square's. */
let isByDocument = false

const orderLines = [{ id: "L1", sku: "TEE-M", quantity: { milli: 1000, unit: "ea" } }]
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  const { sql } = database
  log = new EventLog(sql, (event) => ({ starts: [], signals: [], ...noted(event) }))
  accounts = new OrderAccounts(sql)
  const clock = { now: () => nowMs }
  const selling = {
    sql,
    clock,
    eventLog: log,
    stores: new Map(["A", "B"].map((id) => [id, { timeZone: "Europe/Berlin" }])),
    policies: salesDefaults,
  }
  receipts = new Receipts(selling, () => undefined)
  const ours = async (named: readonly { article: string }[]) => named.map(({ article }) => article)
  // Of an order only the lines are looked at.
  const orderOf = async () => ({ ...exampleOrder, lines: orderLines }) as unknown as typeof exampleOrder
  const partsOf = async () => new Map([["SET", [{ sku: "CUP" }, { sku: "TEA" }]]])
  takings = new TillTakings({
    ...selling,
    ours,
    partsOf,
    orders: tillReturns({ accounts, eventLog: log, orderOf, ours }),
  })
})
afterAll(() => database?.drop())
beforeEach(() => {
  epoch += 1
  nowMs = Date.UTC(2026, 10, 20, 12)
})

type Named = Pick<Receipt, "storeId"> & Partial<Receipt> & { sequence: number }
function receipt(of: Named & { amountMinor?: number; sku?: string }): Receipt {
  const whole = saleReceipt({ tillId: "1", businessDay: "2026-11-20", ...of })
  if (!isByDocument) return { ...whole, epoch: String(epoch) }
  const { sequence, ...unnumbered } = whole
  return { ...unnumbered, documentId: `${epoch}.${of.storeId}.${sequence}` }
}
function nameOf({ storeId, tillId, epoch: of, sequence, documentId, businessDay }: Receipt): ReceiptReference {
  const name = documentId === undefined ? { ...(of === undefined ? {} : { epoch: of }), sequence } : { documentId }
  return { storeId, tillId, ...(name as object), ...(businessDay === undefined ? {} : { businessDay }) }
}
type Original = NonNullable<NonNullable<ReceiptLine["returned"]>["original"]>
/** Of a document its till and day are not said: Square does not. */
function originalOf(sold: Receipt): Original {
  const { storeId, documentId } = sold
  return documentId === undefined ? { ...nameOf(sold), lineId: "1" } : { storeId, documentId, lineId: "1" }
}
function back(sold: Receipt, of: Named & { amountMinor?: number; sku?: string }, more: Partial<ReceiptLine> = {}) {
  const whole = receipt({ amountMinor: -1190, ...of })
  const lines = (whole.lines ?? []).map((line) => ({ ...line, returned: { original: originalOf(sold) }, ...more }))
  return { ...whole, lines }
}
/** All of a receipt with the other sign. */
function voidOf(of: Receipt, by: Named): Receipt {
  const lines = (of.lines ?? []).map((line) => {
    const taxes = (line.taxes ?? []).map((tax) => ({ ...tax, amountMinor: -tax.amountMinor }))
    return { ...line, quantityMilli: -line.quantityMilli, amountMinor: -line.amountMinor, taxes }
  })
  const tenders = (of.tenders ?? []).map(({ changeMinor = 0, ...tender }) => {
    return { ...tender, amountMinor: -(tender.amountMinor - changeMinor) }
  })
  return receipt({ ...by, kind: "void", voids: nameOf(of), lines, tenders })
}
async function send(...all: Receipt[]): Promise<void> {
  const outcomes = await receipts.record(all, { source: "tills", stores: undefined })
  expect(outcomes.map(({ outcome, problems }) => [outcome, problems])).toEqual(all.map(() => ["accepted", undefined]))
}
/** Events about receipts of this test. Read past transactions that other tests on the engine have open. */
async function events(...types: string[]): Promise<StoredEvent[]> {
  const rows = await database.sql<EventRow[]>`
    select * from events where type = any (${types}::text[]) and key like 'sale/%' and split_part(split_part(key, '/', 5), '.', 1) = ${String(epoch)}
    order by xid, seq`
  return rows.map(storedEvent)
}
/** Has the log read, as it stands in it. */
const readLog = async () => takings.subscriber().handle(await events("sale.recorded"))

/** Losses that are told and not taken back, in minor units, by cause. */
async function open(): Promise<[cause: string, minor: number][]> {
  const told = new Map<string, [string, number]>()
  for (const { type, data } of await events("exception.opened", "exception.decided")) {
    if (type === "exception.opened") {
      const { exceptionId, cause, atRisk } = data as EventData<"exception.opened">
      told.set(exceptionId, [cause, atRisk?.amountMinor ?? 0])
    }
    if (type === "exception.decided") told.delete((data as EventData<"exception.decided">).exceptionId)
  }
  return [...told.values()].sort()
}
const granted = async () => {
  const [row] = await database.sql<{ milli: number }[]>`
    select coalesce(sum(granted_milli), 0)::int as milli from till_takings where split_part(split_part(receipt, '/', 5), '.', 1) = ${String(epoch)}`
  return row?.milli
}
const twice = "unit was given back before"

describe.each([{ by: "number" }, { by: "document" }])("receipts that are known by their $by", ({ by }) => {
  beforeAll(() => {
    isByDocument = by === "document"
  })

  test("spree#4324 a unit sold at A comes back at B, and at A again: the second one is a loss with its amount", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    await send(sold, back(sold, { storeId: "B", sequence: 1 }), back(sold, { storeId: "A", sequence: 2 }))
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, [[twice, 1190]]])
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, [[twice, 1190]]])
  })

  test("a return that comes before its sale counts when that comes, also without the day", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    const { businessDay: _, ...undated } = sold
    await send(back(undated, { storeId: "B", sequence: 1 }), back(sold, { storeId: "B", sequence: 2 }))
    await readLog()
    expect([await granted(), await open()]).toEqual([0, []])
    nowMs += 5 * 3_600_000
    await takings.keep()
    expect(await open()).toEqual([
      ["original of a return is not known", 1190],
      ["original of a return is not known", 1190],
    ])
    await send(sold)
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, [[twice, 1190]]])
  })

  test("a return that is voided gives its unit back once, and who wanted it has it", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    const first = back(sold, { storeId: "A", sequence: 2 })
    await send(sold, first, back(sold, { storeId: "B", sequence: 1 }))
    await readLog()
    expect(await open()).toEqual([[twice, 1190]])
    await send(voidOf(first, { storeId: "A", sequence: 3 }))
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, []])
    await send(back(sold, { storeId: "A", sequence: 4 }))
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, [[twice, 1190]]])
  })

  test("a void of a void: the return counts after all", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    const first = back(sold, { storeId: "A", sequence: 2 })
    const gone = voidOf(first, { storeId: "A", sequence: 3 })
    await send(sold, first, gone, voidOf(gone, { storeId: "A", sequence: 4 }))
    await readLog()
    expect(await granted()).toBe(1000)
    await send(back(sold, { storeId: "B", sequence: 1 }))
    await readLog()
    expect(await open()).toEqual([[twice, 1190]])
  })

  test("a loss that ended and is one again is told again", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    const first = back(sold, { storeId: "A", sequence: 2 })
    const gone = voidOf(first, { storeId: "A", sequence: 3 })
    await send(sold, first, back(sold, { storeId: "B", sequence: 1 }))
    await readLog()
    await send(gone)
    await readLog()
    expect(await open()).toEqual([])
    await send(voidOf(gone, { storeId: "A", sequence: 4 }))
    await readLog()
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, [[twice, 1190]]])
  })

  test("a sale that was voided has nothing to come back", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    await send(sold, voidOf(sold, { storeId: "A", sequence: 2 }), back(sold, { storeId: "B", sequence: 1 }))
    await readLog()
    expect([await granted(), await open()]).toEqual([1000, [[twice, 1190]]])
  })

  test("other goods than the line sold, another piece, and more money than was paid: each is told", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    const piece = receipt({ storeId: "A", sequence: 2 })
    await send(
      sold,
      { ...piece, lines: (piece.lines ?? []).map((line) => ({ ...line, serial: "S-1" })) },
      back(sold, { storeId: "B", sequence: 1 }, { sku: "MUG" }),
      back(piece, { storeId: "B", sequence: 2 }, { serial: "S-2" }),
      back(sold, { storeId: "B", sequence: 3, amountMinor: -1500 }),
    )
    await readLog()
    expect(await open()).toEqual([
      ["more was given back than was paid", 310],
      ["other goods came back than were sold", 1190],
      ["other goods came back than were sold", 1190],
    ])
  })

  test("a line that was handed over for an order is the order's: its account claims, and a void gives it back once", async () => {
    const orderId = `ord_0123456789abcd${String(10 + epoch)}`
    const lines = [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" } }]
    const data = { orderId, shipmentId: "s", locationId: "A", lines, at: "2026-11-20T09:00:00.000Z" }
    await log.append(newEvent({ type: "goods.shipped", fact: `s:${orderId}`, source: "a test", time: data.at, data }))
    const plain = receipt({ storeId: "A", sequence: 1 })
    const handed = { ...plain, lines: (plain.lines ?? []).map((line) => ({ ...line, orderId })) }
    const first = back(handed, { storeId: "B", sequence: 1 })
    const second = back(handed, { storeId: "A", sequence: 2 }, { returned: { orderId } })
    const countedMilli = async () => {
      const { claims } = await accounts.read(orderId)
      const counted = claims.filter(({ kind, state }) => kind === "return" && (state === "open" || state === "settled"))
      return counted.reduce((all, { amount }) => all + amount, 0)
    }
    // The first one waits for the receipt that handed it over.
    await send(first)
    await readLog()
    await send(handed)
    await readLog()
    expect([await countedMilli(), await open()]).toEqual([1000, []])
    await send(second)
    await readLog()
    expect([await countedMilli(), await open()]).toEqual([1000, [[twice, 1190]]])
    await send(voidOf(first, { storeId: "B", sequence: 2 }))
    await readLog()
    await readLog()
    expect([await countedMilli(), await open()]).toEqual([1000, []])
    await send(voidOf(second, { storeId: "A", sequence: 3 }))
    await readLog()
    await readLog()
    expect([await countedMilli(), await open()]).toEqual([0, []])
  })

  test("P-18: sales, returns and voids in any order and again: what counts is what the receipts say", async () => {
    const act = fc.record({
      what: fc.constantFrom("back", "back", "void a return", "void the sale"),
      storeId: fc.constantFrom("A", "B"),
      named: fc.boolean(),
      at: fc.nat(),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(act, { minLength: 1, maxLength: 7 }),
        fc.infiniteStream(fc.nat()),
        async (acts, chance) => {
          epoch += 1
          const sold = receipt({ storeId: "A", sequence: 1 })
          const all: Receipt[] = [sold]
          const returns: Receipt[] = []
          const isVoid = new Set<Receipt>()
          let isSaleVoid = false
          for (const [n, { what, storeId, named, at }] of acts.entries()) {
            const own = { storeId, sequence: 10 + n }
            const victim = returns[at % Math.max(1, returns.length)]
            if (what === "back") {
              const { businessDay: _, ...undated } = sold
              returns.push(back(named ? sold : undated, own))
              all.push(returns.at(-1) ?? sold)
            } else if (what === "void a return" && victim && !isVoid.has(victim)) {
              isVoid.add(victim)
              all.push(voidOf(victim, own))
            } else if (what === "void the sale" && !isSaleVoid) {
              isSaleVoid = true
              all.push(voidOf(sold, own))
            }
          }
          const shuffled = all
            .map((one) => ({ one, by: chance.next().value }))
            .toSorted((a, b) => a.by - b.by)
            .map(({ one }) => one)
          for (const one of shuffled) {
            await send(one)
            // Read at once, later, or twice.
            for (let reads = chance.next().value % 3; reads > 0; reads -= 1) await readLog()
          }
          await readLog()
          const wanted = returns.length - isVoid.size + (isSaleVoid ? 1 : 0)
          expect(await granted()).toBe(Math.min(1, wanted) * 1000)
          expect((await open()).map(([, minor]) => minor)).toEqual(Array(Math.max(0, wanted - 1)).fill(1190))
        },
      ),
      { numRuns: 25 },
    )
  })

  test("an amount that came back is of no line, and is not compared", async () => {
    const sold = receipt({ storeId: "A", sequence: 1 })
    const { lineId: _, ...original } = originalOf(sold)
    await send(sold, back(sold, { storeId: "B", sequence: 1 }, { returned: { original } }))
    await readLog()
    expect([await granted(), await open()]).toEqual([0, []])
  })
})
