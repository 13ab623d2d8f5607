import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { inTransaction, type Sql } from "../../base/sql.ts"
import { instant, sleep, systemClock } from "../../base/time.ts"
import { eventTypes, newEvent } from "../../canonical/events.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { added } from "../../rules/pickup/pickup.ts"
import { readChange } from "./read.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
})
afterAll(() => database?.drop())

const at = instant(systemClock.now())
const { example } = eventTypes["pickup.requested"]
const { pickupId, orderId, locationId, lines } = example
const base = { pickupId, orderId, locationId, at }
const all = lines.map(({ lineId, quantity }) => ({ lineId, quantity }))
const fact = (name: string) => ({ fact: name, source: "test", time: at })

test("a handover that began before a cancellation and commits after it stands before it, and the cancellation is told that it stopped nothing", async () => {
  const { sql } = database
  const log = new EventLog(sql)
  await log.append(newEvent({ type: "pickup.requested", ...fact("requested"), data: example }))
  await log.append(newEvent({ type: "pickup.picked", ...fact("picked"), data: { ...base, found: all, by: "ada" } }))
  let commit = () => {}
  const mayCommit = new Promise<void>((resolve) => (commit = resolve))
  let isWritten = () => {}
  const written = new Promise<void>((resolve) => (isWritten = resolve))
  const handover = inTransaction(sql, async (transaction) => {
    // A transaction runs statements as a pool does.
    const inside = new EventLog(transaction as unknown as Sql)
    await inside.append(newEvent({ type: "pickup.handed-over", ...fact("handed"), data: { ...base, by: "ada" } }))
    isWritten()
    await mayCommit
  })
  await written
  await log.append(newEvent({ type: "pickup.stopped", ...fact("stopped"), data: { ...base, lines: all } }))
  const answer = readChange({ sql, eventLog: log }, { pickupId, fact: "stopped" })
  const first = await Promise.race([answer, sleep(300).then(() => "it waits")])
  expect(first).toBe("it waits")
  commit()
  await handover
  const change = await answer
  expect(change && added(change.before, change.after, "stoppedMilli")).toEqual([])
  const handed = await readChange({ sql, eventLog: log }, { pickupId, fact: "handed" })
  expect(handed && added(handed.before, handed.after, "takenMilli")).toEqual(all)
  expect([handed?.number, change?.number]).toEqual([1, 2])
})

test("a fact that the log does not have changed nothing", async () => {
  expect(
    await readChange({ sql: database.sql, eventLog: new EventLog(database.sql) }, { pickupId, fact: "never" }),
  ).toBeUndefined()
})
