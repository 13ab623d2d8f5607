import { Type } from "typebox"
import { AppError } from "../../base/errors.ts"
import type { Order } from "../../canonical/order.ts"
import { Address } from "../../canonical/parts.ts"
import type { ScreensFraud } from "../../ports/capabilities/checks.ts"
import { defineConnector } from "../../ports/connector.ts"
import type { Call } from "../../ports/write.ts"
import {
  createHouseClient,
  houseTimeoutMs,
  HouseSettings,
  webhookSecrets,
  type HouseClient,
} from "../../protocols/house-http.ts"
import { verifyStandardWebhook } from "../../protocols/standard-webhooks.ts"
import { screeningFor } from "./from-canonical.ts"
import { readFound, readScreening } from "./payloads.ts"
import { decisionNow, screening, translateFraudEvent } from "./to-canonical.ts"

/** A fraud screening that speaks docs/reference/http-json-systems.md, "Fraud". */
export const fraudHttp = defineConnector({
  name: "fraud-http",
  apiVersion: "2026-11",
  apiDocs: "docs/reference/http-json-systems.md#fraud",
  connection: Type.Object({ ...HouseSettings, webhookSecrets, homeAddress: Type.Optional(Address) }),
  // The protocol publishes no limit; the client slows down on 429.
  rate: { concurrencyMax: 16 },
  timeoutMs: houseTimeoutMs,
  connect(settings, { clock, connectionId }) {
    const client = createHouseClient(settings, clock)
    return {
      screensFraud: screensFraud(client, { connectionId, homeAddress: settings.homeAddress }),
      receivesDeliveries: {
        states: ["order.fraud-review-opened", "order.fraud-review-decided"],
        verify: (delivery, nowMs) => {
          const { id, sentAtMs } = verifyStandardWebhook(delivery, { secrets: settings.webhookSecrets, nowMs })
          return { deliveryId: id, topic: "fraud", sentAtMs }
        },
        translate: translateFraudEvent,
      },
      check: async () => {
        const signal = AbortSignal.timeout(settings.timeoutMs ?? houseTimeoutMs)
        await client.send({
          method: "GET",
          path: "/screenings?reference=check",
          call: { signal, correlation: "check" },
        })
      },
      close: client.close,
    }
  },
})

function screensFraud(
  client: HouseClient,
  options: { connectionId: string; homeAddress: Address | undefined },
): ScreensFraud {
  const find = async (order: Order, call: Omit<Call, "key">) => {
    const path = `/screenings?reference=${encodeURIComponent(order.id)}`
    const { screenings } = readFound((await client.send({ method: "GET", path, call })).body)
    const [first, second] = screenings
    if (second !== undefined && first !== undefined)
      throw new AppError(
        "VENDOR_MISBEHAVED",
        `${order.id} was screened twice: ${first.screeningId}, ${second.screeningId}`,
      )
    return first
  }
  return {
    screenOrder: {
      // The screening recognises a late first attempt by its reference, so a repeat need not wait.
      settleMs: 0,
      async send({ order }, call) {
        const body = screeningFor(order, options.homeAddress)
        // 201 the first time; later 200 with the first decision.
        const answer = await client.send({ method: "POST", path: "/screenings", body, call })
        return screening(readScreening(answer.body), options.connectionId)
      },
      async probe({ order }, call) {
        const found = await find(order, call)
        return found && screening(found, options.connectionId)
      },
    },
    async readDecision({ order }, call) {
      const found = await find(order, call)
      if (!found) throw new AppError("VENDOR_MISBEHAVED", `the system has no screening of ${order.id}`)
      return decisionNow(found, options.connectionId)
    },
  }
}
