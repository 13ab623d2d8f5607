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
