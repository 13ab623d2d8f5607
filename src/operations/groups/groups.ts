import { storage, type Sql } from "../../base/sql.ts"
import { epochMs, instant, type Clock } from "../../base/time.ts"
import type { Because } from "../../canonical/events/because.ts"
import { scoreOf, type Ranking, type Score } from "./score.ts"

/** Open cases of one cause. */
export interface ExceptionGroup {
  /** Follows from what its cases have in common, so it is the same after every restart. */
  id: string
  because: Because
  cause: string
  /** The text of its latest case. */
  summary: string
  ifNobodyActs: string
  /** Open cases that the caller may see. */
  open: number
  orders: number
  /** One entry a currency: currencies are never added. */
  atRisk: { amountMinor: number; currency: string }[]
  dueAt?: string
  dueWhat?: string
  firstAt: string
  lastAt: string
  owner: string
  state: "open" | "acknowledged" | "snoozed"
  assignee?: string
  acknowledged?: { by: string; until: string }
  snoozedUntil?: string
  /** All its cases were ended within the last seven days, and then there were new ones. */
  cameBack: boolean
  /** What may be done about its latest case; an operation says how many of the others it covers. */
  actions: string[]
  score: Score
}

export interface GroupFilter {
  owner?: string | undefined
  kind?: string | undefined
  connection?: string | undefined
  channel?: string | undefined
  /** Only cases about orders of these channels; undefined = all. */
  channels?: readonly string[] | undefined
}

export type GroupSort = "score" | "money" | "clock" | "cases" | "newest"

interface GroupRow {
  group_id: string
  open: number
  orders: number
  risk: Record<string, number> | null
  first_at: Date
  last_at: Date
  due_at: Date | null
  due_what: string | null
  cause: string
  kind: Because["kind"]
  connection: string | null
  operation: string | null
  code: string | null
  field: string | null
  value: string | null
  summary: string
  if_nobody_acts: string
  owner: string
  actions: string[]
  assignee: string | null
  acknowledged_by: string | null
  acknowledged_until: Date | null
  snoozed_until: Date | null
  snoozed_cases: number | null
  snoozed_minor: number | null
  snoozed_currency: string | null
  came_back: boolean
}

/** More groups than these are no list for people; the list says that there are more. */
const groupsMax = 500

interface GroupsOptions {
  sql: Sql
  clock: Clock
  ranking?: Ranking
}

/**
 * Open cases, counted by what they have in common, when they are asked for: no counter can go wrong, and ten thousand cases take some
 * milliseconds of an index (`exceptions_grouped`).
 */
export async function listGroups(
  options: GroupsOptions,
  filter: GroupFilter & { sort?: GroupSort | undefined; state?: "open" | "snoozed" | "all" | undefined },
): Promise<{ items: ExceptionGroup[]; hasMore: boolean }> {
  const groups = await readGroups(options, filter)
  const state = filter.state ?? "open"
  const wanted = groups.filter((group) => state === "all" || (group.state === "snoozed") === (state === "snoozed"))
  const items = wanted.toSorted((a, b) => orders[filter.sort ?? "score"](a, b) || a.id.localeCompare(b.id))
  return { items: items.slice(0, groupsMax), hasMore: items.length > groupsMax }
}

/** One group with open cases; undefined when it has none that the caller may see. */
export async function findGroup(
  options: GroupsOptions,
  id: string,
  { channels }: Pick<GroupFilter, "channels">,
): Promise<ExceptionGroup | undefined> {
  const [group] = await readGroups(options, { id, channels })
  return group
}

const moneyOf = ({ score }: ExceptionGroup) => score.money
const dueOf = ({ dueAt }: ExceptionGroup) => (dueAt === undefined ? Number.POSITIVE_INFINITY : epochMs(dueAt))
const orders: Record<GroupSort, (a: ExceptionGroup, b: ExceptionGroup) => number> = {
  score: (a, b) => b.score.total - a.score.total || b.open - a.open,
  money: (a, b) => moneyOf(b) - moneyOf(a),
  // Two without a clock are alike: infinity less infinity is no number.
  clock: (a, b) => (dueOf(a) === dueOf(b) ? 0 : dueOf(a) - dueOf(b)),
  cases: (a, b) => b.open - a.open,
  newest: (a, b) => epochMs(b.lastAt) - epochMs(a.lastAt),
}

async function readGroups(
  { sql, clock, ranking }: GroupsOptions,
  { id, owner, kind, connection, channel, channels }: GroupFilter & { id?: string },
): Promise<ExceptionGroup[]> {
  const nowMs = clock.now()
  const wanted = (value: string | undefined) => value ?? null
  const week = instant(nowMs - 7 * 86_400_000)
  const rows = await storage(
    () => sql<GroupRow[]>`
      with cases as not materialized (
        select * from exceptions x
        where x.state = 'open' and (${wanted(id)}::text is null or x.group_id = ${wanted(id)})
          and (${wanted(owner)}::text is null or x.owner = ${wanted(owner)})
          and (${wanted(kind)}::text is null or x.kind = ${wanted(kind)})
          and (${wanted(connection)}::text is null or x.connection = ${wanted(connection)})
          and (${wanted(channel)}::text is null or x.channel = ${wanted(channel)})
          and (${channels === undefined} or (x.order_id is not null and x.channel = any(${[...(channels ?? [])]})))
      ), by_currency as (
        select group_id, risk_currency, count(*) as open, least(sum(risk_minor), ${Number.MAX_SAFE_INTEGER}::bigint)::bigint as risk,
          min(opened_at) as first_at, max(opened_at) as last_at, min(due_at) as due_at
        from cases group by 1, 2
      ), by_group as (
        select group_id, sum(open)::bigint as open, min(first_at) as first_at, max(last_at) as last_at,
          min(due_at) as due_at, json_object_agg(risk_currency, risk) filter (where risk_currency is not null) as risk
        from by_currency group by 1
      ), orders_of as (
        -- An order may have several cases of one cause: its invoice and its payment meet the same closed period.
        select group_id, count(*)::bigint as orders from (select distinct group_id, order_id from cases where order_id is not null) as each group by 1
      )
      select g.*, coalesce(orders_of.orders, 0) as orders, latest.cause, latest.kind, latest.connection, latest.operation, latest.code, latest.field, latest.value,
        latest.summary, latest.if_nobody_acts, latest.allowed as actions, latest.owner, latest.due_what, m.assignee, m.acknowledged_by,
        m.acknowledged_until, m.snoozed_until, m.snoozed_cases, m.snoozed_minor, m.snoozed_currency,
        exists (select from exceptions e where e.group_id = g.group_id and e.state = 'decided' and e.decided_at > ${week}
          and e.decided_at < g.first_at) as came_back
      from by_group g
      cross join lateral (select c.* from cases c where c.group_id = g.group_id order by c.opened_at desc limit 1) latest
      left join orders_of on orders_of.group_id = g.group_id
      left join exception_group_marks m on m.group_id = g.group_id`,
  )
  return rows.map((row) => groupOf(row, { nowMs, ...(ranking ? { ranking } : {}) }))
}

function groupOf(row: GroupRow, { nowMs, ranking }: { nowMs: number; ranking?: Ranking }): ExceptionGroup {
  const atRisk = Object.entries(row.risk ?? {}).map(([currency, amountMinor]) => ({ amountMinor, currency }))
  const due = row.due_at === null ? {} : { dueAt: row.due_at.toISOString() }
  const acknowledged = row.acknowledged_until !== null && row.acknowledged_until.getTime() > nowMs
  return {
    id: row.group_id,
    because: readBecause(row),
    cause: row.cause,
    summary: row.summary,
    ifNobodyActs: row.if_nobody_acts,
    open: row.open,
    orders: row.orders,
    atRisk,
    ...due,
    ...(row.due_what === null ? {} : { dueWhat: row.due_what }),
    firstAt: row.first_at.toISOString(),
    lastAt: row.last_at.toISOString(),
    owner: row.owner,
    state: isSnoozed(row, nowMs) ? "snoozed" : acknowledged ? "acknowledged" : "open",
    ...(row.assignee === null ? {} : { assignee: row.assignee }),
    ...(acknowledged && row.acknowledged_until && row.acknowledged_by !== null
      ? { acknowledged: { by: row.acknowledged_by, until: row.acknowledged_until.toISOString() } }
      : {}),
    ...(isSnoozed(row, nowMs) && row.snoozed_until ? { snoozedUntil: row.snoozed_until.toISOString() } : {}),
    cameBack: row.came_back,
    actions: row.actions,
    score: scoreOf({ money: atRisk, orders: row.orders, ...due }, { nowMs, ...(ranking ? { ranking } : {}) }),
  }
}

/** Whichever comes first ends it: its time, so many cases, or so much money. */
function isSnoozed(row: GroupRow, nowMs: number): boolean {
  const { snoozed_until: until, snoozed_cases: cases, snoozed_minor: minor, snoozed_currency: currency } = row
  if (until === null || until.getTime() <= nowMs) return false
  if (cases !== null && row.open >= cases) return false
  return minor === null || currency === null || (row.risk?.[currency] ?? 0) < minor
}

/** The columns in which a case keeps what it has in common with others. */
export type BecauseColumns = Pick<GroupRow, "kind" | "connection" | "operation" | "code" | "field" | "value">

export function readBecause({ kind, connection, operation, code, field, value }: BecauseColumns): Because {
  return {
    kind,
    ...(connection === null ? {} : { connection }),
    ...(operation === null ? {} : { operation }),
    ...(code === null ? {} : { code }),
    ...(field === null ? {} : { field }),
    ...(value === null ? {} : { value }),
  }
}
