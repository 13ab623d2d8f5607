import { AppError } from "../../base/errors.ts"
import { contentDigest, randomId } from "../../base/ids.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { epochMs, instant, type Clock } from "../../base/time.ts"
import { validator } from "../../canonical/validate.ts"
import { makeCursor, parseCursor } from "../cursor.ts"
import { scoreOf, type Ranking } from "../groups/score.ts"
import type { AnyBulkKind, Member } from "./kinds.ts"
import { operationOf, type BulkOperation, type BulkState, type OperationRow } from "./operation-row.ts"

/** When somebody else has to approve: more members, or more money in units of the ranking's currency. */
export interface ApprovalPolicy {
  cases?: number
  money?: number
}

interface BulkOptions {
  sql: Sql
  clock: Clock
  kinds: readonly AnyBulkKind[]
  ranking?: Ranking | undefined
  approval?: ApprovalPolicy | undefined
}

export interface Asked {
  kind: string
  spec: unknown
  reason: string
  by: string
  channels?: readonly string[] | undefined
  perSecond?: number
}

const previewLastsMs = 15 * 60_000
const approvalLastsMs = 24 * 3_600_000
const refusedShownMax = 200
const perSecondDefault = 20
const approvalDefaults = { cases: 100, money: 10_000 } as const

/**
 * What people have done to many objects at once (S-121, X-13): a preview freezes the members, an approval names the preview's hash, and
 * nothing is ever done to an object that was not in it. Every change of state is audited.
 */
export class BulkOperations {
  readonly #options: BulkOptions

  constructor(options: BulkOptions) {
    this.#options = options
  }

  kindOf(name: string): AnyBulkKind {
    const kind = this.#options.kinds.find((one) => one.name === name)
    if (kind) return kind
    const known = this.#options.kinds.map((one) => one.name).join(", ")
    throw new AppError("REQUEST_INVALID", `"${name.slice(0, 64)}" is no kind of operation`, {
      problems: [{ pointer: "/kind", message: `expected one of ${known}` }],
    })
  }

  /** Finds what it would be done to and keeps that. Changes nothing else. REQUEST_INVALID: a spec that its kind refuses, or too much. */
  async preview({
    kind: name,
    spec,
    reason,
    by,
    channels,
    perSecond = perSecondDefault,
  }: Asked): Promise<BulkOperation> {
    const kind = this.kindOf(name)
    const problems = validator(kind.schema, "spec").problems(spec)
    if (problems.length > 0)
      throw new AppError("REQUEST_INVALID", "this is not what the operation needs to know", {
        problems: problems.map((problem) => ({ ...problem, pointer: `/spec${problem.pointer}` })),
      })
    const { members, refused } = await kind.preview(spec as never, { channels })
    const nowMs = this.#options.clock.now()
    const risk = riskOf(members)
    const id = randomId("op")
    const row = {
      id,
      hash: contentDigest({ kind: name, spec, members: members.map((member) => member.id) }).slice(0, 32),
      needs_approval: this.#whyApproval(members, risk, nowMs) ?? null,
      risk,
      refused,
    }
    await this.#audited({ by, action: `plan ${name}`, id, detail: { spec, total: members.length } }, async (sql) => {
      await sql`
        insert into bulk_operations (id, kind, spec, reason, channels, hash, state, needs_approval, risk, refused, total, requested_by,
          requested_at, expires_at, per_second)
        values (${id}, ${name}, ${JSON.stringify(spec)}::text::json, ${reason}, ${channels ? [...channels] : null}, ${row.hash}, 'previewed',
          ${row.needs_approval}, ${JSON.stringify(risk)}::text::json, ${JSON.stringify(refused.slice(0, refusedShownMax))}::text::json,
          ${members.length}, ${by}, ${instant(nowMs)}, ${instant(nowMs + previewLastsMs)}, ${perSecond})`
      await sql`
        insert into bulk_members (operation, n, member, about)
        select ${id}, m.n, m.id, m.about
        from json_to_recordset(${JSON.stringify(members.map((member, n) => ({ n, id: member.id, about: member.about })))}::text::json)
          as m(n integer, id text, about text)`
    })
    return this.#known(id, channels)
  }

  /**
   * Starts a preview, or asks for its approval where it needs one. STATE_FORBIDS: it is too old, ended, or another preview than the
   * one that was seen.
   */
  async run(id: string, { hash, by, channels }: Started): Promise<BulkOperation> {
    const operation = await this.#known(id, channels)
    this.#assertSame(operation, hash)
    const nowMs = this.#options.clock.now()
    if (operation.state === "running" || operation.state === "done") return operation
    this.#assertFresh(operation, nowMs)
    if (operation.needsApproval !== undefined && operation.approvedBy === undefined) {
      await this.#move(id, ["previewed"], {
        to: "waiting for approval",
        by,
        expiresAt: instant(nowMs + approvalLastsMs),
      })
      return this.#known(id, channels)
    }
    await this.#move(id, ["previewed", "paused"], { to: "running", by, startedAt: instant(nowMs) })
    return this.#known(id, channels)
  }

  /** Approves and starts it. PERMISSION_MISSING for whoever asked for it: another person has to see it. */
  async approve(id: string, { hash, by, channels }: Started): Promise<BulkOperation> {
    const operation = await this.#known(id, channels)
    this.#assertSame(operation, hash)
    if (operation.requestedBy === by)
      throw new AppError("PERMISSION_MISSING", "you asked for it yourself: another person has to approve it")
    const nowMs = this.#options.clock.now()
    this.#assertFresh(operation, nowMs)
    await this.#move(id, ["waiting for approval"], { to: "running", by, approvedBy: by, startedAt: instant(nowMs) })
    return this.#known(id, channels)
  }

  async pause(id: string, { by, channels }: Omit<Started, "hash">): Promise<BulkOperation> {
    await this.#known(id, channels)
    await this.#move(id, ["running"], { to: "paused", by })
    return this.#known(id, channels)
  }

  /** Ends it: what is done stays done, the rest is left. */
  async stop(id: string, { by, channels }: Omit<Started, "hash">): Promise<BulkOperation> {
    await this.#known(id, channels)
    const endedAt = instant(this.#options.clock.now())
    await this.#move(id, ["previewed", "waiting for approval", "running", "paused"], { to: "stopped", by, endedAt })
    return this.#known(id, channels)
  }

  async find(id: string, channels?: readonly string[]): Promise<BulkOperation | undefined> {
    const [operation] = await this.#read({ id, channels, limit: 1 })
    return operation
  }

  /** Newest first. */
  async list(request: {
    limit: number
    cursor?: string
    state?: string | undefined
    channels?: readonly string[] | undefined
  }): Promise<{ items: BulkOperation[]; cursor?: string }> {
    const rows = await this.#read({ ...request, limit: request.limit + 1 })
    const items = rows.slice(0, request.limit)
    const last = items.at(-1)
    return rows.length > request.limit && last ? { items, cursor: makeCursor(last.requestedAt, last.id) } : { items }
  }

  /** Members in their order, from the one after `after`. */
  async members(id: string, { after = -1, limit = 100 }: { after?: number | undefined; limit?: number | undefined }) {
    return storage(
      () => this.#options.sql<
        { n: number; member: string; about: string; outcome: string | null; reason: string | null }[]
      >`
        select n, member, about, outcome, reason from bulk_members where operation = ${id} and n > ${after} order by n limit ${limit}`,
    )
  }

  #whyApproval(members: readonly Member[], money: { amountMinor: number; currency: string }[], nowMs: number) {
    const { cases, money: worth } = { ...approvalDefaults, ...this.#options.approval }
    if (members.length > cases) return `it changes ${members.length} objects, more than ${cases}`
    const ranking = this.#options.ranking ? { ranking: this.#options.ranking } : {}
    const score = scoreOf({ money, orders: 0 }, { nowMs, ...ranking }).money
    return score > worth ? `it is about ${score} of money, more than ${worth}` : undefined
  }

  #assertSame({ hash: known }: BulkOperation, hash: string): void {
    if (hash !== known)
      throw new AppError("STATE_FORBIDS", "this is not the preview that you saw; look at it again", {
        problems: [{ pointer: "/hash", message: "is that of another preview" }],
      })
  }

  #assertFresh({ expiresAt, state }: BulkOperation, nowMs: number): void {
    if (state !== "paused" && epochMs(expiresAt) < nowMs)
      throw new AppError("STATE_FORBIDS", "the preview is too old: what it would change may have moved; make another")
  }

  async #known(id: string, channels: readonly string[] | undefined): Promise<BulkOperation> {
    const operation = await this.find(id, channels)
    if (!operation) throw new AppError("NOT_FOUND", `there is no operation ${id.slice(0, 64)}`)
    return operation
  }

  async #move(id: string, from: readonly BulkState[], { to, by, ...times }: Move): Promise<void> {
    const { expiresAt = null, approvedBy = null, startedAt = null, endedAt = null } = times
    await this.#audited({ by, action: `operation: ${to}`, id, detail: {} }, async (sql) => {
      const moved = await sql<{ state: string }[]>`
        update bulk_operations set state = ${to}, expires_at = coalesce(${expiresAt}::timestamptz, expires_at),
          approved_by = coalesce(${approvedBy}, approved_by),
          approved_at = case when ${approvedBy}::text is null then approved_at else ${startedAt}::timestamptz end,
          started_at = coalesce(started_at, ${startedAt}::timestamptz), ended_at = coalesce(${endedAt}::timestamptz, ended_at)
        where id = ${id} and state = any(${[...from]}) returning state`
      if (moved.length > 0) return
      const [now] = await sql<{ state: string }[]>`select state from bulk_operations where id = ${id}`
      throw new AppError("STATE_FORBIDS", `it is ${now?.state ?? "gone"}; it must be ${from.join(" or ")}`)
    })
  }

  async #audited(
    { by, action, id, detail }: { by: string; action: string; id: string; detail: object },
    work: (sql: SqlTransaction) => Promise<void>,
  ): Promise<void> {
    await storage(() =>
      inTransaction(this.#options.sql, async (sql) => {
        await work(sql)
        await sql`select note_audit(${by}, ${action}, ${`operation ${id}`}, ${JSON.stringify(detail)}::text::jsonb)`
      }),
    )
  }

  async #read({ id, cursor, state, channels, limit }: Wanted): Promise<BulkOperation[]> {
    const after = cursor === undefined ? undefined : parseCursor(cursor)
    const rows = await storage(
      () => this.#options.sql<OperationRow[]>`
        select o.*, m.* from (
          select * from bulk_operations o
          where (${id ?? null}::text is null or o.id = ${id ?? null}) and (${state ?? null}::text is null or o.state = ${state ?? null})
            and (${channels === undefined} or o.channels <@ ${[...(channels ?? [])]})
            and (${after?.at ?? null}::timestamptz is null or (o.requested_at, o.id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}))
          order by o.requested_at desc, o.id desc limit ${limit}
        ) o cross join lateral (
          select count(*) filter (where outcome = 'done') as done, count(*) filter (where outcome = 'skipped') as skipped,
            count(*) filter (where outcome = 'failed') as failed
          from bulk_members where operation = o.id
        ) m order by o.requested_at desc, o.id desc`,
    )
    return rows.map((row) => operationOf(row, this.#options.clock.now()))
  }
}

interface Started {
  hash: string
  by: string
  channels?: readonly string[] | undefined
}

interface Move {
  to: BulkState
  by: string
  expiresAt?: string
  approvedBy?: string
  startedAt?: string
  endedAt?: string
}

interface Wanted {
  id?: string
  cursor?: string
  state?: string | undefined
  channels?: readonly string[] | undefined
  limit: number
}

function riskOf(members: readonly Member[]): { amountMinor: number; currency: string }[] {
  const sums = new Map<string, number>()
  for (const { atRisk } of members)
    if (atRisk) sums.set(atRisk.currency, (sums.get(atRisk.currency) ?? 0) + atRisk.amountMinor)
  return [...sums].map(([currency, amountMinor]) => ({ amountMinor, currency }))
}
