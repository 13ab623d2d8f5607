import { asAppError } from "../../base/errors.ts"
import { instant, sleep, type Clock } from "../../base/time.ts"
import type { Delivery, ReadsObjects } from "../../ports/capabilities/intake.ts"
import type { VendureClient } from "./client.ts"
import { isTorn, objectOf } from "./payloads.ts"

type Call = Parameters<VendureClient["order"]>[1]

interface ReadOptions {
  client: VendureClient
  connectionId: string
  clock: Clock
}

const rereadsMax = 5

/** Reads single orders, for webhooks that only name one. */
export function readsObjects(options: ReadOptions): ReadsObjects {
  return {
    async fetchObject({ type, id }, call) {
      if (type !== "order") return undefined
      try {
        return orderDelivery(
          await untilWhole(options.client, await options.client.orderAsShown(id, call), call),
          options,
        )
      } catch (thrown) {
        // The client throws this when the order does not exist.
        if (asAppError(thrown).code === "VENDOR_REJECTED") return undefined
        throw thrown
      }
    },
  }
}

/** Reads the order again until it is consistent. If it never is, it is used as it is, and its sums are a part that waits. */
export async function untilWhole(client: VendureClient, first: unknown, call: Call): Promise<unknown> {
  let order = first
  for (let reread = 1; isTorn(order) && reread <= rereadsMax; reread += 1) {
    await sleep(100 * reread, call.signal)
    order = await client.orderAsShown(String(objectOf(first)["id"]), call)
  }
  return order
}

/** An order of the Admin API as a delivery. `snapshot` may be any listed value; its translation reports the problems. */
export function orderDelivery(
  snapshot: unknown,
  { connectionId, clock }: Pick<ReadOptions, "connectionId" | "clock">,
): Delivery {
  return {
    connection: connectionId,
    via: "poll",
    headers: {},
    bytes: Buffer.from(JSON.stringify({ type: "order.polled", snapshot })),
    receivedAt: instant(clock.now()),
  }
}
