import type { Connections } from "../effects/connections.ts"

/** Connections whose door is open, and how many of those who wait for each may go now (I-8, S-99). */
export function openDoors(connections: Connections): { connection: string; limit: number }[] {
  return connections.all.flatMap(({ id, gate }) => {
    const budget = gate.wakeBudget
    const limit = budget === "none" ? 0 : budget === "one" ? 1 : wakeLimit(gate.pacing)
    return limit > 0 ? [{ connection: id, limit }] : []
  })
}

/**
 * How many more may be woken for a connection: its free slots and a short queue behind them, one for each slot.
 *
 * A run that waits too long for a slot goes back and loses its place, so a long queue would break the order of promise and run
 * workflows over and over for nothing. Seen with an ERP that took 12 s a call: fifty always in line, and one order not served
 * for ten minutes.
 */
export function wakeLimit(pacing: { freeCount: number; busyCount: number; waitingCount: number }): number {
  const slots = pacing.freeCount + pacing.busyCount
  return Math.max(0, pacing.freeCount + slots - pacing.waitingCount)
}
