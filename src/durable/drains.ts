import type { Connections } from "../effects/connections.ts"

/** The connections that may be called now, each with the number of waiting instances that may go on (I-8, S-99). */
export function openDoors(connections: Connections): { connection: string; limit: number }[] {
  return connections.all.flatMap(({ id, gate }) => {
    const budget = gate.wakeBudget
    const limit = budget === "none" ? 0 : budget === "one" ? 1 : wakeLimit(gate.pacing)
    return limit > 0 ? [{ connection: id, limit }] : []
  })
}

/**
 * How many instances may be woken for a connection: as many as there are free slots, and a short queue of one per slot.
 *
 * A run that waits too long for a slot is released and loses its place, so a long queue would break the order of promise and
 * run workflows again for nothing. Seen with an ERP that took 12 s a call: fifty instances were always queued, and one order
 * did not get a slot for ten minutes.
 */
export function wakeLimit(pacing: { freeCount: number; busyCount: number; waitingCount: number }): number {
  const slots = pacing.freeCount + pacing.busyCount
  return Math.max(0, pacing.freeCount + slots - pacing.waitingCount)
}
