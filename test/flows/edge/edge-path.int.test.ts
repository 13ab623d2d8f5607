import { afterAll, beforeAll, expect, test } from "vitest"
import { quietWarehouse, startTestCrossdock, eventually, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { startEdgeProcess, storeKey, type EdgeProcess } from "../../fixtures/sales/edge.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// The agent of a store as a process of its own, killed at any moment, with a real centre.

let t: TestCrossdock
let storeId = ""
let key = ""
const agents: EdgeProcess[] = []

beforeAll(async () => {
  t = await startTestCrossdock({ seed: 93, lab: quietWarehouse })
  storeId = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
  key = await storeKey(t, storeId)
})
afterAll(async () => {
  for (const agent of agents) await agent.remove()
  await t?.stop()
})

async function agentOf(more: { centreUrl?: string; folder?: string } = {}): Promise<EdgeProcess> {
  const agent = await startEdgeProcess({ storeId, key, centreUrl: t.gatewayUrl, ...more })
  agents.push(agent)
  return agent
}

const centre = async (tillId: string) => {
  const rows = await t.sql<{ sequence: number; standing: string }[]>`
    select sequence, standing from receipts where store_id = ${storeId} and till_id = ${tillId} order by sequence, standing`
  return rows.map(({ sequence, standing }) => `${sequence} ${standing}`)
}
const sale = (tillId: string, sequence: number, more: object = {}) =>
  saleReceipt({ storeId, tillId, sequence, businessDay: "2026-11-20", ...more })

test("a receipt is kept before the till hears of it, goes to the centre, and the same receipt again is the same", async () => {
  const agent = await agentOf()
  const [first] = await agent.sell([sale("1", 1)])
  expect(first).toMatchObject({ outcome: "accepted", businessDay: "2026-11-20" })
  expect(await agent.sell([sale("1", 1)])).toMatchObject([{ outcome: "same as before", digest: first?.digest }])
  await eventually("the centre has it", async () => (await centre("1")).length > 0)
  const { body } = await t.api("GET", `/v1/sales?storeId=${storeId}&tillId=1&sequence=1`)
  expect(body.items).toMatchObject([{ digest: first?.digest, standing: "recorded" }])
  const status = await eventually("it is marked", async () => {
    const now = await agent.status()
    return now.outstanding === 0 && now
  })
  expect(status).toMatchObject({ isWell: true, storeId, tills: [{ tillId: "1", lastSequence: 1 }] })
})

test("a number with other content, a receipt that does not add up and one that cannot be read are all kept, and the till is told", async () => {
  const agent = await agentOf()
  const told = await agent.sell([
    sale("2", 1),
    sale("2", 1, { cashier: "other" }),
    { ...sale("2", 2), tenders: [{ kind: "cash", amountMinor: 1 }] },
    { ...sale("2", 3), currency: "doubloons" },
    "no receipt at all",
  ])
  expect(told).toMatchObject([
    { outcome: "accepted" },
    { outcome: "conflict", firstDigest: told[0]?.digest },
    { outcome: "parked", problems: [{}] },
    { outcome: "kept", problems: [{ pointer: "/currency" }] },
    { outcome: "kept" },
  ])
  await eventually("the centre has what it can read", async () => (await centre("2")).length === 3, {
    seen: () => centre("2"),
  })
  expect(await centre("2")).toEqual(["1 conflicting", "1 recorded", "2 parked"])
  await eventually("the rest is counted", async () => (await agent.status()).refused === 2, { seen: agent.status })
  expect(await agent.verify()).toEqual({ entries: 5, pruned: 0, breaks: [] })
})

test("an agent that is killed while it takes and sends loses and doubles nothing that it answered", async () => {
  let agent = await agentOf()
  const answered: number[] = []
  for (let round = 0; round < 4; round += 1) {
    const from = round * 100
    const selling = Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const sequence = from + n + 1
        const told = await agent.sell([sale("3", sequence)]).catch(() => undefined)
        if (told) answered.push(sequence)
      }),
    )
    await new Promise((resolve) => setTimeout(resolve, 30 + round * 40))
    await agent.kill()
    await selling
    agent = await agentOf({ folder: agent.folder })
  }
  // The till sends again what got no answer.
  for (let at = 0; at < 400; at += 100) await agent.sell(Array.from({ length: 100 }, (_, n) => sale("3", at + n + 1)))
  await eventually("the centre has all", async () => (await centre("3")).length === 400)
  expect(await centre("3")).toEqual(Array.from({ length: 400 }, (_, n) => `${n + 1} recorded`))
  expect(await agent.verify()).toEqual({ entries: 400, pruned: 0, breaks: [] })
}, 120_000)
