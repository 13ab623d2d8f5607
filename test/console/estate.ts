import type { Estate } from "../../src/estate.ts"
import { startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { shipmentRequests } from "../fixtures/vendor-books.ts"
import { placeOrder, plentifulSkus, untilException, untilState } from "../fixtures/order-flow.ts"

/** An estate with something to look at: an order that is closed, and two that nobody has the goods for. */
export interface ConsoleEstate {
  t: TestCrossdock
  sku: string
  closedOrder: string
  shortOrder: string
  /** The place that goods ship from. */
  place: string
  /** Sells what nobody has; an exception asks what to do. */
  sellShort(externalId: string): Promise<string>
}

export async function startConsoleEstate(
  seed: number,
  estate: (estate: Estate) => Estate = (demo) => demo,
): Promise<ConsoleEstate> {
  const t = await startTestCrossdock({ seed, estate })
  const [sku = ""] = plentifulSkus(t, 1)
  const sellShort = async (externalId: string) => {
    const orderId = await placeOrder(t, { externalId, lines: [{ sku, count: 900_000, totalMinor: 12_345 }] })
    await untilException(t, orderId, "short")
    return orderId
  }
  const closedOrder = await placeOrder(t, {
    externalId: "C-1",
    lines: [{ sku, count: 2, totalMinor: 4998 }],
    shippingMinor: 495,
  })
  const shortOrder = await sellShort("S-1")
  await sellShort("S-2")
  await untilState(t, closedOrder, ["shipped", "closed"])
  const place = shipmentRequests(t, closedOrder)[0]?.locationId ?? ""
  return { t, sku, closedOrder, shortOrder, place, sellShort }
}
