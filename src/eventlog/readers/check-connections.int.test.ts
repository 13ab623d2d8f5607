import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { createLog } from "../../base/log.ts"
import { systemClock } from "../../base/time.ts"
import { EventLog } from "../event-log.ts"
import { checkConnections } from "./check-connections.ts"
import { checkName, Readers } from "./readers.ts"

let database: FreshDatabase
beforeEach(async () => {
  database = await freshDatabase()
})
afterEach(() => database.drop())

/** A worker of the estate with one connection, which it asks by `check`. */
async function worker(check: () => Promise<void>) {
  const { sql } = database
  const log = createLog("test", "silent")
  const readers = new Readers({ sql, log, clock: systemClock, eventLog: new EventLog(sql) })
  const name = checkName("erp")
  const reader = readers.add({
    name,
    connection: "erp",
    what: "The connection to erp",
    meanwhile: "-",
    everyMs: 20_000,
  })
  await readers.register()
  const stop = checkConnections({ sql, log, connections: [{ name, reader, check, answeredMsAgo: () => undefined }] })
  return { readers, stop }
}

const rested = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

test("P-41: of all workers of an estate one asks a connection; another one asks it when it is due again", async () => {
  let asked = 0
  const check = () => Promise.resolve(void (asked += 1))
  const workers = [await worker(check), await worker(check), await worker(check)]
  await rested(1000)
  expect(asked).toBe(1)
  for (const { readers } of workers) await readers.beat()
  await database.sql`update readers set due_at = now(), succeeded_at = now() - interval '1 minute'`
  await rested(5500)
  expect(asked).toBe(2)
  await Promise.all(workers.map(({ stop }) => stop()))
})

test("P-41: refusals that different workers met one after another are counted together, and told", async () => {
  const refuse = () => Promise.reject(new Error("status 401"))
  const [one, other] = [await worker(refuse), await worker(refuse)]
  await rested(500)
  await Promise.all([one.stop(), other.stop()])
  const failures = async () => (await database.sql<{ failures: number }[]>`select failures from readers`)[0]?.failures
  await one.readers.beat()
  await other.readers.beat()
  expect(await failures()).toBe(1)
  await database.sql`update readers set due_at = now()`
  const third = await worker(refuse)
  await rested(500)
  await third.stop()
  await third.readers.beat()
  expect(await failures()).toBe(2)
})
