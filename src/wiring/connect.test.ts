import { expect, it } from "vitest"
import { createLog } from "../base/log.ts"
import type { Sql } from "../base/sql.ts"
import { Connections } from "../effects/connections.ts"
import type { ReceivesDeliveries } from "../ports/capabilities/intake.ts"
import { statingBy } from "./connect.ts"

it("a connection states what its connector declares; what came over the API is checked before it is taken", () => {
  // No statement is sent: states of connections are read by `start` only.
  const connections = new Connections({} as Sql, createLog("test", "silent"))
  const receivesDeliveries: ReceivesDeliveries = {
    states: ["stock.counted"],
    verify: () => ({ deliveryId: "", topic: "" }),
    translate: () => ({ events: [] }),
  }
  const connected = { receivesDeliveries, check: () => Promise.resolve(), close: () => undefined }
  const rate = { concurrencyMax: 1 }
  connections.add({ id: "wms", connector: "test", apiVersion: "1", timeoutMs: 1, connected, rate })
  const stating = statingBy(connections)
  expect(stating("wms")).toEqual({ connection: "wms", states: ["stock.counted"] })
  expect(stating("api:shop")).toBeUndefined()
  expect(() => stating("nobody")).toThrow("there is no connection nobody")
})
