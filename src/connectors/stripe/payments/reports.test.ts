import { describe, expect, test } from "vitest"
import { money } from "../../../base/money.ts"
import type { Delivery } from "../../../ports/capabilities/intake.ts"
import { translateStripeEvent } from "../to-canonical.ts"

const orderId = "ord_0123456789abcdef"
const created = 1_795_000_000

function told(type: string, object: Record<string, unknown>) {
  const bytes = new TextEncoder().encode(
    JSON.stringify({ id: "evt_1", object: "event", created, type, data: { object } }),
  )
  const delivery: Delivery = {
    connection: "stripe-eu",
    via: "webhook",
    headers: {},
    bytes,
    receivedAt: "2026-11-18T23:06:40.000Z",
  }
  return translateStripeEvent(delivery)
}

const refund = (more: Record<string, unknown>) => {
  return {
    id: "re_1",
    object: "refund",
    amount: 500,
    currency: "usd",
    status: "succeeded",
    payment_intent: "pi_1",
    ...more,
  }
}
const ours = { metadata: { crossdock_order: orderId, crossdock_key: "rf_1" } }

describe("refunds", () => {
  test("P-35: a refund of ours comes back with its claim, and a failed one says so", () => {
    expect(told("refund.created", refund(ours)).events).toMatchObject([
      {
        type: "payment.refund-reported",
        fact: "stripe-eu:refund:re_1:succeeded",
        data: { orderId, refundId: "re_1", claim: "rf_1", amount: money(500, "USD"), state: "succeeded" },
      },
    ])
    const failed = refund({ ...ours, status: "failed", failure_reason: "lost_or_stolen_card" })
    expect(told("refund.failed", failed).events).toMatchObject([
      { data: { state: "failed", reason: "lost_or_stolen_card" } },
    ])
  })

  test("P-35: a status that Stripe adds later waits for a person; without a status the event decides", () => {
    const state = (type: string, status: string | null) => told(type, refund({ ...ours, status })).events[0]?.data
    expect(() => state("refund.updated", "brand_new")).toThrow(/no status of a refund/)
    expect(() => state("refund.updated", "constructor")).toThrow(/no status of a refund/)
    expect(state("refund.failed", null)).toMatchObject({ state: "failed" })
    const dispute = {
      id: "dp_1",
      object: "dispute",
      amount: 500,
      currency: "usd",
      charge: "ch_1",
      payment_intent: "pi_1",
    }
    const closed = (status: string) => told("charge.dispute.closed", { ...dispute, status, reason: "general" })
    expect(() => closed("brand_new")).toThrow(/no status of a closed dispute/)
  })

  test("P-35: a refund by hand is told by the number of its payment", () => {
    expect(told("refund.created", refund({ metadata: {} })).events).toMatchObject([
      {
        type: "payment.reported",
        fact: "stripe-eu:refund:re_1:succeeded",
        data: {
          payment: { system: "stripe-eu", type: "payment", id: "pi_1" },
          report: { what: "refund", id: "re_1", amount: money(500, "USD"), state: "succeeded" },
        },
      },
    ])
  })

  test.each([
    ["no payment intent, as of an old charge", { payment_intent: null, charge: "ch_1" }, "ch_1"],
    ["an expanded payment intent", { payment_intent: { id: "pi_2", amount: 1 } }, "pi_2"],
    [
      "nulls and fields nobody knows",
      { metadata: null, failure_reason: null, next_action: null, novelty: { a: [1] } },
      "pi_1",
    ],
  ])("P-35: a refund with %s is heard", (_what, more, paymentId) => {
    expect(told("refund.updated", refund(more)).events).toMatchObject([{ data: { payment: { id: paymentId } } }])
  })

  test.each(["pending", "requires_action", null])(
    "P-35: a refund whose status is %s is pending: no money has come anywhere",
    (status) => {
      const [fact] = told("refund.updated", refund({ ...ours, status })).events
      expect(fact).toMatchObject({ data: { state: "pending" } })
    },
  )
})

describe("disputes", () => {
  const dispute = (more: Record<string, unknown> = {}) => {
    const base = {
      id: "dp_1",
      object: "dispute",
      amount: 2000,
      currency: "eur",
      reason: "fraudulent",
      status: "needs_response",
    }
    return { ...base, payment_intent: "pi_1", charge: "ch_1", evidence_details: { due_by: created + 86_400 }, ...more }
  }

  test.each([
    ["charge.dispute.created", "needs_response", "opened"],
    ["charge.dispute.created", "warning_needs_response", "opened"],
    ["charge.dispute.funds_withdrawn", "needs_response", "withdrawn"],
    ["charge.dispute.funds_reinstated", "won", "returned"],
    ["charge.dispute.closed", "won", "won"],
    ["charge.dispute.closed", "lost", "lost"],
    ["charge.dispute.closed", "warning_closed", "closed"],
  ])("P-35: %s with %s is %s", (type, status, state) => {
    expect(told(type, dispute({ status })).events).toMatchObject([
      {
        type: "payment.reported",
        fact: `stripe-eu:dispute:dp_1:${state}`,
        data: {
          payment: { id: "pi_1" },
          report: { what: "dispute", amount: money(2000, "EUR"), state, reason: "fraudulent" },
        },
      },
    ])
  })

  test("P-35: the day on which evidence is due comes with it, and a dispute without one is heard too", () => {
    expect(told("charge.dispute.created", dispute()).events).toMatchObject([
      { data: { report: { respondBy: "2026-11-19T11:06:40.000Z" } } },
    ])
    for (const evidence_details of [null, undefined, { due_by: null }])
      expect(told("charge.dispute.created", dispute({ evidence_details, reason: null })).events).toHaveLength(1)
  })
})

describe("authorisations", () => {
  const intent = (cancellation_reason: string | null) => {
    const base = {
      id: "pi_1",
      object: "payment_intent",
      status: "canceled",
      amount: 2000,
      amount_capturable: 0,
      amount_received: 0,
    }
    return { ...base, currency: "eur", created, metadata: {}, cancellation_reason }
  }

  test("P-35: one that lapsed by itself is told, whoever made the payment; one that was voided is not", () => {
    expect(told("payment_intent.canceled", intent("automatic")).events).toMatchObject([
      {
        type: "payment.reported",
        fact: "stripe-eu:lapse:pi_1",
        data: { report: { what: "lapse", amount: money(2000, "EUR") } },
      },
    ])
    expect(told("payment_intent.canceled", intent("requested_by_customer")).events).toEqual([])
  })
})
