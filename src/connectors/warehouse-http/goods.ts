import { AppError } from "../../base/errors.ts"
import type { Address, LineQuantity } from "../../canonical/parts.ts"
import type {
  CancelledRelease,
  CancelsReleases,
  ReleasedShipment,
  ReleasesFulfilment,
} from "../../ports/capabilities/goods.ts"
import { reference, type Call } from "../../ports/write.ts"
import type { HouseClient } from "../../protocols/house-http.ts"
import { pickupSuffix, requestsFor } from "./from-canonical.ts"
import { readAccepted, readCancellation, readRequestView, type RequestView, type ShipmentRequest } from "./payloads.ts"

interface Options {
  connectionId: string
  homeAddress: Address | undefined
}

/** The call's key is the requestId of a release; the warehouse accepts each id once. */
export function releasesFulfilment(client: HouseClient, options: Options): ReleasesFulfilment {
  const released = (requestId: string, warehouseReference: string): ReleasedShipment => ({
    requestId,
    reference: reference(options.connectionId, "shipment-request", warehouseReference),
  })
  return {
    releaseShipment: {
      // The warehouse recognises a late first attempt by its requestId, so a repeat need not wait.
      settleMs: 0,
      async send(input, call) {
        const requests = requestsFor(input, { key: call.key, homeAddress: options.homeAddress })
        const references: string[] = []
        for (const request of requests) references.push(await requestShipment(client, request, call))
        return released(requests[0]?.requestId ?? call.key, references.join(" "))
      },
      async probe(input, call) {
        const requests = requestsFor(input, { key: call.key, homeAddress: options.homeAddress })
        const references: string[] = []
        for (const request of requests) {
          const view = await readRequest(client, request.requestId, call)
          // One request of two is not a complete release. Sending again completes it, because the warehouse recognises
          // the first by its id.
          if (view === undefined) return undefined
          refuseAnother(request, view)
          references.push(view.warehouseReference)
        }
        return released(requests[0]?.requestId ?? call.key, references.join(" "))
      },
    },
  }
}

/** Stops requests by the key of their release. */
export function cancelsReleases(client: HouseClient): CancelsReleases {
  return {
    cancelRelease: {
      settleMs: 0,
      send: (input, call) => cancelRelease(client, input, call),
      // A cancellation cannot be looked up. The protocol returns the first result to a repeat with the same
      // cancellationId, so returning "not there" and sending again is always safe.
      probe: () => Promise.resolve(undefined),
    },
  }
}

async function requestShipment(client: HouseClient, request: ShipmentRequest, call: Call): Promise<string> {
  const answer = await client.send({ method: "POST", path: "/shipment-requests", body: request, call, allow: [409] })
  if (answer.status !== 409) return readAccepted(answer.body).warehouseReference
  const view = await readRequest(client, request.requestId, call)
  if (view === undefined)
    throw new AppError("VENDOR_MISBEHAVED", `request ${request.requestId} is a duplicate but cannot be found`)
  refuseAnother(request, view)
  return view.warehouseReference
}

async function readRequest(client: HouseClient, requestId: string, call: Call): Promise<RequestView | undefined> {
  const path = `/shipment-requests/${encodeURIComponent(requestId)}`
  const answer = await client.send({ method: "GET", path, call, allow: [404] })
  return answer.status === 404 ? undefined : readRequestView(answer.body)
}

/** A duplicate is a success only if the existing request has the same content. */
function refuseAnother(asked: ShipmentRequest, there: RequestView): void {
  const quantities = (lines: readonly { lineId: string; sku: string; quantityMilli: number }[]) =>
    lines
      .map(({ lineId, sku, quantityMilli }) => `${lineId} ${sku} ${quantityMilli}`)
      .sort()
      .join("; ")
  const ours = `${asked.orderId} ${asked.locationId}: ${quantities(asked.lines)}`
  const theirs = `${there.orderId} ${there.locationId}: ${quantities(there.lines)}`
  if (ours !== theirs)
    throw new AppError("VENDOR_CONFLICT", `request ${asked.requestId} exists with different content`, {
      data: { ours, theirs },
    })
}

type CancelInput = { orderId: string; locationId: string; requestKey: string; lines: LineQuantity[] }

async function cancelRelease(client: HouseClient, input: CancelInput, call: Call): Promise<CancelledRelease> {
  const tally = new Tally(input.lines)
  for (const requestId of [input.requestKey, `${input.requestKey}${pickupSuffix}`]) {
    if (tally.open().length > 0) await cancelRequest(client, { requestId, tally, call })
  }
  // Quantities that neither request has were never requested and will not be shipped.
  for (const line of tally.open()) tally.add("cancelled", { lineId: line.lineId, quantityMilli: line.quantity.milli })
  return tally.answer()
}

async function cancelRequest(
  client: HouseClient,
  { requestId, tally, call }: { requestId: string; tally: Tally; call: Call },
): Promise<void> {
  const answer = await client.send({
    method: "POST",
    path: `/shipment-requests/${encodeURIComponent(requestId)}/cancellation`,
    // The whole request, not the rest of it: a repeat must be identical.
    body: { cancellationId: call.key, lines: tally.asked() },
    allow: [404],
    call,
  })
  if (answer.status === 404) return
  const { cancelled, refused } = readCancellation(answer.body)
  for (const line of cancelled) tally.add("cancelled", line)
  for (const line of refused) tally.add("refused", line)
  if (tally.open().length === 0) return
  // Neither list contains units that an earlier cancellation stopped or that were missing on the shelf.
  const view = await readRequest(client, requestId, call)
  for (const line of view?.lines ?? []) {
    const before = cancelled.find((entry) => entry.lineId === line.lineId)?.quantityMilli ?? 0
    tally.add("cancelled", { lineId: line.lineId, quantityMilli: line.cancelledMilli - before + line.missingMilli })
  }
}

/** Tracks the requested quantities and the result of each part; never more than was requested. */
class Tally {
  readonly #lines: LineQuantity[]
  readonly #milli = { cancelled: new Map<string, number>(), refused: new Map<string, number>() }

  constructor(lines: LineQuantity[]) {
    this.#lines = lines.filter((line) => line.quantity.milli > 0)
  }

  asked(): { lineId: string; quantityMilli: number }[] {
    return this.#lines.map(({ lineId, quantity }) => ({ lineId, quantityMilli: quantity.milli }))
  }

  open(): LineQuantity[] {
    return this.#lines.flatMap(({ lineId, quantity }) => {
      const milli = quantity.milli - this.#of("cancelled", lineId) - this.#of("refused", lineId)
      return milli > 0 ? [{ lineId, quantity: { milli, unit: quantity.unit } }] : []
    })
  }

  add(where: "cancelled" | "refused", { lineId, quantityMilli }: { lineId: string; quantityMilli: number }): void {
    const openMilli = this.open().find((line) => line.lineId === lineId)?.quantity.milli ?? 0
    const milli = Math.min(openMilli, Math.max(0, quantityMilli))
    this.#milli[where].set(lineId, this.#of(where, lineId) + milli)
  }

  answer(): CancelledRelease {
    const list = (where: "cancelled" | "refused") =>
      this.#lines.flatMap(({ lineId, quantity }) => {
        const milli = this.#of(where, lineId)
        return milli > 0 ? [{ lineId, quantity: { milli, unit: quantity.unit } }] : []
      })
    return { cancelled: list("cancelled"), refused: list("refused") }
  }

  #of(where: "cancelled" | "refused", lineId: string): number {
    return this.#milli[where].get(lineId) ?? 0
  }
}
