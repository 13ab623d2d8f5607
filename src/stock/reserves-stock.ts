import type { ReservesStock, StockReservation } from "../ports/capabilities/stock.ts"
import type { Write } from "../ports/write.ts"
import type { Reservations } from "./reservations.ts"
import type { StockLedger } from "./stock-ledger.ts"

/**
 * The stock ledger as a capability for workflows. Every operation is idempotent by its own key in the database, so a
 * probe repeats the operation and gets the first result.
 */
export function reservesStock(reservations: Reservations, ledger: StockLedger): ReservesStock {
  return {
    reserve: repeatable(async ({ reservation, orderId, channel, lines }) => {
      // The channel has already sold these units: the safety stock limits promises, not existing orders.
      const result = await reservations.reserve({
        key: reservation,
        owner: orderId,
        channel,
        kind: "hard",
        lines,
        usesSafetyStock: true,
      })
      return result.granted
        ? { granted: true, short: [] }
        : { granted: false, short: "ended" in result ? [] : result.short }
    }),
    allocate: repeatable(async ({ reservation, lines }): Promise<StockReservation> => {
      const result = await reservations.allocate(reservation, lines)
      return { granted: result.outcome === "allocated", short: result.short }
    }),
    consume: repeatable(async ({ reservation, shipmentId, shippedAt, lines }) => {
      await reservations.consume(reservation, lines, {
        fact: `shipment:${shipmentId}:${reservation}`,
        occurredAt: shippedAt,
      })
      return {}
    }),
    release: repeatable(async ({ reservation, reason }) => {
      await reservations.release(reservation, reason)
      return {}
    }),
    takeBack: repeatable(async ({ fact, at, lines }) => {
      const movements = lines.map(({ lineId, sku, locationId, milli }) => {
        return {
          kind: "return" as const,
          fact: `${fact}:${lineId}:${sku}:${locationId}`,
          sku,
          locationId,
          milli,
          occurredAt: at,
          isFeed: false as const,
        }
      })
      await ledger.applyMovements(movements)
      return {}
    }),
  }
}

function repeatable<Input, Output extends object>(work: (input: Input) => Promise<Output>): Write<Input, Output> {
  return { send: work, probe: work, settleMs: 0 }
}
