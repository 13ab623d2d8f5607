import { AppError } from "../../base/errors.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { instant, isMoment, type Clock } from "../../base/time.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import type { Because } from "../../canonical/events/because.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Inbox } from "../../eventlog/inbox.ts"
import type { ExceptionRecord } from "./record.ts"
import type { Decided, ExceptionAction } from "./actions.ts"
import type { Ask } from "../asks.ts"
import { readBecause as becauseOf } from "../groups/groups.ts"
import { makeCursor, parseCursor } from "../cursor.ts"

interface ExceptionRow {
  id: string
  about: Ref
  workflow: string | null
  order_id: string | null
  cause: string
  summary: string
  done_so_far: string[]
  if_nobody_acts: string
  allowed: string[]
  owner: string
  risk_minor: number | null
  risk_currency: string | null
  sku: string | null
  missing_milli: number | null
  kind: Because["kind"]
  connection: string | null
  operation: string | null
  code: string | null
  field: string | null
  value: string | null
  group_id: string
  channel: string | null
  due_at: Date | null
  due_what: string | null
  opened_at: Date
  state: "open" | "decided"
  action: string | null
  decided_by: string | null
  decided_at: Date | null
  decision_note: string | null
  decision_day: string | null
}

interface DeskOptions {
  sql: Sql
  eventLog: EventLog
  inbox: Pick<Inbox, "retranslate">
  clock: Clock
  /** All actions, as declared by the areas. */
  actions: readonly ExceptionAction[]
}

interface ExceptionListRequest {
  limit: number
  cursor?: string
  state?: "open" | "decided"
  owner?: string
  cause?: string
  orderId?: string
  sku?: string
  group?: string
  ids?: readonly string[]
  channels?: readonly string[] | undefined
}

interface Decision {
  action: string
  by: string
  reason?: string
  day?: string
}

/** Lists exceptions and records decisions. */
export class ExceptionDesk {
  readonly #options: DeskOptions

  constructor(options: DeskOptions) {
    this.#options = options
  }

  /** With `channels` only an exception about an order of one of them. */
  async find(
    id: string,
    { channels }: { channels?: readonly string[] | undefined } = {},
  ): Promise<ExceptionRecord | undefined> {
    const rows = await storage(
      () => this.#options.sql<ExceptionRow[]>`
        select * from exceptions x where id = ${id} and (${channels === undefined}
          or exists (select from objects o where o.ref = 'order/' || x.order_id and o.channel = any(${[...(channels ?? [])]})))`,
    )
    return rows[0] ? exceptionRecord(rows[0]) : undefined
  }

  /** Newest first. */
  async list(request: ExceptionListRequest): Promise<{ items: ExceptionRecord[]; cursor?: string }> {
    const after = request.cursor === undefined ? undefined : parseCursor(request.cursor)
    const { channels } = request
    const wanted = (value: string | undefined) => value ?? null
    const rows = await storage(
      () => this.#options.sql<ExceptionRow[]>`
        select * from exceptions x
        where (${channels === undefined}
            or exists (select from objects o where o.ref = 'order/' || x.order_id and o.channel = any(${[...(channels ?? [])]})))
          and (${after?.at ?? null}::timestamptz is null or (opened_at, id) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}))
          and (${wanted(request.state)}::text is null or state = ${wanted(request.state)})
          and (${wanted(request.owner)}::text is null or owner = ${wanted(request.owner)})
          and (${wanted(request.cause)}::text is null or cause = ${wanted(request.cause)})
          and (${wanted(request.orderId)}::text is null or order_id = ${wanted(request.orderId)})
          and (${wanted(request.sku)}::text is null or sku = ${wanted(request.sku)})
          and (${wanted(request.group)}::text is null or group_id = ${wanted(request.group)})
          and (${request.ids === undefined} or id = any(${[...(request.ids ?? [])]}))
        order by opened_at desc, id desc limit ${request.limit + 1}`,
    )
    const items = rows.slice(0, request.limit).map(exceptionRecord)
    const last = items.at(-1)
    return rows.length > request.limit && last ? { items, cursor: makeCursor(last.openedAt, last.id) } : { items }
  }

  /**
   * Records a decision and carries out its action. A repeat of the decision changes nothing. STATE_FORBIDS: another decision was
   * made before, or the action is not allowed or not known to this version. REQUEST_INVALID: the action asks for a day and there is
   * none, or there is one that it does not ask for.
   */
  async decide(
    id: string,
    { channels, ...decision }: Decision & { channels?: readonly string[] | undefined },
  ): Promise<ExceptionRecord | undefined> {
    const exception = await this.find(id, { channels })
    if (!exception) return undefined
    if (!exception.allowedActions.includes(decision.action))
      throw new AppError(
        "STATE_FORBIDS",
        `"${decision.action}" is not among what may be done: ${exception.allowedActions.join(", ")}`,
      )
    const { decision: before } = exception
    if (before !== undefined && (before.action !== decision.action || before.day !== decision.day))
      throw new AppError(
        "STATE_FORBIDS",
        `it was decided already: ${before.action}${before.day === undefined ? "" : ` ${before.day}`}`,
      )
    const action = this.actionOf(decision)
    const decided = { ...decision, at: instant(this.#options.clock.now()) }
    await this.#options.eventLog.append(decidedEvent(exception, decided))
    await this.#options.sql`
      select note_audit(${decision.by}, ${`decide exception: ${decision.action}`}, ${id},
        ${JSON.stringify({ reason: decision.reason ?? null, day: decision.day ?? null })}::text::jsonb)`
    await this.#carryOut(action, exception, decided)
    return { ...exception, state: "decided", decision: decided }
  }

  /** What may be done about exceptions, what follows, and what a decision must say. */
  actions(): { name: string; does: string; asksFor: readonly Ask[]; scope?: string }[] {
    return this.#options.actions.map(({ name, does, asksFor = [], scope }) => ({
      name,
      does,
      asksFor,
      ...(scope === undefined ? {} : { scope }),
    }))
  }

  /** The action of a decision. STATE_FORBIDS when this version does not know it, REQUEST_INVALID for a day too many or too few. */
  actionOf({ action: wanted, day }: Pick<Decision, "action" | "day">): ExceptionAction {
    const action = this.#options.actions.find(({ name }) => name === wanted)
    if (!action) throw new AppError("STATE_FORBIDS", `this version of Crossdock does not know the action "${wanted}"`)
    checkDay(action, day)
    return action
  }

  /** All that fit, page by page. Deciding one that was yielded does not disturb those after it. */
  async *all(filter: Omit<ExceptionListRequest, "limit" | "cursor">): AsyncGenerator<ExceptionRecord> {
    let cursor: string | undefined
    do {
      const page = await this.list({ ...filter, limit: 200, ...(cursor === undefined ? {} : { cursor }) })
      yield* page.items
      cursor = page.cursor
    } while (cursor !== undefined)
  }

  /** Decides all exceptions of these alike, e.g. those that one change of data answers. Returns how many there were. */
  async decideAll(
    filter: Omit<ExceptionListRequest, "limit" | "cursor"> & { sku: string },
    decision: Decision,
  ): Promise<number> {
    let count = 0
    for await (const { id } of this.all(filter)) if (await this.decide(id, decision)) count += 1
    return count
  }

  async #carryOut({ effect }: ExceptionAction, exception: ExceptionRecord, decided: Decided): Promise<void> {
    const { eventLog } = this.#options
    if (effect.kind === "append") await eventLog.append(effect.event(exception, decided))
    if (effect.kind !== "carry out") return
    const prefix = effect.alsoDecides?.(exception.id)
    if (prefix !== undefined)
      for (const other of await this.#openBeside(exception.id, prefix))
        await eventLog.append(decidedEvent(other, decided))
    await effect.run(this.#options, exception)
  }

  async #openBeside(id: string, prefix: string): Promise<ExceptionRecord[]> {
    const rows = await storage(
      () => this.#options.sql<ExceptionRow[]>`
        select * from exceptions where state = 'open' and starts_with(id, ${prefix}) and id <> ${id}`,
    )
    return rows.map(exceptionRecord)
  }

  async countOpen(): Promise<number> {
    const [row] = await this.#options.sql<
      { count: number }[]
    >`select count(*) as count from exceptions where state = 'open'`
    return row?.count ?? 0
  }

  /** The money at risk in all open cases, one entry a currency. Cases of one order put the same money at risk: the largest counts. */
  async atRisk(): Promise<{ amountMinor: number; currency: string }[]> {
    return this.#options.sql<{ amountMinor: number; currency: string }[]>`
      select sum(largest)::bigint as "amountMinor", currency from (
        select coalesce(order_id, id) as thing, risk_currency as currency, max(risk_minor) as largest from exceptions
        where state = 'open' and risk_minor > 0 group by 1, 2
      ) one group by currency order by currency`
  }
}

function decidedEvent({ id, about, workflow }: ExceptionRecord, { action, by, at, reason, day }: Decided): NewEvent {
  return newEvent({
    type: "exception.decided",
    fact: `exception:${id}:decided`,
    source: "crossdock:exceptions",
    time: at,
    data: {
      exceptionId: id,
      about,
      ...(workflow === undefined ? {} : { workflow }),
      action,
      decidedBy: by,
      ...(reason === undefined ? {} : { reason }),
      ...(day === undefined ? {} : { day }),
      at,
    },
  })
}

function checkDay({ name, asksFor }: ExceptionAction, day: string | undefined): void {
  const problem = (message: string) =>
    new AppError("REQUEST_INVALID", message, { problems: [{ pointer: "/day", message }] })
  if (!asksFor?.some((ask) => ask.name === "day")) {
    if (day !== undefined) throw problem(`"${name}" takes no day`)
  } else if (day === undefined || !isMoment(`${day}T00:00:00Z`)) throw problem(`"${name}" needs a day, as YYYY-MM-DD`)
}

function exceptionRecord(row: ExceptionRow): ExceptionRecord {
  return {
    id: row.id,
    about: row.about,
    ...(row.workflow === null ? {} : { workflow: row.workflow }),
    ...(row.order_id === null ? {} : { orderId: row.order_id }),
    cause: row.cause,
    summary: row.summary,
    doneSoFar: row.done_so_far,
    ifNobodyActs: row.if_nobody_acts,
    allowedActions: row.allowed,
    owner: row.owner,
    ...(row.risk_minor === null || row.risk_currency === null
      ? {}
      : { atRisk: { amountMinor: row.risk_minor, currency: row.risk_currency } }),
    ...(row.sku === null ? {} : { sku: row.sku }),
    ...(row.missing_milli === null ? {} : { missingMilli: row.missing_milli }),
    group: row.group_id,
    because: becauseOf(row),
    ...(row.channel === null ? {} : { channel: row.channel }),
    ...(row.due_at === null ? {} : { dueAt: { at: row.due_at.toISOString(), what: row.due_what ?? "" } }),
    openedAt: row.opened_at.toISOString(),
    state: row.state,
    ...(row.action === null || row.decided_by === null || row.decided_at === null
      ? {}
      : {
          decision: {
            action: row.action,
            by: row.decided_by,
            at: row.decided_at.toISOString(),
            ...(row.decision_note === null ? {} : { reason: row.decision_note }),
            ...(row.decision_day === null ? {} : { day: row.decision_day }),
          },
        }),
  }
}
