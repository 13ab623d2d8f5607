import { storage, type Sql } from "../base/sql.ts"
import type { Ref } from "../canonical/refs.ts"
import type { Connections } from "../effects/connections.ts"

/**
 * The connections that may be called now, each with the number of waiting instances that may go on (I-8, S-99). A connection that an
 * operation drains at its own pace is left to it.
 */
export function openDoors(connections: Connections): { connection: string; limit: number }[] {
  return connections.all.flatMap(({ id, gate, isDrained = false }) => {
    const budget = isDrained ? "none" : gate.wakeBudget
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

/** What waits for a connection, the earliest promise first. */
export async function waitingFor(
  sql: Sql,
  connection: string,
  limit: number,
): Promise<{ workflow: string; about: Ref; promisedAt: string | undefined }[]> {
  const rows = await storage(
    () => sql<{ workflow: string; about: Ref; promised_at: Date | null }[]>`
      select i.workflow, i.about, q.promised_at from workflow_queue q join workflow_instances i on i.id = q.instance
      where q.waits_for = ${connection} and q.claimed_by is null order by q.promised_at, i.id limit ${limit}`,
  )
  return rows.map(({ promised_at, ...row }) => ({ ...row, promisedAt: promised_at?.toISOString() }))
}

/** Has an instance that waits for a connection go on. False when it does not wait for it any more. */
export async function letGo(
  sql: Sql,
  { workflow, about }: { workflow: string; about: string },
  connection: string,
): Promise<boolean> {
  const [row] = await storage(
    () => sql<{ went: boolean }[]>`select workflow_let_go(${workflow}, ${about}, ${connection}) as went`,
  )
  return row?.went ?? false
}
