import type { Simulator } from "../../../lab/simulator.ts"
import { startWarehouse, warehouseToken, warehouseWebhookSecret } from "../../../lab/warehouse/warehouse.ts"
import { createLog } from "../../../src/base/log.ts"
import { systemClock } from "../../../src/base/time.ts"
import { warehouseHttp } from "../../../src/connectors/warehouse-http/connector.ts"
import { intentOf, type LawSubject } from "../../../src/ports/law-subject.ts"
import { routedTo, sampleOrder } from "../sample-order.ts"
import type { LawBench } from "../benches.ts"
import { striker } from "../strike.ts"

const log = createLog("laws", "silent")
const deadUrl = "http://127.0.0.1:9"
const locationId = "wh-rotterdam"

let count = 0
const next = () => (count += 1)

interface RequestRow {
  requestId: string
  cancellations: { cancellationId: string }[]
}

export function connectWarehouse(baseUrl: string) {
  return warehouseHttp.connect(
    {
      baseUrl,
      token: warehouseToken,
      webhookSecrets: [warehouseWebhookSecret],
      allowPrivateNetwork: true,
      timeoutMs: 5_000,
    },
    { connectionId: "wms", clock: systemClock, log },
  )
}

export async function startBench(): Promise<LawBench> {
  const simulator = await startWarehouse({ seed: 7, habits: { isPaused: true } })
  const connected = connectWarehouse(simulator.url)
  const dead = connectWarehouse(deadUrl)
  return {
    subjects: [
      release(simulator, { here: connected, nowhere: dead }),
      cancelRelease(simulator, { here: connected, nowhere: dead }),
    ],
    stop: async () => {
      connected.close()
      dead.close()
      await simulator.stop()
    },
  }
}

type Warehouse = ReturnType<typeof connectWarehouse>
type Places = { here: Warehouse; nowhere: Warehouse }

// The simulator's books hold exactly these rows (lab/warehouse/premises.ts).
const requestRows = (simulator: Simulator) => simulator.books()["shipmentRequests"] as RequestRow[]

function releaseIntent(simulator: Simulator, { releasesFulfilment }: Warehouse, sku = "LAW-1") {
  const order = sampleOrder({ number: next(), skus: [sku, "LAW-2"] })
  const key = `law_rel_${order.externalId}`
  return {
    order,
    key,
    intent: intentOf(releasesFulfilment.releaseShipment, {
      input: { order, locationId, lines: routedTo(order, locationId) },
      key,
      count: () => requestRows(simulator).filter(({ requestId }) => requestId === key).length,
    }),
  }
}

function release(simulator: Simulator, { here, nowhere }: Places): LawSubject {
  return {
    name: "warehouse-http releasesFulfilment.releaseShipment",
    make: async () => releaseIntent(simulator, here).intent,
    refused: async () => releaseIntent(simulator, here, "REJECT-WMS-1").intent,
    unreachable: async () => releaseIntent(simulator, nowhere).intent,
    strike: striker(simulator, ["requestShipment"]),
  }
}

function cancelRelease(simulator: Simulator, { here, nowhere }: Places): LawSubject {
  const make = async ({ cancelsReleases }: Warehouse, isMissing = false) => {
    const { order, key: requestKey, intent } = releaseIntent(simulator, here)
    if (!isMissing) await intent.send()
    const lines = order.lines.map((line) => ({ lineId: line.id, quantity: line.quantity }))
    const key = `law_can_${order.externalId}`
    return intentOf(cancelsReleases.cancelRelease, {
      input: { orderId: order.id, locationId, requestKey, lines },
      key,
      count: () =>
        requestRows(simulator)
          .flatMap(({ cancellations }) => cancellations)
          .filter(({ cancellationId }) => cancellationId === key).length,
    })
  }
  return {
    name: "warehouse-http cancelsReleases.cancelRelease",
    make: () => make(here),
    missing: () => make(here, true),
    unreachable: () => make(nowhere),
    cannotBeAsked: "no look-up: a repeat gets the first answer",
    strike: striker(simulator, ["cancelShipment"]),
  }
}
