import fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { derivedId } from "../../base/ids.ts"
import { instant, systemClock } from "../../base/time.ts"
import { newEvent } from "../../canonical/events.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { OrderAccounts } from "../accounts.ts"
import { noted } from "../entries.ts"

let database: FreshDatabase
let log: EventLog
let accounts: OrderAccounts
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  log = new EventLog(database.sql, (event) => ({ starts: [], signals: [], ...noted(event) }))
  accounts = new OrderAccounts(database.sql)
})
afterAll(() => database?.drop())

let count = 0
const shippedMilli = 6000

/** An order of which six pieces of one line left. */
async function shipped(): Promise<string> {
  const orderId = derivedId("ord", "claim back", String((count += 1)))
  const at = instant(systemClock.now())
  const lines = [{ lineId: "1", quantity: { milli: shippedMilli, unit: "ea" } }]
  const data = { orderId, shipmentId: `s${count}`, locationId: "dc", lines, at }
  await log.append(newEvent({ type: "goods.shipped", fact: `shipped:${orderId}`, source: "test", time: at, data }))
  return orderId
}

const back = (orderId: string, milli: number, { key, isGivenFor = true }: { key: string; isGivenFor?: boolean }) =>
  accounts.claimBack({ orderId, lineId: "1", quantity: { milli, unit: "ea" }, isGivenFor, by: `return/${key}` }, key)
const givenByShop = (orderId: string, milli: number, key: string) =>
  accounts.claimReturn({ orderId, lineId: "1", quantity: { milli, unit: "ea" }, by: "the shop" }, key)

test("P-18: whatever a shop gives and whatever comes back, in any order: given is what is back, or what the shop gave more", async () => {
  const act = fc.record({ kind: fc.constantFrom("shop", "back", "again"), pieces: fc.integer({ min: 1, max: 4 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 8 }), async (acts) => {
      const orderId = await shipped()
      let [received, given] = [0, 0]
      const last = { key: "", pieces: 0 }
      for (const [n, { kind, pieces }] of acts.entries()) {
        if (kind === "shop") {
          const { granted } = await givenByShop(orderId, pieces * 1000, `shop ${n}`)
          expect(granted).toBe(given + pieces * 1000 <= shippedMilli)
          if (granted) given += pieces * 1000
          continue
        }
        // A crash asks again with the same key: the answer is the same and nothing changes.
        const isAgain = kind === "again" && last.key !== ""
        const key = isAgain ? last.key : `back ${n}`
        const answer = await back(orderId, (isAgain ? last.pieces : pieces) * 1000, { key })
        if (!isAgain) {
          expect(answer.receivedMilli).toBe(Math.min(pieces * 1000, shippedMilli - received))
          received += answer.receivedMilli
          expect(answer.creditedMilli).toBe(Math.max(given, received) - given)
          given += answer.creditedMilli
        }
        Object.assign(last, { key, pieces: isAgain ? last.pieces : pieces })
        const { claims } = await accounts.read(orderId)
        const sum = (kindOf: string) =>
          claims
            .filter((one) => one.kind === kindOf && one.state !== "refused")
            .reduce((all, { amount }) => all + amount, 0)
        expect([sum("receipt"), sum("return")]).toEqual([received, given])
      }
    }),
    { numRuns: 60 },
  )
})

test("P-18: twenty returns of one piece at once, beside a shop that gives for two: six are back, and six are given for", async () => {
  const orderId = await shipped()
  await givenByShop(orderId, 2000, "shop")
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => back(orderId, 1000, { key: `k${n}` })))
  expect(answers.reduce((sum, { receivedMilli }) => sum + receivedMilli, 0)).toBe(shippedMilli)
  expect(answers.reduce((sum, { creditedMilli }) => sum + creditedMilli, 0)).toBe(shippedMilli - 2000)
})

test("what comes back and is not given for leaves the money as it is", async () => {
  const orderId = await shipped()
  expect(await back(orderId, 2000, { key: "kept", isGivenFor: false })).toMatchObject({
    receivedMilli: 2000,
    creditedMilli: 0,
  })
  expect(await back(orderId, 1000, { key: "given" })).toMatchObject({ receivedMilli: 1000, creditedMilli: 1000 })
})
