import { Type } from "typebox"
import { Address } from "../../canonical/parts.ts"
import { defineConnector } from "../../ports/connector.ts"
import { houseEvents } from "../../protocols/house-events.ts"
import { createHouseClient, houseTimeoutMs, HouseSettings, webhookSecrets } from "../../protocols/house-http.ts"
import { verifyStandardWebhook } from "../../protocols/standard-webhooks.ts"
import { reportsStock } from "./reports-stock.ts"
import { cancelsReleases, releasesFulfilment } from "./goods.ts"
import { translateWarehouseEvent } from "./to-canonical.ts"

/** A warehouse (or all stores) that speaks docs/reference/http-json-systems.md, "Warehouse". */
export const warehouseHttp = defineConnector({
  name: "warehouse-http",
  apiVersion: "2026-11",
  apiDocs: "docs/reference/http-json-systems.md#warehouse",
  connection: Type.Object({ ...HouseSettings, webhookSecrets, homeAddress: Type.Optional(Address) }),
  // The protocol publishes no limit; the client slows down on 429.
  rate: { concurrencyMax: 32 },
  timeoutMs: houseTimeoutMs,
  connect(settings, { clock, connectionId }) {
    const client = createHouseClient(settings, clock)
    return {
      releasesFulfilment: releasesFulfilment(client, { connectionId, homeAddress: settings.homeAddress }),
      cancelsReleases: cancelsReleases(client),
      receivesDeliveries: {
        states: ["shipment.confirmed", "shipment.milestone", "shipment.short", "stock.counted", "stock.moved"],
        verify: (delivery, nowMs) => {
          const { id, sentAtMs } = verifyStandardWebhook(delivery, { secrets: settings.webhookSecrets, nowMs })
          return { deliveryId: id, topic: "warehouse", sentAtMs }
        },
        translate: translateWarehouseEvent,
      },
      reportsStock: reportsStock(client),
      listsChanges: houseEvents(client, { connectionId, clock }),
      check: async () => {
        const signal = AbortSignal.timeout(settings.timeoutMs ?? houseTimeoutMs)
        await client.send({ method: "GET", path: "/events?limit=1", call: { signal, correlation: "check" } })
      },
      close: client.close,
    }
  },
})
