import { randomId } from "../../base/ids.ts"
import { asAppError } from "../../base/errors.ts"
import type { Log } from "../../base/log.ts"
import type { Sql } from "../../base/sql.ts"
import { cut } from "../../base/text.ts"
import { instant, sleep, type Clock } from "../../base/time.ts"
import type { AnyBulkKind, BulkAct } from "./kind.ts"

interface CarryOutOptions {
  sql: Sql
  clock: Clock
  log: Log
  kinds: readonly AnyBulkKind[]
  /** How often idle workers look for something to do. */
  everyMs?: number
}

interface Claimed {
  id: string
  kind: string
  spec: never
  reason: string
  requested_by: string
  is_prepared: boolean
}

interface NextMember {
  n: number
  member: string
  seen: string | null
  /** The pace that the operation has by now. */
  per_second: number
}

const leaseMs = 30_000
const everyMsDefault = 5_000
const atOnceMax = 4

/**
 * Carries out running operations, in every worker; one worker at a time holds an operation by a lease. A member's change is made first
 * and noted then: after a crash in between it is asked for again, and every kind's change is the same when it is repeated.
 */
export class CarriesOutOperations {
  readonly #options: CarryOutOptions
  /** Of this process, for its leases. */
  readonly #name = randomId("worker")
  readonly #ending = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: CarryOutOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#repeat()
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
  }

  /** Carries out one operation to its end, or until it is paused or stopped. False when there is none. */
  async pass(): Promise<boolean> {
    const begun = await this.#begin()
    await begun?.done
    return begun !== undefined
  }

  /** Takes an operation and begins to carry it out; undefined when there is none. */
  async #begin(): Promise<{ done: Promise<void> } | undefined> {
    const claimed = await this.#claim()
    const kind = claimed && this.#options.kinds.find(({ name }) => name === claimed.kind)
    return kind && { done: this.#carryOut(kind, claimed).finally(() => this.#letGo(claimed.id)) }
  }

  async #carryOut(kind: AnyBulkKind, claimed: Claimed): Promise<void> {
    const act = { by: claimed.requested_by, reason: claimed.reason, operation: claimed.id }
    if (!claimed.is_prepared && !(await this.#prepared(kind, claimed, act))) return
    while (!this.#ending.signal.aborted) {
      const startedMs = this.#options.clock.now()
      const member = await this.#next(claimed.id)
      if (!member) return
      await this.#note(claimed.id, member.n, await this.#became(kind, member, { claimed, act }))
      const restMs = 1000 / member.per_second - (this.#options.clock.now() - startedMs)
      if (restMs > 0) await sleep(restMs, this.#ending.signal).catch(() => undefined)
    }
  }

  /** So that it goes on at once when it is resumed, or in another worker when this one ends. */
  async #letGo(id: string): Promise<void> {
    await this.#options.sql`
      update bulk_operations set leased_until = null where id = ${id} and leased_by = ${this.#name}`
  }

  /** False when it cannot be begun at all; then it is stopped, and says why. */
  async #prepared(kind: AnyBulkKind, { id, spec }: Claimed, act: BulkAct): Promise<boolean> {
    try {
      await kind.prepare?.(spec, act)
      await this.#notePrepared(id)
      return true
    } catch (thrown) {
      const error = asAppError(thrown)
      if (error.kind === "unavailable") throw error
      const { sql, clock } = this.#options
      await sql`
        update bulk_operations set state = 'stopped', ended_at = ${instant(clock.now())}, ended_why = ${cut(error.message, 500)}
        where id = ${id} and state = 'running'`
      return false
    }
  }

  async #notePrepared(id: string): Promise<void> {
    const { sql, clock } = this.#options
    await sql`update bulk_operations set prepared_at = ${instant(clock.now())} where id = ${id}`
  }

  async #became(kind: AnyBulkKind, { member, seen }: NextMember, { claimed, act }: { claimed: Claimed; act: BulkAct }) {
    try {
      return await kind.carryOut({ id: member, ...(seen === null ? {} : { seen }) }, claimed.spec, act)
    } catch (thrown) {
      const error = asAppError(thrown)
      // It says nothing about the member: the operation is taken up again.
      if (error.kind === "unavailable") throw error
      return { outcome: error.kind === "conflict" ? "skipped" : "failed", reason: cut(error.message, 500) } as const
    }
  }

  async #claim(): Promise<Claimed | undefined> {
    const { sql, clock } = this.#options
    const now = instant(clock.now())
    const [row] = await sql<Claimed[]>`
      update bulk_operations o set leased_by = ${this.#name}, leased_until = ${instant(clock.now() + leaseMs)}
      where o.id = (select id from bulk_operations where state = 'running' and (leased_until is null or leased_until < ${now})
        order by requested_at limit 1 for update skip locked)
      returning o.id, o.kind, o.spec, o.reason, o.requested_by, o.prepared_at is not null as is_prepared`
    return row
  }

  /** The next member, with the lease made longer; ends the operation after its last. Nothing when it is paused, or another's. */
  async #next(id: string): Promise<NextMember | undefined> {
    const { sql, clock } = this.#options
    const rows = await sql<NextMember[]>`
      with mine as (
        update bulk_operations set leased_until = ${instant(clock.now() + leaseMs)} where id = ${id} and state = 'running' and leased_by = ${this.#name}
        returning id, per_second
      )
      select m.n, m.member, m.seen, mine.per_second from mine join bulk_members m on m.operation = mine.id and m.outcome is null order by m.n limit 1`
    if (rows[0]) return rows[0]
    await sql`
      update bulk_operations o set state = 'done', ended_at = ${instant(clock.now())}
      where o.id = ${id} and o.state = 'running'
        and not exists (select from bulk_members m where m.operation = o.id and m.outcome is null)`
    return undefined
  }

  async #note(id: string, n: number, { outcome, reason }: { outcome: string; reason?: string }): Promise<void> {
    const { sql, clock } = this.#options
    await sql`
      update bulk_members set outcome = ${outcome}, reason = ${reason ?? null}, at = ${instant(clock.now())}
      where operation = ${id} and n = ${n} and outcome is null`
  }

  /** Several at once: a short one does not wait for the end of a long one. */
  async #repeat(): Promise<void> {
    const { everyMs = everyMsDefault, log } = this.#options
    const underWay = new Set<Promise<void>>()
    const doesNotGoOn = (error: unknown) =>
      log.warn({ err: error }, "an operation on many objects does not go on; it is taken up again")
    while (!this.#ending.signal.aborted) {
      const begun = underWay.size < atOnceMax ? await this.#begin().catch(doesNotGoOn) : undefined
      if (begun) {
        const run = begun.done.catch(doesNotGoOn).finally(() => underWay.delete(run))
        underWay.add(run)
      } else await sleep(everyMs, this.#ending.signal).catch(() => undefined)
    }
    await Promise.all(underWay)
  }
}
