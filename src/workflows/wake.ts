import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { sleep } from "../base/time.ts"
import { AppError } from "../base/errors.ts"
import type { Connections } from "../effects/connections.ts"
import type { Restate } from "./service.ts"

interface WakeOptions {
  sql: Sql
  log: Log
  connections: Connections
  restate: Restate
}

const tickMs = 100
const dueMax = 200
// A woken instance that is not heard of again (a worker died) is due again after this time.
const claimSeconds = 20

/**
 * Wakes instances whose time has come, and drains what waits for a connection once its door is open again: a trial first,
 * then as many at a time as the connection has slots, in order of promise (I-8, S-99). Several processes may run it.
 */
export class Waker {
  readonly #options: WakeOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: WakeOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#loop()
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #loop(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        const woken = (await this.#wakeDue()) + (await this.#drain())
        if (woken >= dueMax) continue
      } catch (thrown) {
        const isAway = isStorageAway(thrown) || (thrown instanceof AppError && thrown.kind === "unavailable")
        if (!isAway) this.#options.log.error({ err: thrown }, "waking due work failed; it is tried again")
      }
      await sleep(tickMs, this.#stop.signal).catch(() => undefined)
    }
  }

  async #wakeDue(): Promise<number> {
    const { sql } = this.#options
    const rows = await sql<{ workflow: string; key: string }[]>`
      update workflow_instances i set wake_at = clock_timestamp() + ${claimSeconds} * interval '1 second'
      from (
        select workflow, key from workflow_instances
        where finished_at is null and wake_at <= clock_timestamp() order by wake_at limit ${dueMax} for update skip locked
      ) due
      where i.workflow = due.workflow and i.key = due.key returning i.workflow, i.key`
    return this.#advance(rows)
  }

  async #drain(): Promise<number> {
    const { sql, connections } = this.#options
    let woken = 0
    const waiting = await sql<{ id: string }[]>`
      select distinct waits_for_connection as id from workflow_instances
      where waits_for_connection is not null and finished_at is null`
    for (const { id } of waiting) {
      if (!connections.has(id)) continue
      const { gate } = connections.get(id)
      const budget = gate.wakeBudget
      if (budget === "none") continue
      const limit = budget === "one" ? 1 : wakeLimit(gate.pacing)
      if (limit === 0) continue
      const rows = await sql<{ workflow: string; key: string }[]>`
        update workflow_instances i set waits_for_connection = null, wake_at = clock_timestamp() + ${claimSeconds} * interval '1 second'
        from (
          select workflow, key from workflow_instances
          where waits_for_connection = ${id} and finished_at is null order by promised_at limit ${limit} for update skip locked
        ) waiting
        where i.workflow = waiting.workflow and i.key = waiting.key returning i.workflow, i.key`
      woken += await this.#advance(rows)
    }
    return woken
  }

  async #advance(rows: readonly { workflow: string; key: string }[]): Promise<number> {
    const waves = Object.entries(Object.groupBy(rows, ({ workflow }) => workflow))
    const { restate } = this.#options
    await Promise.all(
      waves.map(([workflow, own = []]) =>
        restate.advance(
          workflow,
          own.map(({ key }) => key),
        ),
      ),
    )
    return rows.length
  }
}

/**
 * How many more may be woken for a connection: its free slots and a short queue behind them, one for each slot.
 *
 * Whoever waits for a slot too long goes back and loses its place, so a queue longer than what is soon served makes a lottery
 * of the order of promise, and runs workflows over and over for nothing. Seen with an ERP that took 12 s a call: fifty always
 * in line, and one order not served for ten minutes.
 */
export function wakeLimit(pacing: { freeCount: number; busyCount: number; waitingCount: number }): number {
  const slots = pacing.freeCount + pacing.busyCount
  return Math.max(0, pacing.freeCount + slots - pacing.waitingCount)
}
