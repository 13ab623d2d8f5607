import { afterAll, beforeAll, expect, test } from "vitest"
import { freshDatabase } from "../../../test/fixtures/database.ts"
import { createReservations } from "../reservations.ts"
import { createStockLedger } from "../stock-ledger.ts"
import { heldForChannel } from "./held-for-channel.ts"

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase()
})
afterAll(() => database.drop())

test("what left of an order that was reserved before is not new; of a later order what is held and what left counts once", async () => {
  const { sql } = database
  await createStockLedger(sql).applyMovements([
    { fact: "receipt", kind: "receipt", sku: "TEE", locationId: "dc", milli: 10_000 },
  ])
  const reservations = createReservations(sql)
  const reserve = (key: string, milli: number) =>
    reservations.reserve({ key, owner: key, channel: "shop", kind: "hard", lines: [{ sku: "TEE", milli }] })
  const ship = (key: string, milli: number) =>
    reservations.consume(key, [{ sku: "TEE", locationId: "dc", milli }], `shipment of ${key}`)
  await reserve("before", 2000)
  const [now] = await sql<{ at: Date }[]>`select clock_timestamp() as at`
  const since = new Date((now?.at.getTime() ?? 0) + 1).toISOString()
  await new Promise((resolve) => setTimeout(resolve, 5))
  const ask = () => heldForChannel(sql, "shop", [{ sku: "TEE", place: "dc", since, asksGivenBack: false }])
  await ship("before", 2000)
  expect(await ask()).toMatchObject([{ heldMilli: 0, newMilli: 0 }])
  await reserve("after", 3000)
  await ship("after", 1000)
  expect(await ask()).toMatchObject([{ heldMilli: 2000, newMilli: 3000 }])
})
