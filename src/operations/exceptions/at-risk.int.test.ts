import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { logWithObjects, placed, told } from "../../../test/fixtures/operations/told.ts"
import { ref } from "../../canonical/refs.ts"
import { createLog } from "../../base/log.ts"
import { systemClock } from "../../base/time.ts"
import { Inbox } from "../../eventlog/inbox.ts"
import { ExceptionDesk } from "./desk.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

test("the money at risk in all is one sum a currency, in which each order counts once", async () => {
  const { sql } = database
  const eventLog = logWithObjects(sql)
  const inbox = new Inbox({
    sql,
    log: createLog("test", "silent"),
    clock: systemClock,
    eventLog,
    translate: () => ({ events: [] }),
  })
  const desk = new ExceptionDesk({ sql, eventLog, inbox, clock: systemClock, actions: [] })
  expect(await desk.atRisk()).toEqual([])
  const [first, second] = [placed(1).data.orderId, placed(2).data.orderId]
  const open = (exceptionId: string, orderId: string, atRisk: { amountMinor: number; currency: string }) =>
    eventLog.append(told("exception.opened", { exceptionId, about: ref("order", orderId), atRisk }))
  await open("x-1", first, { amountMinor: 5000, currency: "EUR" })
  await open("x-2", first, { amountMinor: 3000, currency: "EUR" })
  await open("x-3", second, { amountMinor: 700, currency: "EUR" })
  await open("x-4", second, { amountMinor: 900, currency: "JPY" })
  expect(await desk.atRisk()).toEqual([
    { amountMinor: 5700, currency: "EUR" },
    { amountMinor: 900, currency: "JPY" },
  ])
})
