import { AppError } from "../../base/errors.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { instant, type Clock, type Instant } from "../../base/time.ts"

/** Fields of a case by which a group may be split. */
export const splitFields = [
  "channel",
  "sku",
  "owner",
  "cause",
  "workflow",
  "connection",
  "operation",
  "code",
  "field",
  "value",
] as const
export type SplitField = (typeof splitFields)[number]

/** What somebody said about a group; it holds for later cases too. */
export interface GroupRule {
  id: number
  kind: "merge" | "split"
  /** The group that it takes cases from. */
  group: string
  /** Of a merge: the group that they are in instead. */
  into?: string
  /** Of a split: the field that tells its parts apart. */
  by?: SplitField
  reason: string
  madeBy: string
  madeAt: Instant
  undone?: { by: string; at: Instant }
}

interface RuleRow {
  id: number
  kind: GroupRule["kind"]
  group_id: string
  into_group: string | null
  by_field: SplitField | null
  reason: string
  made_by: string
  made_at: Date
  undone_by: string | null
  undone_at: Date | null
}

interface RuleParts {
  sql: Sql
  clock: Clock
}

interface Said {
  by: string
  reason: string
}

/**
 * Puts a group's cases into another group, those to come as well. STATE_FORBIDS: one of the groups has no open cases, or a rule already.
 */
export async function mergeGroups(
  { sql, clock }: RuleParts,
  { group, into, by, reason }: Said & { group: string; into: string },
): Promise<GroupRule> {
  if (group === into) throw refusal("/into", "a group cannot be merged into itself")
  return changing(sql, async (transaction) => {
    await assertOpen(transaction, [group, into])
    const [row] = await transaction<RuleRow[]>`
      insert into exception_group_rules (kind, group_id, into_group, reason, made_by, made_at)
      values ('merge', ${group}, ${into}, ${reason}, ${by}, ${instant(clock.now())}) returning *`
    return told(transaction, row, { act: "merge", by, text: reason, at: instant(clock.now()) })
  })
}

/** Splits a group by a field of its cases, those to come as well. STATE_FORBIDS: all its cases have the same there. */
export async function splitGroup(
  { sql, clock }: RuleParts,
  { group, field, by, reason }: Said & { group: string; field: SplitField },
): Promise<GroupRule> {
  return changing(sql, async (transaction) => {
    await assertOpen(transaction, [group])
    const [parts] = await transaction<{ count: number }[]>`
      select count(distinct coalesce(to_json(x) ->> ${field}, '')) as count from exceptions x where x.group_id = ${group} and x.state = 'open'`
    if ((parts?.count ?? 0) < 2)
      throw new AppError("STATE_FORBIDS", `all its cases have the same ${field}: that would split nothing`)
    const [row] = await transaction<RuleRow[]>`
      insert into exception_group_rules (kind, group_id, by_field, reason, made_by, made_at)
      values ('split', ${group}, ${field}, ${reason}, ${by}, ${instant(clock.now())}) returning *`
    return told(transaction, row, { act: "split", by, text: reason, at: instant(clock.now()) })
  })
}

/** Undoes a rule: its cases go back to where they belong without it. A repeat changes nothing. */
export async function undoGroupRule(
  { sql, clock }: RuleParts,
  { id, by }: { id: number; by: string },
): Promise<GroupRule> {
  return changing(sql, async (transaction) => {
    const at = instant(clock.now())
    const [row] = await transaction<RuleRow[]>`
      update exception_group_rules set undone_by = ${by}, undone_at = ${at} where id = ${id} and undone_at is null returning *`
    if (row) return told(transaction, row, { act: `undo ${row.kind}`, by, text: row.reason, at })
    const [before] = await transaction<RuleRow[]>`select * from exception_group_rules where id = ${id}`
    if (!before) throw new AppError("NOT_FOUND", `there is no rule ${id}`)
    return ruleOf(before)
  })
}

const rulesMax = 500

/** The newest rules, also those that were undone. */
export async function listGroupRules(sql: Sql): Promise<GroupRule[]> {
  const rows = await storage(
    () => sql<RuleRow[]>`select * from exception_group_rules order by id desc limit ${rulesMax}`,
  )
  return rows.map(ruleOf)
}

/** Rules by which cases are in a group, or that take its cases elsewhere. */
export async function rulesOfGroup(sql: Sql, group: string): Promise<GroupRule[]> {
  const rows = await storage(
    () => sql<RuleRow[]>`
      select r.* from exception_group_rules r where r.undone_at is null and (r.group_id = ${group} or r.into_group = ${group}
        or r.id in (select unnest((group_way(x)).rules)
          from (select * from exceptions e where e.group_id = ${group} and e.state = 'open' order by e.opened_at desc limit 50) x))
      order by r.id`,
  )
  return rows.map(ruleOf)
}

/** One change of rules at a time, and no case is opened meanwhile. */
async function changing(sql: Sql, work: (transaction: SqlTransaction) => Promise<GroupRule>): Promise<GroupRule> {
  return storage(() =>
    inTransaction(sql, async (transaction) => {
      await transaction`select begin_group_rule()`
      const rule = await work(transaction)
      await transaction`select regroup_exceptions(null)`
      return rule
    }),
  )
}

async function assertOpen(transaction: SqlTransaction, groups: readonly string[]): Promise<void> {
  for (const group of groups) {
    const [found] = await transaction`select from exceptions where group_id = ${group} and state = 'open' limit 1`
    if (!found) throw new AppError("STATE_FORBIDS", `group ${group} has no open cases`)
  }
}

/** In the history of both groups and in the audit. */
async function told(
  transaction: SqlTransaction,
  row: RuleRow | undefined,
  { act, by, text, at }: { act: string; by: string; text: string; at: Instant },
): Promise<GroupRule> {
  if (!row) throw new AppError("INVARIANT_BROKEN", "a rule that was made is not there")
  const detail = JSON.stringify({ rule: row.id, into: row.into_group, by: row.by_field })
  for (const group of [row.group_id, ...(row.into_group === null ? [] : [row.into_group])])
    await transaction`
      insert into exception_group_notes (group_id, at, by, act, text, detail)
      values (${group}, ${at}, ${by}, ${act}, ${text}, ${detail}::text::jsonb)`
  await transaction`select note_audit(${by}, ${`group: ${act}`}, ${`exception group ${row.group_id}`}, ${detail}::text::jsonb)`
  return ruleOf(row)
}

function refusal(pointer: string, message: string): AppError {
  return new AppError("REQUEST_INVALID", message, { problems: [{ pointer, message }] })
}

function ruleOf(row: RuleRow): GroupRule {
  return {
    id: row.id,
    kind: row.kind,
    group: row.group_id,
    ...(row.into_group === null ? {} : { into: row.into_group }),
    ...(row.by_field === null ? {} : { by: row.by_field }),
    reason: row.reason,
    madeBy: row.made_by,
    madeAt: row.made_at.toISOString(),
    ...(row.undone_by === null || row.undone_at === null
      ? {}
      : { undone: { by: row.undone_by, at: row.undone_at.toISOString() } }),
  }
}
