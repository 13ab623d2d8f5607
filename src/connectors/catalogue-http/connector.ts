import { Type } from "typebox"
import { defineConnector } from "../../ports/connector.ts"
import { houseEvents } from "../../protocols/house-events.ts"
import { createHouseClient, houseTimeoutMs, HouseSettings, webhookSecrets } from "../../protocols/house-http.ts"
import { verifyStandardWebhook } from "../../protocols/standard-webhooks.ts"
import { translateCatalogueEvent } from "./to-canonical.ts"

/** A system of product data, prices or promotions that speaks docs/reference/http-json-systems.md, "Catalogue". */
export const catalogueHttp = defineConnector({
  name: "catalogue-http",
  apiVersion: "2026-11",
  apiDocs: "docs/reference/http-json-systems.md#catalogue",
  connection: Type.Object({ ...HouseSettings, webhookSecrets }),
  // The protocol publishes no limit; the client slows down on 429.
  rate: { concurrencyMax: 8 },
  timeoutMs: houseTimeoutMs,
  connect(settings, { clock, connectionId }) {
    const client = createHouseClient(settings, clock)
    return {
      receivesDeliveries: {
        states: ["product.reported", "price.reported", "promotion.reported"],
        verify: (delivery, nowMs) => {
          const { id, sentAtMs } = verifyStandardWebhook(delivery, { secrets: settings.webhookSecrets, nowMs })
          return { deliveryId: id, topic: "catalogue", sentAtMs }
        },
        translate: translateCatalogueEvent,
      },
      listsChanges: houseEvents(client, { connectionId, clock }),
      check: async () => {
        const signal = AbortSignal.timeout(settings.timeoutMs ?? houseTimeoutMs)
        await client.send({ method: "GET", path: "/events?limit=1", call: { signal, correlation: "check" } })
      },
      close: client.close,
    }
  },
})
