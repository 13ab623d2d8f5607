import { asAppError } from "../../base/errors.ts"
import { randomId } from "../../base/ids.ts"
import type { Log } from "../../base/log.ts"
import { isStorageAway, storage, type Sql } from "../../base/sql.ts"
import { cut, storable } from "../../base/text.ts"
import { epochMs, instant, sleep, withDeadline, type Clock } from "../../base/time.ts"
import type { Message } from "../../rules/alerts/message.ts"
import type { Way } from "./ways.ts"

interface SendOptions {
  sql: Sql
  clock: Clock
  log: Log
  ways: ReadonlyMap<string, Way>
  /** How often it looks for something to send. */
  everyMs?: number
}

const everyMsDefault = 5000
const leaseMs = 60_000
const sendMs = 20_000
/** The first waits after failures: 5 s, 10 s, 20 s …, at most ten minutes. */
const firstWaitMs = 5000
const waitMostMs = 600_000
/** Nobody acts on older news; the thread is in the console. */
const triedForMs = 24 * 3_600_000

/** How long to wait after so many failures in a row. */
export function waitAfter(failures: number): number {
  return Math.min(waitMostMs, firstWaitMs * 2 ** Math.min(failures - 1, 20))
}

/**
 * Sends notices, at least once each, in their order for each receiver. One worker at a time sends to a receiver, by a lease. A notice is
 * marked after it was sent: after a crash in between it is sent again, under the same id.
 */
export class SendsNotices {
  readonly #options: SendOptions
  readonly #name = randomId("sender")
  readonly #ending = new AbortController()
  /** Receivers that are being served now. */
  readonly #serving = new Map<string, Promise<void>>()
  #running: Promise<void> = Promise.resolve()

  constructor(options: SendOptions) {
    this.#options = options
  }

  async start(): Promise<void> {
    await this.register()
    this.#running = this.#repeat()
  }

  /** Makes the rows of its receivers. */
  async register(): Promise<void> {
    const names = [...this.#options.ways.keys()]
    await storage(
      () => this.#options.sql`
        insert into alert_receivers (name) select unnest(${names}::text[]) on conflict do nothing`,
    )
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await Promise.all(this.#serving.values())
    for (const way of this.#options.ways.values()) way.close()
  }

  /** Sends what is due to every receiver that nobody else serves, and waits until it is sent. */
  async pass(): Promise<void> {
    await this.#begin()
    await Promise.all(this.#serving.values())
  }

  /** Begins to send, and waits for no receiver: one that is slow must not hold up the others. */
  async #begin(): Promise<void> {
    for (const receiver of await this.#claim()) {
      const served = this.#serve(receiver)
        .catch((thrown: unknown) => this.#complain(thrown))
        .finally(() => this.#serving.delete(receiver))
      this.#serving.set(receiver, served)
    }
  }

  async #claim(): Promise<string[]> {
    const { sql, clock, ways } = this.#options
    const nowMs = clock.now()
    const now = instant(nowMs)
    const free = [...ways.keys()].filter((name) => !this.#serving.has(name))
    // A wait or lease that ends later than any could was set before the clock was set back, and counts as over.
    const rows = await storage(
      () => sql<{ name: string }[]>`
        update alert_receivers r set leased_by = ${this.#name}, leased_until = ${instant(nowMs + leaseMs)}
        where r.name in (
          select o.name from alert_receivers o
          where o.name = any(${free}) and (o.next_at <= ${now}::timestamptz or o.next_at > ${instant(nowMs + 2 * waitMostMs)}::timestamptz)
            and (o.leased_until is null or o.leased_until < ${now}::timestamptz
              or o.leased_until > ${instant(nowMs + 2 * leaseMs)}::timestamptz)
            and exists (select from alert_notices a where a.receiver = o.name and a.state = 'waiting'
              and (a.due_at <= ${now}::timestamptz or a.due_at <= a.created_at))
          for update skip locked)
        returning r.name`,
    )
    return rows.map(({ name }) => name)
  }

  async #serve(receiver: string): Promise<void> {
    const way = this.#options.ways.get(receiver)
    try {
      if (!way) return
      while (!this.#ending.signal.aborted) {
        const notice = await this.#next(receiver)
        if (!notice || !(await this.#sendOne(receiver, way, notice))) return
      }
    } finally {
      await this.#options.sql`
        update alert_receivers set leased_until = null where name = ${receiver} and leased_by = ${this.#name}`.catch(
        () => undefined,
      )
    }
  }

  /** The oldest that is due, with the lease made longer; nothing when the lease was lost. */
  async #next(receiver: string): Promise<{ n: number; message: Message; created_at: Date } | undefined> {
    const { sql, clock } = this.#options
    const now = instant(clock.now())
    const [row] = await storage(
      () => sql<{ n: number; message: Message; created_at: Date }[]>`
        with mine as (
          update alert_receivers set leased_until = ${instant(clock.now() + leaseMs)}
          where name = ${receiver} and leased_by = ${this.#name} returning name
        )
        select a.n, a.message, a.created_at from mine join alert_notices a on a.receiver = mine.name and a.state = 'waiting'
          -- Without quiet hours a notice is due when it is made, even if the clock was set back since.
          and (a.due_at <= ${now}::timestamptz or a.due_at <= a.created_at)
        order by a.n limit 1`,
    )
    return row
  }

  /** Whether the next one may be sent now. */
  async #sendOne(
    receiver: string,
    way: Way,
    notice: { n: number; message: Message; created_at: Date },
  ): Promise<boolean> {
    const { sql, clock } = this.#options
    try {
      await withDeadline(sendMs, (signal) => way.send(notice.message, signal))
    } catch (thrown) {
      return this.#failed(receiver, notice, thrown)
    }
    const now = instant(clock.now())
    await storage(
      () => sql`
        with sent as (
          update alert_notices set state = 'sent', sent_at = ${now}, attempts = attempts + 1, error = null where n = ${notice.n}
        )
        update alert_receivers set attempts = 0, next_at = '-infinity', failing_since = null, last_error = null, sent_at = ${now}
        where name = ${receiver}`,
    )
    return true
  }

  /** A message that is never taken, or that is too old to act on, holds up no later ones. */
  async #failed(
    receiver: string,
    { n, created_at }: { n: number; created_at: Date },
    thrown: unknown,
  ): Promise<boolean> {
    const { sql, clock, log } = this.#options
    const nowMs = clock.now()
    const error = asAppError(thrown)
    const text = cut(storable(error.message), 500)
    const isGivenUp = error.kind === "rejected" || nowMs - epochMs(created_at.toISOString()) > triedForMs
    log.warn({ err: thrown, receiver, notice: n }, "a notice was not taken")
    const [row] = await storage(
      () => sql<{ attempts: number }[]>`
        with tried as (
          update alert_notices set attempts = attempts + 1, error = ${text}, state = ${isGivenUp ? "given up" : "waiting"} where n = ${n}
        )
        update alert_receivers set attempts = attempts + 1, last_error = ${text},
          failing_since = coalesce(failing_since, ${instant(nowMs)}::timestamptz)
        where name = ${receiver} returning attempts`,
    )
    if (isGivenUp) return true
    const next = instant(nowMs + waitAfter(row?.attempts ?? 1))
    await storage(() => sql`update alert_receivers set next_at = ${next} where name = ${receiver}`)
    return false
  }

  async #repeat(): Promise<void> {
    const { everyMs = everyMsDefault } = this.#options
    while (!this.#ending.signal.aborted) {
      await this.#begin().catch((thrown: unknown) => this.#complain(thrown))
      await sleep(everyMs, this.#ending.signal).catch(() => undefined)
    }
  }

  #complain(thrown: unknown): void {
    const isOurs = asAppError(thrown).kind === "defect" && !isStorageAway(thrown)
    if (isOurs && !this.#ending.signal.aborted)
      this.#options.log.error({ err: thrown }, "notices were not sent; the next look tries again")
  }
}
