import { afterAll, beforeAll, expect, test } from "vitest"
import { warehouseToken } from "../../lab/warehouse/warehouse.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { plentifulSkus } from "../fixtures/order-flow.ts"
import { runCommand } from "../fixtures/readers/command.ts"

// What a warehouse moves is known here: by webhook, by its list when the webhook is lost, and by its absolute when nobody told.

let t: TestCrossdock
let place = ""
let sku = ""
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 71,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: { ...estate.policies, stock: { sources: { warehouse: { readEvery: { seconds: 2 } } } } },
      connections: {
        ...estate.connections,
        warehouse: { ...estate.connections["warehouse"]!, pollEveryMs: 300 }, // oxlint-disable-line typescript/no-non-null-assertion -- the demo has it
      },
    }),
  })
  place = t.lab.estate.locations[0]?.locationId ?? ""
  sku = plentifulSkus(t, 1)[0] ?? ""
  // A warehouse that was told of no stock counts from nothing on, and its absolute would say so.
  await control(t.lab.warehouse, "stock", {
    rows: [{ sku, locationId: place, onHandMilli: await onHand(place), unit: "ea" }],
  })
})
afterAll(async () => t?.stop())

const move = (order: object) => control(t.lab.warehouse, "movements", order)
const line = (milli: number) => ({ sku, quantityMilli: milli, unit: "ea" })

async function onHand(location: string): Promise<number> {
  const [row] = await t.sql<{ milli: number }[]>`
    select on_hand_milli as milli from stock_positions where (sku, location_id) = (${sku}, ${location})`
  return row?.milli ?? 0
}

const comesTo = (location: string, milli: number) =>
  eventually(`${milli} of ${sku} at ${location}`, async () => (await onHand(location)) === milli, {
    // A reading that fails is tried again after ten seconds.
    withinMs: 40_000,
    seen: async () => ({ onHand: await onHand(location) }),
  })

test("S-61: receipts, sales and damage that a warehouse tells by webhook change what is there, and no event is lost", async () => {
  const before = await onHand(place)
  await move({ movement: "received", locationId: place, lines: [line(12_000)] })
  await move({ movement: "sold", locationId: place, lines: [line(2_000)] })
  await move({ movement: "state-changed", locationId: place, toState: "damaged", lines: [line(3_000)] })
  await comesTo(place, before + 7_000)
  await comesTo(`${place}/damaged`, 3_000)
  const events = await t.sql`select from events where type = 'stock.moved'`
  expect(events).toHaveLength(3)
})

test("S-61: a movement whose webhook was lost is found in the list of the warehouse, once", async () => {
  const before = await onHand(place)
  t.lab.warehouse.setWebhookTarget("http://127.0.0.1:9/nowhere")
  await move({ movement: "received", locationId: place, lines: [line(5_000)] })
  await comesTo(place, before + 5_000)
  t.lab.warehouse.setWebhookTarget(`${t.gatewayUrl}/hooks/warehouse`)
})

test("S-61: a movement that nobody tells is made good by the absolute", async () => {
  const before = await onHand(place)
  await move({ movement: "sold", locationId: place, isLost: true, lines: [line(4_000)] })
  await move({ movement: "received", locationId: place, lines: [line(1_000)] })
  await comesTo(place, before - 3_000)
  const { body } = await t.api("GET", `/v1/availability?sku=${sku}&location=${place}`)
  expect(body.items?.[0]).toMatchObject({ isKnown: true, onHandMilli: before - 3_000 })
})

test("P-27: a movement with a word that the protocol does not have is kept and asked about, never guessed", async () => {
  const before = await onHand(place)
  const stock = await fetch(`${t.lab.warehouse.url}/stock?locationId=${place}`, {
    headers: { authorization: `Bearer ${warehouseToken}` },
  })
  expect(stock.status).toBe(200)
  await move({ movement: "state-changed", locationId: place, toState: "haunted", lines: [line(1_000)] })
  await eventually("an exception", async () => {
    const { body } = await t.api("GET", "/v1/exceptions?state=open")
    return body.items?.find(({ cause }) => cause === "VENDOR_VALUE_UNKNOWN")
  })
  // The shelf has less, and the next reading of it says so.
  await comesTo(place, before - 1_000)
  expect(await onHand(`${place}/haunted`)).toBe(0)
})

test("P-13: a position that drifted is found by a dry run, rebuilt from the ledger by command, and the reason stands in the ledger", async () => {
  const rows = await t.sql<{ sku: string; milli: number }[]>`
    select sku, on_hand_milli as milli from stock_positions where location_id = ${place} and sku <> ${sku} limit 1`
  const [{ sku: drifted, milli } = { sku: "", milli: 0 }] = rows
  await t.sql`update stock_positions set on_hand_milli = on_hand_milli + 7000, excess_limit_milli = 1000000
    where (sku, location_id) = (${drifted}, ${place})`
  const look = await runCommand(t, ["stock", "rebuild", drifted, "--reason", "a test", "--dry-run"], {})
  expect(look.text).toContain(`${(milli + 7000) / 1000} → ${milli / 1000}`)
  expect(look.text).toContain("nothing was changed")
  const done = await runCommand(t, ["stock", "rebuild", drifted, "--reason", "drift of a test"], {})
  expect(done.text).toContain("corrected")
  const again = await runCommand(t, ["stock", "rebuild", drifted, "--reason", "a test"], {})
  expect(again.text).toContain("every position is what the ledger says")
  const { body } = await t.api("GET", `/v1/stock/${drifted}`)
  const { places, promises, bookings } = body as unknown as Record<string, Record<string, unknown>[]>
  expect(places?.find(({ locationId }) => locationId === place)).toMatchObject({ onHandMilli: milli, isPooled: true })
  expect(promises?.map(({ channel }) => channel)).toEqual([undefined, "shopify"])
  expect(bookings?.some(({ reason }) => String(reason).startsWith("drift of a test"))).toBe(true)
})

test("S-91: `crossdock stock` says why the number, part by part, and what buffers cost", async () => {
  const one = await runCommand(t, ["stock", sku, "--location", place], {})
  expect(one.text).toMatch(/any channel: [\d.]+ = [\d.]+ on hand - [\d.]+ reserved/)
  expect(one.text).toContain("damaged")
  const regret = await runCommand(t, ["stock", "regret", "--days", "1"], {})
  expect(regret.text).toMatch(/^\d+ positions since/)
})
