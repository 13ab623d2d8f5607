import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { newEvent } from "../../src/canonical/events.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import { newestVersion } from "../../src/gateway/phases/versions.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import {
  cancelOrder,
  ledgerOf,
  openExceptions,
  placeOrder,
  plentifulSkus,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { runCommand } from "../fixtures/readers/command.ts"
import { startStubbornRelay, type StubbornRelay } from "../fixtures/servers/stubborn-relay.ts"
import { journalItems, salesOrders, shipAll } from "../fixtures/vendor-books.ts"

// A document that exists in the ERP becomes the outcome of a booking whose answer was lost, or that somebody made by hand. The ERP
// refuses to be searched by our reference, as a user without that right meets it; nothing is ever booked twice.

let t: TestCrossdock
let relay: StubbornRelay
let sku = ""
let others = ""
let sapUser = { user: "", password: "" }
beforeAll(async () => {
  relay = await startStubbornRelay()
  t = await startTestCrossdock({
    seed: 91,
    lab: quietWarehouse,
    estate: (estate) => {
      const { sap } = estate.connections
      if (!sap) throw new Error("the estate has no ERP")
      const settings = sap.settings as { baseUrl: string; user: string; password: string }
      sapUser = settings
      relay.aimAt(settings.baseUrl)
      const connections = { ...estate.connections, sap: { ...sap, settings: { ...settings, baseUrl: relay.url } } }
      return { ...estate, connections }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
  const { consumers, access } = t.crossdock
  const of = { owner: "operations", ratePerSecond: 5000, burst: 10_000, apiVersion: newestVersion }
  await consumers.put({ id: "approver", name: "Another person", scopes: ["*"], ...of })
  const { key } = await consumers.addKey("approver")
  await access.refresh()
  others = key
}, 60_000)
afterAll(async () => {
  await t?.stop()
  await relay?.stop()
})
afterEach(async () => {
  await t.api("POST", "/v1/connections/sap/resume", {})
  t.lab.sap.setFaults({})
  relay.loses = () => false
  relay.refuses = () => false
  relay.holds = () => undefined
})

const creates = (call: string) => call.startsWith("POST ") && call.endsWith("/A_SalesOrder")
const searches = (call: string) =>
  call.startsWith("GET ") && call.includes("/A_SalesOrder?$filter=PurchaseOrderByCustomer")
const reads = (call: string) => call.startsWith("GET ") && call.includes("/A_SalesOrder(")

interface Operation {
  id: string
  hash: string
  state: string
  total: number
  done: number
  skipped: number
  says: string[]
  refused: { id: string; why: string }[]
  needsApproval?: string
}

async function asked(
  spec: object,
): Promise<{ status: number; body: Operation & { problems?: { pointer: string; message: string }[] } }> {
  const answer = await t.api("POST", "/v1/operations", {
    kind: "link document",
    spec,
    reason: "a test",
    perSecond: 200,
  })
  return answer as never
}
async function preview(spec: object): Promise<Operation> {
  const { status, body } = await asked(spec)
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body
}
const look = async (id: string) => (await t.api("GET", `/v1/operations/${id}`)).body as unknown as Operation
const untilDone = (id: string) =>
  eventually(
    `operation ${id} is done`,
    async () => {
      const now = await look(id)
      return now.state === "done" ? now : undefined
    },
    { withinMs: 60_000, seen: () => look(id) },
  )
async function carriedOut({ id, hash }: Operation): Promise<Operation> {
  const { status, body } = await t.api("POST", `/v1/operations/${id}/run`, { hash })
  if (status !== 200) throw new Error(JSON.stringify(body))
  return untilDone(id)
}
/** As if the worker had died after the change and before its note. */
async function carriedOutAgain({ id }: Operation): Promise<Operation> {
  await t.sql`update bulk_members set outcome = null, reason = null where operation = ${id}`
  await t.sql`update bulk_operations set state = 'running', ended_at = null where id = ${id}`
  return untilDone(id)
}
const whyOf = async ({ id }: Operation) =>
  ((await t.api("GET", `/v1/operations/${id}/members`)).body["items"] as unknown as { reason: string | null }[])[0]
    ?.reason

let count = 0
const place = (totalMinor = 1210) => {
  count += 1
  return placeOrder(t, { externalId: `link-${count}`, lines: [{ sku, count: 1, totalMinor }] })
}

/** An order that the ERP has booked, whose answer was lost and whose look-up is refused. */
async function stuck(totalMinor?: number): Promise<{ id: string; number: string }> {
  relay.loses = creates
  relay.refuses = searches
  const id = await place(totalMinor)
  await untilException(t, id, "VENDOR_REJECTED")
  relay.loses = () => false
  const [booked] = salesOrders(t, id)
  if (!booked) throw new Error("the ERP has no order")
  // A call may take effect until it is settled; nothing is linked before.
  await eventually(
    "it is settled",
    async () => (await asked({ object: id, number: "0" })).body.refused?.[0]?.why.includes("has no") ?? false,
    {
      withinMs: 60_000,
      seen: () => asked({ object: id, number: "0" }),
    },
  )
  return { id, number: booked.number }
}

const links = (id: string) => t.sql`select 1 from events where type = 'effect.linked' and key = ${`order/${id}`}`
const booking = async (id: string) => (await ledgerOf(t, id)).find(({ step }) => step === "book order in ERP")

/** A sales order of the same goods that somebody types in by hand, under no reference of ours. */
async function bookedByHand(orderId: string): Promise<string> {
  const bodies = relay.sent.filter(({ call, body }) => creates(call) && body.includes(orderId))
  const body = JSON.parse(bodies.at(-1)?.body ?? "{}") as Record<string, unknown>
  const service = `${t.lab.sap.url}/sap/opu/odata/sap/API_SALES_ORDER_SRV`
  const authorization = `Basic ${Buffer.from(`${sapUser.user}:${sapUser.password}`).toString("base64")}`
  const session = await fetch(`${service}/`, { headers: { authorization, "x-csrf-token": "Fetch" } })
  const answer = await fetch(`${service}/A_SalesOrder`, {
    method: "POST",
    headers: {
      authorization,
      accept: "application/json",
      "content-type": "application/json",
      "x-csrf-token": session.headers.get("x-csrf-token") ?? "",
      cookie: session.headers.getSetCookie().join("; "),
    },
    body: JSON.stringify({ ...body, PurchaseOrderByCustomer: "by hand" }),
  })
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { d: { SalesOrder: string } }).d.SalesOrder
}

describe("linking a document", () => {
  test("a booking whose answer got lost goes on with the document that the person names, ships, and the books tie out", async () => {
    const { id, number } = await stuck()
    const wrongSystem = await asked({ object: id, number, system: "stripe" })
    expect(wrongSystem.status).toBe(422)
    expect(wrongSystem.body.problems).toEqual([
      { pointer: "/spec/system", message: 'is not where a document is missing; that is "book order in ERP" at sap' },
    ])
    expect((await asked({ object: "ord_0000000000000000", number })).body.problems?.[0]?.pointer).toBe("/spec/object")
    expect((await asked({ object: id, number, step: "pack" })).body.problems?.[0]?.pointer).toBe("/spec/step")
    const unknown = await preview({ object: id, number: "99999999" })
    expect(unknown).toMatchObject({ total: 0, refused: [{ why: "sap has no sales order 99999999" }] })

    const before = await preview({ object: id, number })
    expect(before).toMatchObject({ total: 1, refused: [] })
    expect(before.says.join()).toContain(
      `sales order ${number} of sap is as it was asked: open, 12.10 EUR, reference ${id}`,
    )
    expect(await links(id)).toHaveLength(0)
    expect(await carriedOut(before)).toMatchObject({ done: 1, skipped: 0 })
    await untilState(t, id, "released")
    expect(await booking(id)).toMatchObject({ outcome: "done" })
    expect((await openExceptions(t, id)).map(({ cause }) => cause)).toEqual([])
    await shipAll(t, id)
    expect(await untilEnded(t, id)).toBe("done")
    expect(salesOrders(t, id)).toHaveLength(1)
    expect(journalItems(t, id).reduce((sum, { amountMinor }) => sum + amountMinor, 0)).toBe(0)
    const { body } = await t.api("GET", `/v1/orders/${id}/account`)
    expect((body["documents"] as unknown as { id: string }[]).some((one) => one.id === number)).toBe(true)
    const audit = await t.sql`select actor from audit_log where subject = ${`operation ${before.id}`}`
    expect(audit.length).toBeGreaterThanOrEqual(2)
  })

  test("is once, whoever repeats it: a worker that died before its note, a second operation, one at the same time", async () => {
    const { id, number } = await stuck()
    const [first, second, before] = [
      await preview({ object: id, number }),
      await preview({ object: id, number }),
      await preview({ object: id, number }),
    ]
    expect(await Promise.all([carriedOut(first), carriedOut(second)])).toMatchObject([{ done: 1 }, { done: 1 }])
    await untilState(t, id, "released")
    expect(await carriedOut(before)).toMatchObject({ done: 1 })
    expect(await carriedOutAgain(first)).toMatchObject({ done: 1, skipped: 0 })
    expect(await links(id)).toHaveLength(1)
    expect(salesOrders(t, id)).toHaveLength(1)
    const again = await asked({ object: id, number })
    expect(again.body.problems?.[0]?.message).toContain("each has its outcome")
  })

  test("a document of another order is refused, and of two orders that take one at the same time one gets it", async () => {
    const [one, other] = [await stuck(), await stuck()]
    const despite = "the references were mixed up"
    const others = await preview({ object: other.id, number: one.number, despite })
    expect(others.refused[0]?.why).toContain(`it carries the reference of order ${one.id}`)
    const number = await bookedByHand(one.id)
    const [mine, theirs] = [
      await preview({ object: one.id, number, despite }),
      await preview({ object: other.id, number, despite }),
    ]
    const ended = await Promise.all([carriedOut(mine), carriedOut(theirs)])
    expect(ended.map(({ done }) => done).sort()).toEqual([0, 1])
    const winner = ended[0]?.done === 1 ? one : other
    const loser = winner === one ? other : one
    expect(await whyOf(winner === one ? theirs : mine)).toContain(`order/${winner.id}`)
    await untilState(t, winner.id, "released")
    const late = await preview({ object: loser.id, number, despite })
    expect(late.refused[0]?.why).toContain(`is a document of order/${winner.id} already`)
  })

  test("of two documents for one step the first counts", async () => {
    const { id, number } = await stuck()
    const byHand = await bookedByHand(id)
    const [right, wrong] = [
      await preview({ object: id, number }),
      await preview({ object: id, number: byHand, despite: "typed in" }),
    ]
    const ended = await Promise.all([carriedOut(right), carriedOut(wrong)])
    expect(ended.map(({ done }) => done).sort()).toEqual([0, 1])
    await untilState(t, id, "released")
    expect(await links(id)).toHaveLength(1)
  })

  test("what differs is named, refuses, and is linked only with a reason", async () => {
    const { id } = await stuck()
    relay.refuses = searches
    const byHand = await bookedByHand(id)
    const refused = await preview({ object: id, number: byHand })
    expect(refused.total).toBe(0)
    expect(refused.refused[0]?.why).toContain(`its reference is by hand, not ${id}`)
    const linked = await preview({ object: id, number: byHand, despite: "typed in while the line was down" })
    expect(linked.says).toContain("Linked all the same: typed in while the line was down.")
    expect(await carriedOut(linked)).toMatchObject({ done: 1 })
    await untilState(t, id, "released")
  })

  test("an ERP that refuses to show the document leaves it to the person, who says why", async () => {
    const { id, number } = await stuck()
    relay.refuses = (call) => searches(call) || reads(call)
    const refused = await preview({ object: id, number })
    expect(refused.refused[0]?.why).toContain("sap refuses to be asked, so nothing is compared")
    const despite = "despite=seen in the ERP's own screen"
    const spec = [`object=${id}`, `number=${number}`, despite]
    const planned = await runCommand(t, ["operations", "preview", "link", "document", ...spec, "--reason", "a test"])
    const [operation = ""] = /op_[0-9a-z]+/.exec(planned.text) ?? []
    expect(planned.text).toContain("Linked all the same: seen in the ERP's own screen.")
    expect((await runCommand(t, ["operations", "run", operation])).code).toBe(0)
    expect(await untilDone(operation)).toMatchObject({ done: 1 })
    await untilState(t, id, "released")
    expect(salesOrders(t, id)).toHaveLength(1)
  })

  test("a refused booking that somebody made by hand: the question closes, and a cancellation takes that document back", async () => {
    relay.refuses = creates
    const id = await place()
    await untilException(t, id, "book order")
    relay.refuses = () => false
    const byHand = await bookedByHand(id)
    const linked = await preview({ object: id, number: byHand, despite: "typed in" })
    expect(await carriedOut(linked)).toMatchObject({ done: 1 })
    await untilState(t, id, "released")
    expect(await openExceptions(t, id)).toEqual([])
    await cancelOrder(t, id)
    await untilEnded(t, id)
    const booked = salesOrders(t).find((order) => order.number === byHand)
    expect(booked?.isActive).toBe(false)
    expect(salesOrders(t, id)).toEqual([])
  })

  test("who books by hand while the ERP is paused links that, and nothing is booked a second time when it resumes", async () => {
    t.lab.sap.setFaults({ operations: { createSalesOrder: { rate429: 1 } } })
    const id = await place()
    await eventually(
      "the booking is tried again by itself",
      async () => (await booking(id))?.outcome === "retryable" || undefined,
      { withinMs: 60_000, seen: () => booking(id) },
    )
    await t.api("POST", "/v1/connections/sap/pause", { reason: "booked by hand" })
    t.lab.sap.setFaults({})
    const before = salesOrders(t).length
    const byHand = await bookedByHand(id)
    // The workflow may still be noting that it waits; who is told that it moved looks again.
    await eventually(
      "the document is linked",
      async () =>
        (await carriedOut(await preview({ object: id, number: byHand, despite: "typed in" }))).done === 1 || undefined,
      { withinMs: 60_000, seen: () => booking(id) },
    )
    await t.api("POST", "/v1/connections/sap/resume", {})
    await untilState(t, id, "released")
    expect(salesOrders(t)).toHaveLength(before + 1)
  })

  test("a workflow that moves while the ERP takes its time to show the document keeps what it has", async () => {
    const { id, number } = await stuck()
    const before = await preview({ object: id, number })
    relay.refuses = () => false
    relay.holds = (call) => (reads(call) && call.includes(number) ? untilState(t, id, "released") : undefined)
    expect(await carriedOut(before)).toMatchObject({ done: 0, skipped: 1 })
    expect(await links(id)).toHaveLength(0)
    expect(salesOrders(t, id)).toHaveLength(1)
  })

  test("a step that got its outcome since the preview is left", async () => {
    const { id, number } = await stuck()
    const before = await preview({ object: id, number })
    relay.refuses = () => false
    await untilState(t, id, "released")
    expect(await carriedOut(before)).toMatchObject({ done: 0, skipped: 1 })
    expect(await links(id)).toHaveLength(0)
    expect(salesOrders(t, id)).toHaveLength(1)
  })

  test("a step that got a document of its own in the same moment keeps it, and people are told of the other one", async () => {
    const id = await place()
    await untilState(t, id, "released")
    const about = `order/${id}` as const
    const log = new EventLog(t.sql, () => ({ starts: [], signals: [{ workflow: "fulfil order", about }] }))
    await log.append(
      newEvent({
        type: "effect.linked",
        fact: "linked by a test",
        source: "crossdock:operations",
        time: new Date().toISOString(),
        data: {
          about,
          workflow: "fulfil order",
          step: "book order in ERP",
          document: { system: "sap", type: "sales order", id: "0815" },
          output: JSON.stringify({ documentNumber: "0815" }),
          linkedBy: "somebody",
          reason: "a test",
          at: new Date().toISOString(),
        },
      }),
    )
    const told = await untilException(t, id, "linked document is another")
    expect(told.summary).toContain("while a person linked sales order 0815. Both exist.")
    await shipAll(t, id)
    expect(await untilEnded(t, id)).toBe("done")
  })

  test("what the order is worth is at risk, however little the document is worth", async () => {
    const [dear, cheap] = [await stuck(1_300_000), await stuck()]
    const byHand = await bookedByHand(cheap.id)
    const before = await preview({ object: dear.id, number: byHand, despite: "a test" })
    expect(before.needsApproval).toContain("13000")
  })

  test("much money needs another person", async () => {
    const { id, number } = await stuck(1_300_000)
    const before = await preview({ object: id, number })
    expect(before.needsApproval).toContain("13000")
    const { body } = await t.api("POST", `/v1/operations/${before.id}/run`, { hash: before.hash })
    expect(body).toMatchObject({ state: "waiting for approval" })
    expect((await t.api("POST", `/v1/operations/${before.id}/approval`, { hash: before.hash })).status).toBe(403)
    const approved = await fetch(`${t.gatewayUrl}/v1/operations/${before.id}/approval`, {
      method: "POST",
      headers: { authorization: `Bearer ${others}`, "content-type": "application/json" },
      body: JSON.stringify({ hash: before.hash }),
    })
    expect(approved.status).toBe(200)
    expect(await untilDone(before.id)).toMatchObject({ done: 1 })
    await untilState(t, id, "released")
  })
})
