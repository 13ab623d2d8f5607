import { asAppError } from "../../base/errors.ts"
import { randomId } from "../../base/ids.ts"
import { own } from "../../base/lookup.ts"
import type { Log } from "../../base/log.ts"
import type { Money } from "../../base/money.ts"
import { inTransaction, isStorageAway, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { instant, sleep, type Clock, type Duration } from "../../base/time.ts"
import type { AlertRule, Condition } from "../../rules/alerts/condition.ts"
import { messageOf } from "../../rules/alerts/message.ts"
import { recipientsOf, type Recipients } from "../../rules/alerts/recipients.ts"
import { advance, type Step, type Thread, type ThreadTimes } from "../../rules/alerts/thread.ts"
import { scoreOf, type Ranking } from "../groups/score.ts"
import { beat, putNotice, tellEnds, type Held, type Outgoing } from "./notices.ts"
import { silences } from "./silences.ts"

/** Looks for what is wrong of some rules. When it fails, nothing is concluded about them. */
export interface AlertSource {
  rules: readonly AlertRule[]
  read(): Promise<Condition[]>
}

interface WatchOptions {
  sql: Sql
  clock: Clock
  log: Log
  sources: readonly AlertSource[]
  recipients: Recipients
  times: ThreadTimes
  consoleUrl: string
  ranking?: Ranking | undefined
  deadMansSwitch?: { receiver: string; every: Duration } | undefined
  /** How often it looks. */
  everyMs?: number
  /** Called after each look. */
  onPass?: (failed: unknown) => void
}

interface ThreadRow {
  id: string
  key: string
  rule: AlertRule
  body: Thread
  held: string | null
  notices: number
}

const everyMsDefault = 10_000
const leaseMs = 60_000

/**
 * Watches what is wrong and keeps the threads of alerts. Of all workers one watches, by a lease; a step of the threads and the
 * notices it makes are one transaction, so that a worker may be killed at any point.
 */
export class WatchesAlerts {
  readonly #options: WatchOptions
  readonly #name = randomId("watch")
  readonly #ending = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(options: WatchOptions) {
    this.#options = options
  }

  start(): void {
    this.#running = this.#repeat()
  }

  async stop(): Promise<void> {
    this.#ending.abort()
    await this.#running
    await this.#options.sql`
      update alert_clock set leased_until = null where name = 'watch' and leased_by = ${this.#name}`.catch(
      () => undefined,
    )
  }

  /** One look; false when another worker watches. */
  async pass(): Promise<boolean> {
    if (!(await this.#isOurs())) return false
    const { sources } = this.#options
    const found = await Promise.allSettled(sources.map((source) => source.read()))
    const conditions = found.flatMap((one) => (one.status === "fulfilled" ? one.value : []))
    const unknown = new Set(sources.flatMap(({ rules }, n) => (found[n]?.status === "rejected" ? rules : [])))
    const failure = found.find((one) => one.status === "rejected")
    const byKey = new Map(conditions.map((condition) => [condition.key, condition]))
    await storage(() =>
      inTransaction(this.#options.sql, async (transaction) => {
        if (!(await this.#isStillOurs(transaction))) return
        await this.#stepAll(transaction, byKey, unknown)
        await tellEnds(transaction, this.#options)
        if (!failure) await beat(transaction, this.#options)
      }),
    )
    if (failure) throw failure.reason
    return true
  }

  async #stepAll(
    transaction: SqlTransaction,
    conditions: ReadonlyMap<string, Condition>,
    unknown: ReadonlySet<AlertRule>,
  ): Promise<void> {
    const now = instant(this.#options.clock.now())
    const rows = await transaction<ThreadRow[]>`
      select id, key, rule, body, held, notices from alert_threads where state <> 'resolved' for update`
    const live = await transaction<Held[]>`
      select id, matches, ends_at, made_at, reason, made_by, told_end, held_back from alert_silences
      where ended_at is null and ends_at > ${now}::timestamptz order by made_at`
    const threads = new Map(rows.map((row) => [row.key, row]))
    for (const key of new Set([...threads.keys(), ...conditions.keys()])) {
      const row = threads.get(key)
      const condition = conditions.get(key)
      if (!condition && row && unknown.has(row.rule)) continue
      const about = condition ?? row?.body.condition
      if (about) await this.#stepOne(transaction, { row, condition, ...this.#heldBy(about, conditions, live) })
    }
  }

  /** Why nobody is told of it now. */
  #heldBy(about: Condition, conditions: ReadonlyMap<string, Condition>, live: readonly Held[]) {
    const silence = live.find(({ matches }) => silences(matches, about))
    if (silence) return { held: `silenced until ${silence.ends_at.toISOString()}: ${silence.reason}`, silence }
    const causes = about.explainedBy.flatMap((key) => conditions.get(key) ?? [])
    const cause = causes[0] ?? [...conditions.values()].find(({ explains = [] }) => explains.includes(about.key))
    if (cause && cause.key !== about.key) return { held: `explained by: ${cause.title}` }
    if (about.aside !== undefined) return { held: about.aside }
    const { teams, everybody } = this.#options.recipients
    const first = own(teams, about.owner)?.onDuty ?? everybody
    return first.length > 0 ? {} : { held: `the estate names no receiver for ${about.owner}` }
  }

  async #stepOne(
    transaction: SqlTransaction,
    one: { row: ThreadRow | undefined; condition: Condition | undefined; held?: string; silence?: Held },
  ): Promise<void> {
    const { clock, times } = this.#options
    const { row, condition, held, silence } = one
    const step = advance(row?.body, condition, {
      nowMs: clock.now(),
      times,
      isHeld: held !== undefined,
      worth: (money) => this.#worth(money),
    })
    if (!step.thread) {
      if (row) await transaction`delete from alert_threads where id = ${row.id}`
      return
    }
    const id = row?.id ?? randomId("alr")
    const notices = await this.#write(transaction, { id, row, step, thread: step.thread, held: held ?? null })
    for (const notice of notices) await putNotice(transaction, notice, instant(clock.now()))
    if (step.isHeldBack && silence)
      await transaction`update alert_silences set held_back = held_back + 1 where id = ${silence.id}`
  }

  async #write(
    transaction: SqlTransaction,
    {
      id,
      row,
      step,
      thread,
      held,
    }: { id: string; row: ThreadRow | undefined; step: Step; thread: Thread; held: string | null },
  ): Promise<Outgoing[]> {
    const { key, rule } = thread.condition
    const n = (row?.notices ?? 0) + (step.notice ? 1 : 0)
    const body = JSON.stringify(thread)
    await transaction`
      insert into alert_threads as t (id, key, rule, state, body, held, notices, started_at, resolved_at)
      values (${id}, ${key}, ${rule}, ${thread.state}, ${body}::text::json, ${held}, ${n}, ${thread.startedAt}, ${thread.resolvedAt ?? null})
      on conflict (id) do update set state = excluded.state, body = excluded.body, held = excluded.held, notices = excluded.notices,
        resolved_at = excluded.resolved_at`
    return step.notice ? this.#noticesOf({ id, n, kind: step.notice, thread }) : []
  }

  #noticesOf({
    id,
    n,
    kind,
    thread,
  }: {
    id: string
    n: number
    kind: NonNullable<Step["notice"]>
    thread: Thread
  }): Outgoing[] {
    const { clock, recipients, consoleUrl } = this.#options
    const { condition, level } = thread
    const to = recipientsOf({ ...condition, kind, level }, recipients, clock.now())
    return to.map((recipient) => {
      const noticeId = `${id}.${n}.${recipient.receiver}`
      const at = instant(clock.now())
      return { ...recipient, message: messageOf({ id: noticeId, thread: id, kind, condition, at }, { consoleUrl }) }
    })
  }

  #worth(money: readonly Money[]): number {
    const { clock, ranking } = this.#options
    return scoreOf({ money, orders: 0 }, { nowMs: clock.now(), ...(ranking ? { ranking } : {}) }).money
  }

  async #isOurs(): Promise<boolean> {
    const { sql, clock } = this.#options
    const nowMs = clock.now()
    // A lease that ends later than any could was taken before the clock was set back.
    const rows = await storage(
      () => sql`
        update alert_clock set leased_by = ${this.#name}, leased_until = ${instant(nowMs + leaseMs)}
        where name = 'watch' and (leased_by = ${this.#name} or leased_until is null or leased_until < ${instant(nowMs)}::timestamptz
          or leased_until > ${instant(nowMs + 2 * leaseMs)}::timestamptz) returning name`,
    )
    return rows.length > 0
  }

  /** Another worker may have taken over while this one looked; what it found is too old then. */
  async #isStillOurs(transaction: SqlTransaction): Promise<boolean> {
    const rows =
      await transaction`select name from alert_clock where name = 'watch' and leased_by = ${this.#name} for update`
    return rows.length > 0
  }

  async #repeat(): Promise<void> {
    const { everyMs = everyMsDefault, log, onPass } = this.#options
    while (!this.#ending.signal.aborted) {
      try {
        await this.pass()
        onPass?.(undefined)
      } catch (thrown) {
        onPass?.(thrown)
        const isOurs = asAppError(thrown).kind === "defect" && !isStorageAway(thrown)
        if (isOurs && !this.#ending.signal.aborted)
          log.error({ err: thrown }, "a look for alerts failed; it is made again")
      }
      await sleep(everyMs, this.#ending.signal).catch(() => undefined)
    }
  }
}
