import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { saleReceipt } from "../../test/fixtures/sales/receipts.ts"
import { textKey } from "../base/ids.ts"
import { systemClock } from "../base/time.ts"
import { newEvent } from "../canonical/events.ts"
import { EventLog, storedEvent, type EventRow } from "../eventlog/event-log.ts"
import { salesDefaults } from "./policies.ts"
import { Receipts } from "./record.ts"
import { toldReceipts } from "./told-receipts.ts"

// Receipts that a system of tills told: whatever write a process dies at, each is kept once, with its events, when it is read again.

let database: FreshDatabase
let eventLog: EventLog

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 4 })
  eventLog = new EventLog(database.sql)
})
afterAll(() => database?.drop())

/** As a process that was just started has it. */
function subscriber() {
  const stores = new Map([["117", { timeZone: "UTC" }]])
  const selling = { sql: database.sql, clock: systemClock, eventLog, stores, policies: salesDefaults }
  return toldReceipts({ receipts: new Receipts(selling, () => undefined), eventLog })
}

function told(documentId: string, { storeId = "117", amountMinor = 1190, isUnread = false } = {}) {
  const { sequence: _, ...whole } = saleReceipt({ storeId, tillId: "front", sequence: 0, amountMinor })
  const receipt = { ...whole, documentId }
  const { lines: _lines, tenders: _tenders, ...bare } = receipt
  const unread = { problems: [{ pointer: "/order", message: "is odd" }], asSent: "{}", worthMinor: amountMinor }
  const sent = textKey(`${documentId} ${amountMinor}`)
  return newEvent({
    type: "receipt.told",
    fact: `square:receipt:${documentId}:${sent}${isUnread ? ":unread" : ""}`,
    source: "square",
    time: receipt.endedAt,
    data: { system: "square", sent, ...(isUnread ? { receipt: bare, unread } : { receipt }) },
  })
}

async function read(run: string): Promise<void> {
  const rows = await database.sql<EventRow[]>`
    select * from events where type = 'receipt.told' and fact like ${`square:receipt:${run}%`} order by xid, seq`
  await subscriber().handle(rows.map(storedEvent))
}

/** What is kept of a run, without its name. */
async function kept(run: string): Promise<object> {
  const receipts = await database.sql`
    select replace(document_id, ${run}, '') as document, standing, amounts from receipts where document_id like ${`${run}%`} order by 1, 2`
  const events = await database.sql`
    select type, count(*)::integer as n from events where type <> 'receipt.told' and (key like ${`%/${run}%`} or key like ${`%${run}%`})
    group by 1 order by 1`
  return { receipts: [...receipts], events: [...events] }
}

async function tell(run: string): Promise<void> {
  for (const event of [
    told(`${run}1`),
    told(`${run}2`, { isUnread: true }),
    told(`${run}3`, { amountMinor: -500 }),
    told(`${run}4`, { storeId: "none" }),
  ])
    await eventLog.append(event)
}

test("a process that dies at any of its writes keeps all of a batch or nothing, and the next one keeps each receipt once", async () => {
  await tell("A")
  await read("A")
  // Corrected, and read again.
  await eventLog.append(told("A2"))
  await read("A")
  const whole = await kept("A")
  expect(whole).toMatchObject({
    receipts: [
      { document: "1", standing: "recorded" },
      { document: "2", standing: "recorded" },
      { document: "2", standing: "replaced" },
      { document: "3", standing: "recorded" },
    ],
  })
  for (const [n, table] of ["receipts", "till_days", "store_days", "event_facts", "events"].entries()) {
    const run = String.fromCharCode("B".charCodeAt(0) + n)
    await tell(run)
    await dyingAt(table, async () => {
      await expect(read(run)).rejects.toThrow()
      expect([table, await kept(run)]).toEqual([table, { receipts: [], events: [] }])
    })
    // It dies once more, after its writes and before anybody knows of them: all is read again.
    await read(run)
    await read(run)
    await eventLog.append(told(`${run}2`))
    await dyingAt(table, () => expect(read(run)).rejects.toThrow())
    await read(run)
    await read(run)
    expect([table, await kept(run)]).toEqual([table, whole])
  }
})

async function dyingAt(table: string, work: () => Promise<unknown>): Promise<void> {
  const { sql } = database
  await sql`create or replace function dies() returns trigger language plpgsql as $$ begin raise exception 'the process died'; end $$`
  await sql`create trigger dies before insert on ${sql(table)} for each row execute function dies()`
  try {
    await work()
  } finally {
    await sql`drop trigger dies on ${sql(table)}`
  }
}
