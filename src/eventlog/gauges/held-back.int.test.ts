import { Registry } from "prom-client"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { countOf, latch } from "../../../test/fixtures/ledger/facts.ts"
import { inTransaction } from "../../base/sql.ts"
import { sleep } from "../../base/time.ts"
import { checkOpenTransactions } from "../../engines/doctor/database.ts"
import { EventLog } from "../event-log.ts"
import { registerHeldBack } from "./held-back.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database?.drop())

async function gauge(): Promise<number> {
  const registry = new Registry()
  registerHeldBack(registry, database.sql)
  const metrics = await registry.getMetricsAsJSON()
  return metrics[0]?.values[0]?.value ?? Number.NaN
}

test("a transaction that is left open shows as events held back, and the doctor names who left it", async () => {
  const { sql } = database
  const [isOpen, mayEnd] = [latch(), latch()]
  const forgotten = inTransaction(sql, async (transaction) => {
    await transaction`select pg_current_xact_id()`
    isOpen.open()
    await mayEnd.opened
  })
  await isOpen.opened
  await new EventLog(sql).append(countOf("TEE", 1000))
  await sleep(1100)
  expect(await gauge()).toBeGreaterThan(1)
  expect(await checkOpenTransactions(sql, 1)).toMatchObject({
    status: "warn",
    found: expect.stringMatching(/open for \d+ s: process \d+/),
    remedy: expect.stringContaining("pg_terminate_backend("),
  })
  mayEnd.open()
  await forgotten
  // Other tests' transactions share the server; those are short.
  await expect.poll(gauge, { timeout: 20_000 }).toBe(0)
  expect(await checkOpenTransactions(sql, 60)).toMatchObject({ status: "ok" })
})
