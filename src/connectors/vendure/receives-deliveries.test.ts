import { expect, test } from "vitest"
import { asAppError } from "../../base/errors.ts"
import { receivesDeliveries } from "./receives-deliveries.ts"

const { translate } = receivesDeliveries({ secrets: [], context: { system: "shop", tenderKinds: {}, amounts: {} } })
const delivery = (body: unknown) => ({
  connection: "shop",
  via: "webhook" as const,
  headers: {},
  bytes: Buffer.from(JSON.stringify(body)),
  receivedAt: "2026-11-20T10:00:00.000Z",
})

test("a hint without a snapshot names the order to read", () => {
  expect(translate(delivery({ type: "order.changed", order: { id: "4" } }))).toMatchObject({
    events: [],
    fetch: [{ type: "order", id: "4" }],
  })
})

test("a hint that names no order is refused with the place of the id", () => {
  for (const body of [{}, { order: {} }, { order: { id: "" } }, { order: null }])
    try {
      translate(delivery(body))
      expect.unreachable()
    } catch (thrown) {
      const { code, problems } = asAppError(thrown)
      expect([code, problems[0]?.pointer]).toEqual(["TRANSLATION_FAILED", "/order/id"])
    }
})

test("P-31: a state names the parts that it has, because another state of the same time may lack a refund that has begun", () => {
  const at = "2026-11-20T10:00:00.000Z"
  const payment = { id: "7", createdAt: at, method: "card", amount: 900, state: "Settled", transactionId: "t7" }
  const snapshot = (refunds: object[]) => ({
    id: "4",
    code: "ABC",
    state: "PaymentSettled",
    currencyCode: "EUR",
    orderPlacedAt: at,
    updatedAt: at,
    payments: [{ ...payment, refunds }],
    fulfillments: [],
    history: { items: [] },
    cancellations: { items: [] },
  })
  const has = (refunds: object[]) =>
    translate(delivery({ order: { id: "4" }, snapshot: snapshot(refunds) })).readWhole?.find(({ prefix }) =>
      prefix.endsWith(":refund"),
    )
  expect(has([])).toEqual({ prefix: "shop:order:4:refund", at, has: [] })
  const pending = { id: "8", createdAt: at, state: "Pending", total: 100, reason: null, lines: [] }
  expect(has([pending])).toEqual({ prefix: "shop:order:4:refund", at, has: ["8"] })
})
