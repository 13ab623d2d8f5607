import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { areas } from "../../src/areas.ts"
import type { Estate } from "../../src/estate.ts"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { decide, placeOrder, plentifulSkus, untilException } from "../fixtures/order-flow.ts"
import { collections } from "./collections/collections.ts"

// The area of docs/guides/first-workflow.md in a Crossdock that otherwise has everything it has in production.
const started: TestCrossdock[] = []
const start = async (block?: object) => {
  // What `areas.ts` would say with one line more; the type of an estate follows it there.
  const estate = (one: Estate) =>
    (block ? { ...one, policies: { ...one.policies, collections: block } } : one) as Estate
  const crossdock = await startTestCrossdock({ areas: [...areas, collections], estate })
  started.push(crossdock)
  return crossdock
}
afterAll(() => Promise.all(started.map((one) => one.stop())))

const instances = (t: TestCrossdock, orderId: string) => t.sql<{ state: string }[]>`
  select state from workflow_instances where workflow = 'remind to collect' and about = ${`order/${orderId}`}`
const collect = (t: TestCrossdock, orderId: string) =>
  t.api("POST", `/v1/orders/${orderId}/collection`, { shipmentId: "s-1", collectedAt: "2026-11-21T10:00:00.000Z" })

let count = 0
async function buy(t: TestCrossdock): Promise<string> {
  const [sku = ""] = plentifulSkus(t, 1)
  return placeOrder(t, { externalId: `C-${(count += 1)}`, lines: [{ sku, count: 1, totalMinor: 2500 }] })
}

describe("an area beside the others", () => {
  let t: TestCrossdock
  beforeAll(async () => {
    t = await start({ collectWithin: { ms: 200 } })
  })

  test("its workflow asks, its own action wakes it, and what came by its own route ends it", async () => {
    const orderId = await buy(t)
    const { id, allowed } = await untilException(t, orderId, "not collected in time")
    expect(allowed).toEqual(["wait longer", "send it back"])
    await decide(t, id, "wait longer")
    expect((await collect(t, orderId)).status).toBe(202)
    await eventually("the workflow ends", async () => (await instances(t, orderId))[0]?.state === "done")
  })

  test("its action that appends an event tells it once, however often it is chosen", async () => {
    const orderId = await buy(t)
    const { id } = await untilException(t, orderId, "not collected in time")
    await decide(t, id, "send it back")
    await decide(t, id, "send it back")
    const told = await t.sql<{ data: object }[]>`
      select data from events where type = 'return.requested' and data ->> 'orderId' = ${orderId}`
    expect(told.map(({ data }) => data)).toEqual([
      expect.objectContaining({ orderId, requestedBy: expect.any(String) }),
    ])
  })

  test("an action that this version does not know is refused and decides nothing", async () => {
    const orderId = await buy(t)
    const { id } = await untilException(t, orderId, "not collected in time")
    await t.sql`update exceptions set allowed = '["wait for a miracle"]' where id = ${id}`
    const answer = await t.api("POST", `/v1/exceptions/${id}/decision`, { action: "wait for a miracle" })
    expect([answer.status, answer.body["detail"]]).toEqual([
      409,
      expect.stringContaining('does not know the action "wait for a miracle"'),
    ])
    expect(await t.sql`select state from exceptions where id = ${id}`).toEqual([{ state: "open" }])
  })
})

test("an estate without its policies does not have the area", async () => {
  const t = await start()
  const orderId = await buy(t)
  expect((await collect(t, orderId)).status).toBe(404)
  expect(await instances(t, orderId)).toEqual([])
})

test("policies that do not fit its schema stop the start, each with its pointer", async () => {
  await expect(start({ collectWithin: { weeks: 1 } })).rejects.toThrow("/policies/collections/collectWithin/weeks")
})
