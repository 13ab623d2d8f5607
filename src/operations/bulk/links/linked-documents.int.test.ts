import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../../test/fixtures/database.ts"
import { newEvent } from "../../../canonical/events.ts"
import { EventLog } from "../../../eventlog/event-log.ts"
import { takeDocument } from "./linked-documents.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
  await database.sql`
    insert into bulk_operations (id, kind, spec, reason, hash, state, risk, says, refused, total, requested_by, requested_at, expires_at, per_second)
    values ('op_1', 'link document', '{}', 'a test', '', 'running', '[]', '[]', '[]', 1, 'ada', now(), now(), 1)`
})
afterAll(() => database?.drop())

const at = "2026-11-20T10:00:00.000Z"
const about = "order/ord_2qmgkf34wh6zvj1e"
const workflow = "fulfil order"
const step = "book order in ERP"

function taken(number: string) {
  const document = { system: "sap", type: "sales order", id: number }
  const data = { about, workflow, step, document, output: "{}", linkedBy: "ada", reason: "a test", at } as const
  const fact = `linked:${number}`
  const event = newEvent({ type: "effect.linked", fact, source: "crossdock:operations", time: at, data })
  return { document, step: { about, workflow, step } as const, by: "ada", operation: "op_1", at, event }
}
const rows = () => database.sql`select id from linked_documents`
const told = () => database.sql`select fact from events where type = 'effect.linked'`

test("a document whose fact could not be stored is not taken, so that another one can be linked", async () => {
  const { sql } = database
  const eventLog = new EventLog(sql)
  const broken = {
    prepare: () => ({ events: [{ n: 0 }], follow: {}, types: new Set<never>(), wakesWork: false }),
    stored: () => undefined,
  }
  await expect(takeDocument({ sql, eventLog: broken }, taken("4711"))).rejects.toThrow()
  expect([await rows(), await told()]).toEqual([[], []])
  expect(await takeDocument({ sql, eventLog }, taken("4712"))).toBeUndefined()
  expect(await takeDocument({ sql, eventLog }, taken("4712"))).toBeUndefined()
  expect(await takeDocument({ sql, eventLog }, taken("4711"))).toBe("ada linked sales order 4712 to it")
  expect([await rows(), await told()]).toEqual([[{ id: "4712" }], [{ fact: "linked:4712" }]])
})
