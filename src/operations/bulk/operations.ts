import { AppError } from "../../base/errors.ts"
import { contentDigest, randomId } from "../../base/ids.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { epochMs, instant, type Clock } from "../../base/time.ts"
import { validator } from "../../canonical/validate.ts"
import { asksOf, type Ask } from "../asks.ts"
import { makeCursor } from "../cursor.ts"
import type { Ranking } from "../groups/score.ts"
import { riskOf, whyApproval, type ApprovalPolicy } from "./approval.ts"
import type { AnyBulkKind, Difference, Member } from "./kind.ts"
import type { BulkOperation, BulkState } from "./operation-row.ts"
import { readMembers, readOperations } from "./reads.ts"

interface BulkOptions {
  sql: Sql
  clock: Clock
  kinds: readonly AnyBulkKind[]
  ranking?: Ranking | undefined
  approval?: ApprovalPolicy | undefined
}

interface KindView extends Pick<AnyBulkKind, "name" | "does" | "scope" | "alwaysApproved" | "forAction"> {
  asksFor: Ask[]
}

export interface Asked {
  kind: string
  spec: unknown
  reason: string
  by: string
  channels?: readonly string[] | undefined
  perSecond?: number
}

/** Stands for what is personal. */
const hiddenText = "[personal]"

const previewLastsMs = 15 * 60_000
const approvalLastsMs = 24 * 3_600_000
const refusedShownMax = 200
const perSecondDefault = 20

/**
 * What people have done to many objects at once (S-121, X-13): a preview freezes the members, an approval names the preview's hash, and
 * nothing is ever done to an object that was not in it. Every change of state is audited.
 */
export class BulkOperations {
  readonly #options: BulkOptions

  constructor(options: BulkOptions) {
    this.#options = options
  }

  /** What can be done to many, and what each kind needs to know. */
  kinds(): KindView[] {
    return this.#options.kinds.map(({ name, does, scope, alwaysApproved, forAction, schema }) => ({
      name,
      does,
      ...(forAction === undefined ? {} : { forAction }),
      ...(scope === undefined ? {} : { scope }),
      ...(alwaysApproved === undefined ? {} : { alwaysApproved }),
      asksFor: asksOf(schema),
    }))
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
    const { members, refused, says = [] } = await kind.preview(spec as never, { channels })
    const nowMs = this.#options.clock.now()
    const risk = riskOf(members)
    const id = randomId("op")
    const row = {
      id,
      hash: contentDigest({ kind: name, spec, members: members.map(({ id: member, seen }) => [member, seen]) }).slice(
        0,
        32,
      ),
      needs_approval: whyApproval(kind, { count: members.length, risk, nowMs, ...this.#options }) ?? null,
      risk,
      refused,
    }
    const { spec: shown } = this.withoutPersonal({ kind: name, spec: spec as object })
    await this.#audited(
      { by, action: `plan ${name}`, id, detail: { spec: shown, total: members.length } },
      async (sql) => {
        await sql`
        insert into bulk_operations (id, kind, spec, reason, channels, hash, state, needs_approval, risk, says, refused, total, requested_by,
          requested_at, expires_at, per_second)
        values (${id}, ${name}, ${JSON.stringify(spec)}::text::json, ${reason}, ${channels ? [...channels] : null}, ${row.hash}, 'previewed',
          ${row.needs_approval}, ${JSON.stringify(risk)}::text::json, ${JSON.stringify(says)}::text::json, ${JSON.stringify(refused.slice(0, refusedShownMax))}::text::json,
          ${members.length}, ${by}, ${instant(nowMs)}, ${instant(nowMs + previewLastsMs)}, ${perSecond})`
        await sql`
        insert into bulk_members (operation, n, member, about, seen)
        select ${id}, m.n, m.id, m.about, m.seen
        from json_to_recordset(${JSON.stringify(members.map(rowOf))}::text::json) as m(n integer, id text, about text, seen text)`
      },
    )
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

  /** Changes how many members a second it goes through, also while it runs. */
  async pace(id: string, { by, channels, perSecond }: Omit<Started, "hash"> & { perSecond: number }) {
    const { state } = await this.#known(id, channels)
    if (state === "stopped" || state === "done") throw new AppError("STATE_FORBIDS", `it is ${state}`)
    await this.#audited({ by, action: "operation: pace", id, detail: { perSecond } }, async (sql) => {
      await sql`update bulk_operations set per_second = ${perSecond} where id = ${id}`
    })
    return this.#known(id, channels)
  }

  /**
   * An operation for somebody who may not see what is personal: those members of its spec are left out. The same one where there
   * is none.
   */
  withoutPersonal<One extends Pick<BulkOperation, "kind" | "spec">>(operation: One): One {
    const personal = this.#options.kinds.find(({ name }) => name === operation.kind)?.personal ?? {}
    const hidden = Object.entries(personal).filter(([, isHidden]) => isHidden(operation.spec as never))
    if (hidden.length === 0) return operation
    return {
      ...operation,
      spec: { ...operation.spec, ...Object.fromEntries(hidden.map(([name]) => [name, hiddenText])) },
    }
  }

  /** What stands where and what shall stand there, for kinds that change values. */
  async difference({ kind, spec }: Pick<BulkOperation, "kind" | "spec">): Promise<Difference[] | undefined> {
    return this.#options.kinds.find(({ name }) => name === kind)?.difference?.(spec as never)
  }

  async find(id: string, channels?: readonly string[]): Promise<BulkOperation | undefined> {
    const [operation] = await readOperations(this.#options, { id, channels, limit: 1 })
    return operation
  }

  /** Newest first. */
  async list(request: {
    limit: number
    cursor?: string
    state?: string | undefined
    channels?: readonly string[] | undefined
  }): Promise<{ items: BulkOperation[]; cursor?: string }> {
    const rows = await readOperations(this.#options, { ...request, limit: request.limit + 1 })
    const items = rows.slice(0, request.limit)
    const last = items.at(-1)
    return rows.length > request.limit && last ? { items, cursor: makeCursor(last.requestedAt, last.id) } : { items }
  }

  /** Members in their order, from the one after `after`. */
  members(id: string, page: { after?: number | undefined; limit?: number | undefined }) {
    return readMembers(this.#options.sql, id, page)
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

const rowOf = ({ id, about, seen }: Member, n: number) => ({ n, id, about, ...(seen === undefined ? {} : { seen }) })
