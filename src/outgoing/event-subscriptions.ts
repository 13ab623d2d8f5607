import { createHmac } from "node:crypto"
import { AppError } from "../base/errors.ts"
import { storage, type Sql, type SqlTransaction } from "../base/sql.ts"
import type { Instant } from "../base/time.ts"
import { releaseAll, removePosition, setPosition, waitingKeys } from "../eventlog/readers/positions.ts"
import { audited } from "../governance/audit.ts"

/** Where the events of the log are sent to. */
export interface EventSubscription {
  id: string
  url: string
  description: string
  /** Names, or all of a kind (`order.*`), also those that come to be later. Empty: all types. */
  types: readonly string[]
  createdBy: string
  createdAt: Instant
  state: "active" | "paused" | "stopped"
  /** Who paused it, or why it was stopped. */
  why?: string
  /** Events that its receiver took. */
  sent: number
  lastSentAt?: Instant
  /** Since when its receiver takes nothing. */
  failingSince?: Instant
  lastError?: string
  /** Keys with an event that the receiver refused: later events of the same object wait behind it. */
  waitingKeys: number
  /** Until when messages are signed with the former secret too. */
  rotatedUntil?: Instant
}

export interface NewEventSubscription {
  url: string
  description: string
  types: readonly string[]
  /** Events that the log took since then are sent; left out: those that it takes from now on. */
  since?: Instant
}

/** What a sender needs of one. */
export interface Leased {
  id: string
  url: string
  types: readonly string[]
  generation: number
  secretNo: number
  isRotating: boolean
}

/** The name under which the log keeps its position. */
export const readerName = (id: string) => `events to ${id}`

/** How long the former secret signs too after a rotation. */
const rotationHours = 24

/** The subscriptions of other teams to the events of the log. */
export class EventSubscriptions {
  readonly #sql: Sql
  readonly #signingKey: string

  constructor(sql: Sql, signingKey: string) {
    this.#sql = sql
    this.#signingKey = signingKey
  }

  /**
   * A secret follows from the estate's key, so that none is stored: `whsec_` and base64, as the Standard Webhooks specification has it.
   */
  secretOf(id: string, secretNo: number): string {
    const key = createHmac("sha256", this.#signingKey).update(`event subscription ${id} ${secretNo}`).digest()
    return `whsec_${key.toString("base64")}`
  }

  async list(): Promise<EventSubscription[]> {
    const rows = await this.#rows()
    const waiting = await waitingKeys(
      this.#sql,
      rows.map(({ id }) => readerName(id)),
    )
    return rows.map((row) => viewOf(row, waiting))
  }

  /** NOT_FOUND when there is none. */
  async find(id: string): Promise<EventSubscription> {
    const [row] = await this.#rows(id)
    if (!row) throw notFound(id)
    return viewOf(row, await waitingKeys(this.#sql, [readerName(id)]))
  }

  /** Makes one. Again with the same values it says the same; with others it is STATE_FORBIDS. */
  async create(id: string, wanted: NewEventSubscription, by: string): Promise<{ secret: string }> {
    const { url, description, types, since } = wanted
    const isNew = await audited(
      this.#sql,
      { by, action: "subscribe to events", subject: id, detail: withoutPath(wanted) },
      async (tx) => {
        const made = await tx`
        insert into event_subscriptions (id, url, description, types, created_by)
        values (${id}, ${url}, ${description}, ${[...types]}, ${by}) on conflict do nothing returning id`
        if (made.length === 0) return false
        await setPosition(tx, readerName(id), since)
        return true
      },
    )
    if (!isNew) {
      const known = await this.find(id)
      const isSame = known.url === url && known.description === description && sameTypes(known.types, types)
      if (!isSame)
        throw new AppError(
          "STATE_FORBIDS",
          `there is an event subscription ${id} with other values; change it, or choose another id`,
        )
    }
    return { secret: await this.#currentSecret(id) }
  }

  /** Changes what is given. Its position stays: a type that is added counts from the next event on. */
  async change(id: string, wanted: Partial<Omit<NewEventSubscription, "since">>, by: string): Promise<void> {
    const { url = null, description = null, types } = wanted
    await this.#audited(
      { id, by, action: "change an event subscription", detail: withoutPath(wanted) },
      (tx) => tx<{ id: string }[]>`
      update event_subscriptions set url = coalesce(${url}, url), description = coalesce(${description}, description),
        types = coalesce(${types ? [...types] : null}::text[], types), generation = generation + 1
      where id = ${id} returning id`,
    )
  }

  async pause(id: string, by: string): Promise<void> {
    await this.#audited(
      { id, by, action: "pause an event subscription" },
      (tx) => tx<{ id: string }[]>`
      update event_subscriptions set state = 'paused', why = ${`paused by ${by}`}, failing_since = null where id = ${id} returning id`,
    )
  }

  /** Goes on where it stands, also after it was stopped. */
  async resume(id: string, by: string): Promise<void> {
    await this.#audited({ id, by, action: "resume an event subscription" }, async (tx) => {
      await releaseAll(tx, readerName(id))
      return tx<{ id: string }[]>`
        update event_subscriptions set state = 'active', why = null, failing_since = null, last_error = null,
          generation = generation + 1
        where id = ${id} returning id`
    })
  }

  /** Sends again what the log took since a moment. What waits because it was refused is among it. */
  async replay(id: string, since: Instant, by: string): Promise<void> {
    await this.#audited({ id, by, action: "replay an event subscription", detail: { since } }, async (tx) => {
      const rows = await tx<{ id: string }[]>`
        update event_subscriptions set generation = generation + 1 where id = ${id} returning id`
      await setPosition(tx, readerName(id), since)
      return rows
    })
  }

  /** Makes a new secret; for a day messages are signed with both. */
  async rotate(id: string, by: string): Promise<{ secret: string }> {
    let secretNo = 0
    await this.#audited({ id, by, action: "rotate the secret of an event subscription" }, async (tx) => {
      const rows = await tx<{ id: string; no: number }[]>`
        update event_subscriptions set secret_no = secret_no + 1, generation = generation + 1,
          rotated_until = now() + ${rotationHours} * interval '1 hour'
        where id = ${id} returning id, secret_no as no`
      secretNo = rows[0]?.no ?? 0
      return rows
    })
    return { secret: this.secretOf(id, secretNo) }
  }

  async remove(id: string, by: string): Promise<void> {
    await this.#audited({ id, by, action: "remove an event subscription" }, async (tx) => {
      await removePosition(tx, readerName(id))
      return tx<{ id: string }[]>`delete from event_subscriptions where id = ${id} returning id`
    })
  }

  /** Takes, or keeps, the active subscriptions that no other process sends for. */
  async lease(process: string, leaseMs: number): Promise<Leased[]> {
    return storage(
      () => this.#sql<Leased[]>`
        select id, url, types, generation, secret_no as "secretNo", coalesce(rotated_until > now(), false) as "isRotating"
        from lease_event_subscriptions(${process}, ${leaseMs})`,
    )
  }

  async release(process: string): Promise<void> {
    await storage(
      () => this.#sql`update event_subscriptions set leased_until = '-infinity' where leased_by = ${process}`,
    )
  }

  async noteSent(id: string, count: number): Promise<void> {
    await storage(
      () => this.#sql`
        update event_subscriptions set sent = sent + ${count}, last_sent_at = clock_timestamp(), failing_since = null, last_error = null
        where id = ${id}`,
    )
  }

  /** Notes that its receiver takes nothing; returns since when. */
  async noteFailing(id: string, error: string): Promise<Instant> {
    const [row] = await storage(
      () => this.#sql<{ since: Date }[]>`
        update event_subscriptions set failing_since = coalesce(failing_since, clock_timestamp()), last_error = ${error}
        where id = ${id} returning failing_since as since`,
    )
    // One that was removed meanwhile sends nothing more.
    if (!row) throw notFound(id)
    return row.since.toISOString()
  }

  async stop(id: string, why: string): Promise<void> {
    await storage(() => this.#sql`update event_subscriptions set state = 'stopped', why = ${why} where id = ${id}`)
  }

  async #currentSecret(id: string): Promise<string> {
    const [row] = await storage(
      () => this.#sql<{ no: number }[]>`select secret_no as no from event_subscriptions where id = ${id}`,
    )
    return this.secretOf(id, row?.no ?? 1)
  }

  /** Where its messages go, and what they are signed with. */
  async receiverOf(id: string): Promise<{ url: string; secrets: readonly string[] }> {
    const { url } = await this.find(id)
    return { url, secrets: [await this.#currentSecret(id)] }
  }

  async #audited(
    { id, by, action, detail = {} }: { id: string; by: string; action: string; detail?: object },
    work: (tx: SqlTransaction) => Promise<readonly { id: string }[]>,
  ): Promise<void> {
    await audited(this.#sql, { by, action, subject: id, detail }, async (tx) => {
      const rows = await work(tx)
      if (rows.length === 0) throw notFound(id)
    })
  }

  async #rows(id: string | null = null): Promise<Row[]> {
    return storage(
      () => this.#sql<Row[]>`
        select s.id, s.url, s.description, s.types, s.created_by, s.created_at, s.state, s.why, s.sent, s.last_sent_at,
          s.failing_since, s.last_error, case when s.rotated_until > now() then s.rotated_until end as rotated_until
        from event_subscriptions s where ${id}::text is null or s.id = ${id} order by s.created_at, s.id`,
    )
  }
}

/** An address may have a secret in its path, and what people did is kept for good. */
const withoutPath = (wanted: Partial<NewEventSubscription>) =>
  wanted.url === undefined ? wanted : { ...wanted, url: new URL(wanted.url).origin }

const sameTypes = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((type) => other.includes(type))

const notFound = (id: string) => new AppError("NOT_FOUND", `there is no event subscription ${id}`)

interface Row {
  id: string
  url: string
  description: string
  types: string[]
  created_by: string
  created_at: Date
  state: EventSubscription["state"]
  why: string | null
  sent: number
  last_sent_at: Date | null
  failing_since: Date | null
  last_error: string | null
  rotated_until: Date | null
}

function viewOf(row: Row, waiting: ReadonlyMap<string, number>): EventSubscription {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    types: row.types,
    createdBy: row.created_by,
    createdAt: row.created_at.toISOString(),
    state: row.state,
    ...(row.why === null ? {} : { why: row.why }),
    sent: row.sent,
    ...(row.last_sent_at && { lastSentAt: row.last_sent_at.toISOString() }),
    ...(row.failing_since && { failingSince: row.failing_since.toISOString() }),
    ...(row.last_error === null || row.failing_since === null ? {} : { lastError: row.last_error }),
    waitingKeys: waiting.get(readerName(row.id)) ?? 0,
    ...(row.rotated_until && { rotatedUntil: row.rotated_until.toISOString() }),
  }
}
