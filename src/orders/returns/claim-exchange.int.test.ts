import fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { derivedId } from "../../base/ids.ts"
import { money } from "../../base/money.ts"
import { OrderAccounts } from "../accounts.ts"

let database: FreshDatabase
let accounts: OrderAccounts
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  accounts = new OrderAccounts(database.sql)
})
afterAll(() => database?.drop())

let count = 0
const owedMinor = 4000
const newOrder = () => derivedId("ord", "claim exchange", String((count += 1)))
const pay = (orderId: string, wantedMinor: number, key: string) =>
  accounts.claimExchange({ orderId, owed: money(owedMinor, "EUR"), wantedMinor, by: `return/${key}` }, key)

test("P-19: returns that name one order pay what is owed of it and no more, a repeat is answered as before, one that pays nothing frees its part", async () => {
  const act = fc.record({ kind: fc.constantFrom("pay", "again", "release"), wanted: fc.integer({ min: 1, max: 3000 }) })
  await fc.assert(
    fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 8 }), async (acts) => {
      const orderId = newOrder()
      const paid = new Map<string, { wanted: number; applied: number }>()
      const sum = () => [...paid.values()].reduce((all, { applied }) => all + applied, 0)
      for (const [n, { kind, wanted }] of acts.entries()) {
        const [lastKey, last] = [...paid].at(-1) ?? []
        if (kind === "pay") {
          const left = owedMinor - sum()
          const applied = Math.min(wanted, left)
          expect(await pay(orderId, wanted, `k${n}`)).toEqual({ appliedMinor: applied, leftMinor: left - applied })
          paid.set(`k${n}`, { wanted, applied })
        } else if (lastKey !== undefined && last !== undefined) {
          if (kind === "release") {
            await accounts.release(orderId, lastKey)
            paid.set(lastKey, { ...last, applied: 0 })
          }
          expect(await pay(orderId, last.wanted, lastKey)).toEqual({
            appliedMinor: paid.get(lastKey)?.applied,
            leftMinor: owedMinor - sum(),
          })
        }
      }
    }),
    { numRuns: 60 },
  )
})

test("P-19: of twenty returns at once that each could pay a quarter, four do", async () => {
  const orderId = newOrder()
  const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => pay(orderId, 1000, `k${n}`)))
  expect(answers.filter(({ appliedMinor }) => appliedMinor === 1000)).toHaveLength(4)
  expect(answers.reduce((sum, { appliedMinor }) => sum + appliedMinor, 0)).toBe(owedMinor)
})
