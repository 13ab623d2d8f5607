import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { stripeSecretKey } from "../../lab/stripe/stripe.ts"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { heldCard, openExceptions, placeOrder, plentifulSkus, untilEnded, untilState } from "../fixtures/order-flow.ts"
import { startStubbornRelay, type StubbornRelay } from "../fixtures/servers/stubborn-relay.ts"
import { askReturn, untilReturn } from "../fixtures/shop/returned-order.ts"
import { creditsOf, deliveries, journalItems, salesOrders, shipAll } from "../fixtures/vendor-books.ts"

// Deliveries, invoices, refunds and credits whose answers were lost become the outcomes of their steps by their numbers. The systems
// refuse to be searched by our reference; nothing is ever made a second time.

let t: TestCrossdock
let erp: StubbornRelay
let provider: StubbornRelay
let sku = ""
let place = ""
let count = 0
beforeAll(async () => {
  ;[erp, provider] = [await startStubbornRelay(), await startStubbornRelay()]
  t = await startTestCrossdock({
    seed: 96,
    lab: quietWarehouse,
    estate: (estate) => {
      const { sap, stripe } = estate.connections
      if (!sap || !stripe) throw new Error("the estate lacks a connection")
      const through = <One extends { settings: unknown }>(one: One, relay: StubbornRelay): One => {
        // Both connectors have it.
        const settings = one.settings as { baseUrl: string }
        relay.aimAt(settings.baseUrl)
        return { ...one, settings: { ...settings, baseUrl: relay.url } }
      }
      const connections = { ...estate.connections, sap: through(sap, erp), stripe: through(stripe, provider) }
      return { ...estate, connections }
    },
  })
  ;[sku = ""] = plentifulSkus(t, 1)
  place = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
}, 180_000)
afterAll(async () => {
  await t?.stop()
  await Promise.all([erp?.stop(), provider?.stop()])
})
afterEach(() => {
  for (const relay of [erp, provider]) {
    relay.loses = () => false
    relay.refuses = () => false
  }
})

interface Operation {
  id: string
  hash: string
  state: string
  total: number
  done: number
  says: string[]
  refused: { why: string }[]
}
async function asked(spec: object): Promise<Operation> {
  const body = { kind: "link document", spec, reason: "a test", perSecond: 200 }
  const answer = await t.api("POST", "/v1/operations", body)
  if (answer.status !== 201) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body as unknown as Operation
}
/** The preview once no call may take effect any more. */
const previewed = (spec: object) =>
  eventually(
    `${JSON.stringify(spec)} can be looked at`,
    async () => {
      const seen = await asked(spec).catch(() => undefined)
      return seen && !seen.refused.some(({ why }) => why.includes("look again in")) ? seen : undefined
    },
    { withinMs: 60_000, seen: () => asked(spec).catch((thrown: unknown) => String(thrown)) },
  )
async function linked(spec: object): Promise<Operation> {
  const { id, hash, ...seen } = await previewed(spec)
  expect(seen).toMatchObject({ total: 1, refused: [] })
  await t.api("POST", `/v1/operations/${id}/run`, { hash })
  return eventually(
    `operation ${id} is done`,
    async () => {
      const now = (await t.api("GET", `/v1/operations/${id}`)).body as unknown as Operation
      return now.state === "done" ? now : undefined
    },
    { withinMs: 60_000 },
  )
}
const stuckAt = (about: string, name: string) =>
  eventually(
    `"${name}" of ${about} has no answer`,
    async () => {
      const rows = await t.sql<{ outcome: string }[]>`
        select outcome from workflow_steps where about = ${about} and step = ${name} and kind = 'effect'`
      return rows.some(({ outcome }) => outcome === "unknown") || undefined
    },
    { withinMs: 60_000 },
  )

const released = async () => {
  count += 1
  const tenders = [heldCard(t, 2420)]
  const id = await placeOrder(t, { externalId: `more-${count}`, lines: [{ sku, count: 2, totalMinor: 2420 }], tenders })
  await untilState(t, id, "released")
  return id
}
const entriesOf = (id: string) => [...new Set(journalItems(t, id).map(({ document }) => document))]

describe("linking", () => {
  test("a delivery: of another sales order it is refused, its own is taken, and the goods leave the books once", async () => {
    const [other, id] = [await released(), await released()]
    await shipAll(t, other)
    expect(await untilEnded(t, other)).toBe("done")
    let isPosted = false
    erp.loses = (call) => (isPosted ||= call.includes("/PostGoodsIssue")) && call.includes("/PostGoodsIssue")
    erp.refuses = (call) => isPosted && call.includes("/A_OutbDeliveryItem?")
    await shipAll(t, id)
    await stuckAt(`order/${id}`, "record delivery in ERP")
    const all = t.lab.sap.books()["deliveries"] as Record<string, unknown>[]
    const numberOf = (order: string) =>
      String(all.find((one) => one["DeliveryDocumentBySupplier"] === `${order}-d1`)?.["DeliveryDocument"])
    const wrong = await previewed({ object: id, number: numberOf(other) })
    expect(wrong.refused[0]?.why).toMatch(/it belongs to sales order \d+, not to sales order \d+/)
    const none = await previewed({ object: id, number: "99999999" })
    expect(none.refused[0]?.why).toBe("sap has no outbound delivery 99999999")
    const done = await linked({ object: id, number: numberOf(id) })
    expect(done).toMatchObject({ done: 1 })
    expect(done.says.join()).toContain(`is as it was asked: goods issue posted, of sales order`)
    expect(await untilEnded(t, id)).toBe("done")
    expect(deliveries(t, salesOrders(t, id)[0]?.number ?? "")).toHaveLength(1)
    expect(await openExceptions(t, id)).toEqual([])
  })

  test("an invoice: of another order it is refused, its own is taken, and the ledger has it once", async () => {
    const [other, id] = [await released(), await released()]
    await shipAll(t, other)
    expect(await untilEnded(t, other)).toBe("done")
    erp.loses = (call) => call.startsWith("POST ") && call.includes("/journalentrycreate")
    erp.refuses = (call) => call.includes("DocumentReferenceID eq")
    await shipAll(t, id)
    await stuckAt(`order/${id}`, "post invoice")
    const [number = ""] = entriesOf(id)
    const wrong = await previewed({ object: id, number: entriesOf(other)[0] })
    expect(wrong.refused[0]?.why).toContain("it is assigned to another order")
    const done = await linked({ object: id, number })
    expect(done.says.join()).toContain("24.20 EUR")
    erp.loses = () => false
    expect(await untilEnded(t, id)).toBe("done")
    expect(entriesOf(id)).toEqual([number])
    const { body } = await t.api("GET", `/v1/orders/${id}/account`)
    expect((body["documents"] as unknown as { id: string }[]).some((one) => one.id === number)).toBe(true)
  })

  test("a refund and its credit, of a return: money goes back once and the books have it once", async () => {
    const id = await released()
    await shipAll(t, id)
    expect(await untilEnded(t, id)).toBe("done")
    provider.loses = (call) => call === "POST /v1/refunds"
    provider.refuses = (call) => call.startsWith("GET /v1/refunds?")
    const disposition = "sell here"
    const takenOver = {
      locationId: place,
      lines: [{ lineId: "L1", quantity: { milli: 1000, unit: "ea" }, disposition }],
    }
    const { returnId } = await askReturn(t, { orderId: id, reference: "1", how: "bring to a store", takenOver })
    const object = `return/${returnId}`
    await stuckAt(object, "give money back")
    const refunds = () => t.lab.stripe.books()["refunds"] as { id: string; amount: number; metadata: object }[]
    const ours = refunds().filter(({ metadata }) => JSON.stringify(metadata).includes(returnId))
    expect(ours).toHaveLength(1)
    // Somebody gives the same back by hand, of another payment: that is not what was asked.
    const intent = (t.lab.stripe.books()["paymentIntents"] as { id: string; status: string }[]).find(
      ({ id: one, status }) => status === "succeeded" && !JSON.stringify(ours).includes(one),
    )
    const made = await fetch(`${t.lab.stripe.url}/v1/refunds`, {
      method: "POST",
      headers: { authorization: `Bearer ${stripeSecretKey}` },
      body: new URLSearchParams({ payment_intent: intent?.id ?? "", amount: "100" }),
    })
    const byHand = (await made.json()) as { id: string }
    const wrong = await previewed({ object, number: byHand.id })
    expect(wrong.refused[0]?.why).toMatch(/it belongs to payment pi_\w+, not to payment pi_/)
    erp.loses = (call) => call.startsWith("POST ") && call.includes("/journalentrycreate")
    erp.refuses = (call) => call.includes("DocumentReferenceID eq")
    const before = entriesOf(id)
    expect(await linked({ object, number: ours[0]?.id })).toMatchObject({ done: 1 })
    await stuckAt(object, "post credit in ERP")
    const [credit = ""] = entriesOf(id).filter((one) => !before.includes(one))
    expect(await linked({ object, number: credit })).toMatchObject({ done: 1 })
    const now = await untilReturn(t, returnId, { state: "closed" })
    expect(now).toMatchObject({ money: "given back", books: "credited", givenBack: { amountMinor: 1210 } })
    expect(refunds().filter(({ metadata }) => JSON.stringify(metadata).includes(returnId))).toHaveLength(1)
    expect(creditsOf(t, id)).toHaveLength(1)
  })
})
