import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { money } from "../../base/money.ts"
import type { TillReturnPolicy } from "../../canonical/returns/till-policy.ts"
import type { Receipt } from "../../canonical/sales/receipt.ts"
import { EventLog, storedEvent, type EventRow } from "../../eventlog/event-log.ts"
import { salesDefaults } from "../policies.ts"
import { Receipts } from "../record.ts"
import { TillTakings } from "../takings/till-takings.ts"
import { TillLimits } from "./till-limits.ts"

// What tills gave back beyond the policy, on a real database. The reader of the log is played here: in any order, and again.

let database: FreshDatabase
let receipts: Receipts
let takings: TillTakings
/** Tells what one test gave from what another did. */
let epoch = 0

const euro = (minor: number) => [money(minor, "EUR")]
const policy: TillReturnPolicy = {
  blind: {
    aloneUpTo: euro(2000),
    approvedUpTo: euro(10_000),
    tenders: ["store credit"],
    lowestPrice: { days: 30 },
    perCustomer: { receipts: 1, days: 30 },
  },
  offline: { tillDayUpTo: euro(3000) },
}
beforeAll(async () => {
  database = await freshDatabase()
  const eventLog = new EventLog(database.sql)
  const selling = {
    sql: database.sql,
    clock: { now: () => Date.UTC(2026, 10, 20, 12) },
    eventLog,
    stores: new Map(["A", "B"].map((id) => [id, { timeZone: "UTC" }])),
    policies: salesDefaults,
  }
  receipts = new Receipts(selling, () => undefined)
  const orders = { claim: async () => ({ grantedMilli: 0 }), giveBack: async () => undefined }
  const lowestPrice = async ({ line }: { line: { sku?: string } }) =>
    line.sku === "UNKNOWN" ? undefined : { inclusive: 1190 }
  takings = new TillTakings({
    ...selling,
    ours: async () => [],
    partsOf: async () => new Map(),
    orders,
    limits: new TillLimits({ policy, lowestPrice }),
  })
})
afterAll(() => database?.drop())
beforeEach(() => {
  epoch += 1
})

function back(sequence: number, more: Partial<Receipt> & { sku?: string; amountMinor?: number } = {}): Receipt {
  const { amountMinor = -1190 } = more
  const tenders = [{ kind: "store credit" as const, amountMinor }]
  const whole = saleReceipt({
    storeId: "A",
    tillId: String(epoch),
    sequence,
    businessDay: "2026-11-20",
    customerId: `c${epoch}.${sequence}`,
    cashier: "ina",
    tenders,
    amountMinor,
    ...more,
  })
  return { ...whole, epoch: String(epoch) }
}
function voidOf({ lines = [], tenders = [], storeId, tillId, sequence, businessDay }: Receipt, by: number): Receipt {
  return {
    ...back(by),
    kind: "void",
    voids: { storeId, tillId, epoch: String(epoch), businessDay: businessDay ?? "", sequence: sequence ?? 0 },
    lines: lines.map((line) => ({
      ...line,
      quantityMilli: -line.quantityMilli,
      amountMinor: -line.amountMinor,
      taxes: (line.taxes ?? []).map((tax) => ({ ...tax, amountMinor: -tax.amountMinor })),
    })),
    tenders: tenders.map((tender) => ({ ...tender, amountMinor: -tender.amountMinor })),
  }
}
async function read(): Promise<void> {
  const rows = await database.sql<EventRow[]>`
    select * from events where type = 'sale.recorded' and data #>> '{receipt,epoch}' = ${String(epoch)} order by xid, seq`
  await takings.subscriber().handle(rows.map(storedEvent))
}
async function send(...all: Receipt[]): Promise<void> {
  const told = await receipts.record(all, { source: "tills", stores: undefined })
  expect(told.map(({ outcome, problems }) => [outcome, problems])).toEqual(all.map(() => ["accepted", undefined]))
  await read()
}
/** Open cases of this test: the number of the receipt, the money, and why. */
async function open(): Promise<[number: number, minor: number, summary: string][]> {
  const rows = await database.sql<{ n: number; minor: number; summary: string }[]>`
    select split_part(o.key, '/', 6)::int as n, (o.data #>> '{atRisk,amountMinor}')::int as minor, o.data ->> 'summary' as summary
    from events o where o.type = 'exception.opened' and split_part(o.key, '/', 5) = ${String(epoch)}
      and not exists (select from events d where d.type = 'exception.decided' and d.data ->> 'exceptionId' = o.data ->> 'exceptionId')
    order by 1, 3`
  return rows.map(({ n, minor, summary }) => [n, minor, summary])
}
const opened = async () => (await open()).map(([n, minor]) => [n, minor])

describe("goods without their receipt", () => {
  test("are one case with everything that is not within the policy, and the money that is beyond it, once", async () => {
    await send(
      back(1),
      back(2, { amountMinor: -2500, tenders: [{ kind: "cash", amountMinor: -2500 }] }),
      back(3, { sku: "UNKNOWN" }),
    )
    expect(await open()).toEqual([
      [
        2,
        2500,
        `store A till ${epoch}: 2 gave 25.00 EUR for goods without their receipt: 25.00 EUR is above the limit of 20.00 EUR: nobody approved it; 25.00 EUR went back as cash and not as store credit; TEE-M was 11.90 EUR at its lowest.`,
      ],
      [3, 1190, expect.stringContaining("nobody knows a price of UNKNOWN")],
    ])
    await read()
    await read()
    const told = await database.sql`
      select from events where type = 'exception.opened' and split_part(key, '/', 5) = ${String(epoch)}`
    expect(told).toHaveLength(2)
  })

  test("are a customer's once in thirty days; when the first is voided the second was the first, and its case ends", async () => {
    const [first, second] = [back(1, { customerId: `c${epoch}` }), back(2, { customerId: `c${epoch}` })]
    await send(first, second)
    expect(await opened()).toEqual([[2, 1190]])
    await send(voidOf(first, 3))
    expect(await opened()).toEqual([])
    await send(back(4, { customerId: `c${epoch}` }))
    expect(await opened()).toEqual([[4, 1190]])
    expect(await database.sql`select from till_refunds where counts_with = ${`c${epoch}`}`).toEqual([])
  })

  test("that are voided before they are known are no case, and one whose void is voided is one again", async () => {
    const wrong = back(1, { sku: "UNKNOWN" })
    const gone = voidOf(wrong, 2)
    await send(gone)
    await send(wrong)
    expect(await opened()).toEqual([])
    await send(voidOf(gone, 3))
    expect(await opened()).toEqual([[1, 1190]])
  })
})

describe("what a till gives back while it is offline", () => {
  test("is told where it goes beyond the day's limit, in the order in which it came, however often it comes", async () => {
    const all = [1, 2, 3, 4].map((n) => back(n, { isOffline: true }))
    await send(...all.slice(0, 3))
    expect(await open()).toEqual([
      [
        3,
        570,
        `store A till ${epoch}: 3 gave 11.90 EUR for goods while the till had no connection: the till gave 35.70 EUR that day above the limit of 30.00 EUR.`,
      ],
    ])
    await send(...all.slice(3), back(5))
    await read()
    expect(await opened()).toEqual([
      [3, 570],
      [4, 1190],
    ])
    // One that is voided makes room for the next.
    const [first] = all
    if (first) await send(voidOf(first, 6))
    expect(await opened()).toEqual([[4, 570]])
  })

  test("is limited for goods with their receipt as well; another day is another limit", async () => {
    const known = (n: number, more: Partial<Receipt> = {}) => {
      const whole = back(n, { isOffline: true, ...more })
      const original = { storeId: "A", tillId: "old", businessDay: "2026-11-19", sequence: n, lineId: "1" }
      return { ...whole, lines: (whole.lines ?? []).map((line) => ({ ...line, returned: { original } })) }
    }
    await send(known(1), known(2), known(3), known(4, { businessDay: "2026-11-19" }))
    expect(await opened()).toEqual([[3, 570]])
  })

  test("and another store has given back before, or without its receipt, is one case of the receipt, and the money is told once", async () => {
    const sold = back(1, { amountMinor: 4000 })
    const again = (n: number, storeId: string): Receipt => {
      const whole = back(n, { amountMinor: -4000, isOffline: true, storeId })
      const original = { storeId: "A", tillId: String(epoch), epoch: String(epoch), sequence: 1, lineId: "1" }
      return { ...whole, lines: (whole.lines ?? []).map((line) => ({ ...line, returned: { original } })) }
    }
    const [first, second] = [again(2, "A"), again(3, "B")]
    await send(first, second)
    expect(await opened()).toEqual([
      [2, 1000],
      [3, 1000],
    ])
    // The receipt comes that sold it: the second store gave everything for nothing.
    await send(sold)
    expect(await opened()).toEqual([
      [2, 1000],
      [3, 4000],
    ])
    await send(voidOf(first, 4))
    expect(await opened()).toEqual([[3, 1000]])
    // Blind and offline: the larger excess is all that is told.
    await send(back(5, { amountMinor: -5000, isOffline: true, storeId: "B", tillId: `${epoch}b` }))
    expect(await opened()).toEqual([
      [3, 1000],
      [5, 3810],
    ])
  })
})
