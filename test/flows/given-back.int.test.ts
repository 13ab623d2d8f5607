import { afterAll, afterEach, beforeAll, expect, test } from "vitest"
import { AppError } from "../../src/base/errors.ts"
import { derivedId } from "../../src/base/ids.ts"
import { money } from "../../src/base/money.ts"
import { newEvent } from "../../src/canonical/events.ts"
import { performEffect } from "../../src/effects/perform.ts"
import { EventLog } from "../../src/eventlog/event-log.ts"
import { OrderAccounts } from "../../src/orders/accounts.ts"
import { claimsRefunds } from "../../src/orders/claims-refunds.ts"
import { noted } from "../../src/orders/entries.ts"
import type { AccountView } from "../../src/orders/account-view.ts"
import type { ClaimsRefunds } from "../../src/ports/capabilities/accounts.ts"
import { control, eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { freshDatabase } from "../fixtures/database.ts"
import { durableBench, holdClock, routedWrite, testWorkflow, vendorConnection } from "../fixtures/ledger/vendor.ts"
import {
  cancelOrder,
  decide,
  heldCard,
  openExceptions,
  placeOrder,
  splitNeed,
  untilEnded,
  untilException,
  untilState,
} from "../fixtures/order-flow.ts"
import { withObjections, type Refusals } from "../fixtures/refusals.ts"
import { payment, shipmentRequests } from "../fixtures/vendor-books.ts"

const refusals: Refusals = new Set()
let t: TestCrossdock
beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 31,
    lab: quietWarehouse,
    estate: (estate) =>
      withObjections(estate, (operation) =>
        refusals.has(operation) ? new AppError("VENDOR_REJECTED", `refused by the test`) : undefined,
      ),
  })
})
afterAll(() => t?.stop())
afterEach(() => refusals.clear())

const takenMinor = 4000
let count = 0

/** An order of two parcels that is paid in full with the first one; the second can still be stopped. */
async function halfShipped(): Promise<{ orderId: string; paymentId: string; tenderId: string }> {
  const tender = heldCard(t, takenMinor)
  const line = { id: "L1", ...(await splitNeed(t)), totalMinor: takenMinor }
  const externalId = `given-back-${(count += 1)}`
  const orderId = await placeOrder(t, {
    externalId,
    email: `${externalId}@shop.example`,
    lines: [line],
    tenders: [tender],
  })
  await untilState(t, orderId, "released")
  const [parcel] = shipmentRequests(t, orderId)
  await control(t.lab.warehouse, `shipment-requests/${parcel?.requestId}/ship`, {})
  const paymentId = tender.reference ?? ""
  await eventually("all of it is taken", async () => {
    const [tender] = (await accountOf(orderId)).tenders
    return payment(t, paymentId).amount_received === takenMinor && tender?.taken.amountMinor === takenMinor
  })
  return { orderId, paymentId, tenderId: tender.id }
}

async function accountOf(orderId: string): Promise<AccountView> {
  const { status, body } = await t.api("GET", `/v1/orders/${orderId}/account`)
  expect(status).toBe(200)
  return body as unknown as AccountView
}

function refundsOf(paymentId: string): number[] {
  const refunds = t.lab.stripe.books()["refunds"] as { payment_intent: string; amount: number }[]
  return refunds.filter((refund) => refund.payment_intent === paymentId).map(({ amount }) => amount)
}

test("what somebody else gives back first is not given back again, and the refusal says what and who", async () => {
  const { orderId, paymentId, tenderId } = await halfShipped()
  const accounts = new OrderAccounts(t.sql)
  const byHand = { orderId, tenderId, amount: money(3900, "EUR"), keptMinor: 0, by: "m.keller@example.com" }
  expect((await accounts.claimRefund(byHand, "by hand")).granted).toBe(true)
  await cancelOrder(t, orderId)
  const open = await untilException(t, orderId, "refund is not covered")
  expect(open).toMatchObject({ owner: "finance", allowed: ["retry", "leave it"] })
  expect(open.summary).toMatch(/40\.00 EUR taken; refunded: 39\.00 EUR by m\.keller@example\.com \(under way\)/)
  expect(refundsOf(paymentId)).toEqual([])
  expect((await accountOf(orderId)).openClaims).toMatchObject([{ by: "m.keller@example.com", amount: 3900 }])
  // They did not do it after all.
  await accounts.release(orderId, "by hand")
  await decide(t, open.id, "retry")
  expect(await untilEnded(t, orderId)).toBe("done")
  const [backMinor = 0] = refundsOf(paymentId)
  expect(backMinor).toBeGreaterThan(0)
  expect(await openExceptions(t, orderId)).toEqual([])
})

test("a claim outlives a restart between it and the refund, is settled once, and the provider's own news of it is an echo", async () => {
  const { orderId, paymentId } = await halfShipped()
  refusals.add("refundsPayments.refund")
  await cancelOrder(t, orderId)
  const open = await untilException(t, orderId, "give money back")
  expect((await accountOf(orderId)).openClaims).toHaveLength(1)
  await t.restart()
  refusals.clear()
  await decide(t, open.id, "retry")
  expect(await untilEnded(t, orderId)).toBe("done")
  const [backMinor = 0, ...more] = refundsOf(paymentId)
  expect(more).toEqual([])
  await eventually("Stripe has told of it", async () => {
    const [tender] = (await accountOf(orderId)).tenders
    return tender?.refunds[0]?.toldBy.some((mark) => mark.startsWith("stripe ")) ?? false
  })
  const account = await accountOf(orderId)
  expect(account.openClaims).toEqual([])
  expect(account.tenders).toMatchObject([
    {
      held: { amountMinor: 0 },
      taken: { amountMinor: takenMinor },
      givenBack: { amountMinor: backMinor },
      refunds: [{ by: "crossdock", state: "settled", amount: { amountMinor: backMinor } }],
    },
  ])
  const [line] = account.lines
  expect(line).toMatchObject({ allocatedMilli: 0, returnedMilli: 0 })
  expect((line?.shippedMilli ?? 0) + (line?.cancelledMilli ?? 0)).toBe(line?.orderedMilli)
  expect(account.documents.map(({ type }) => type)).toContain("invoice")
  const rebuilt = await t.api("POST", `/v1/orders/${orderId}/account/rebuild`, {})
  expect(rebuilt).toMatchObject({ status: 200, body: { isChanged: false } })
})

test("a refund that a person leaves alone is claimed no more", async () => {
  const { orderId, paymentId } = await halfShipped()
  refusals.add("refundsPayments.refund")
  await cancelOrder(t, orderId)
  const open = await untilException(t, orderId, "give money back")
  await decide(t, open.id, "leave it")
  expect(await untilEnded(t, orderId)).toBe("done")
  const { openClaims, tenders } = await accountOf(orderId)
  expect(openClaims).toEqual([])
  expect(tenders[0]?.refunds.map(({ state }) => state)).toEqual(["released"])
  expect(refundsOf(paymentId)).toEqual([])
})

test("a worker that is killed between a claim and its answer leaves one claim, which the same step takes up again", async () => {
  holdClock()
  const database = await freshDatabase()
  const orderId = derivedId("ord", "killed")
  const accounts = new OrderAccounts(database.sql)
  const log = new EventLog(database.sql, (event) => ({ starts: [], signals: [], ...noted(event) }))
  const at = "2026-11-20T10:00:00.000Z"
  const data = { orderId, tenderId: "t1", amount: money(100, "EUR"), by: "stripe", at }
  await log.append(newEvent({ type: "payment.captured", fact: "captured", source: "test", time: at, data }))
  const bench = durableBench(database.sql)
  const own = claimsRefunds(accounts)
  const stepOf = (claim: ClaimsRefunds["claim"]) => ({
    kind: "effect" as const,
    step: "claim refund",
    part: "t1",
    target: routedWrite(vendorConnection(database.sql), claim),
    input: { orderId, tenderId: "t1", amount: money(80, "EUR"), keptMinor: 0, by: "crossdock" },
    businessKey: "rf_killed",
    lane: "finance" as const,
  })
  await bench.start(orderId)
  const workflow = testWorkflow({ steps: ["claim refund"] })
  let isClaimed = false
  const dies: ClaimsRefunds["claim"] = {
    ...own.claim,
    send: async (input, call) => {
      await own.claim.send(input, call)
      isClaimed = true
      return new Promise(() => undefined)
    },
  }
  performEffect(await bench.run(orderId, workflow), stepOf(dies)).catch(() => undefined)
  await eventually("it was claimed", () => isClaimed)
  await bench.passTime(10_000)
  const answer = await performEffect(await bench.run(orderId, workflow), stepOf(own.claim))
  expect(answer.granted).toBe(true)
  expect((await accounts.read(orderId)).claims).toMatchObject([{ key: "rf_killed", state: "open", amount: 80 }])
  await database.drop()
})
