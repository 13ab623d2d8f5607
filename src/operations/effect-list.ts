import { storage, type Sql } from "../base/sql.ts"
import { makeCursor, parseCursor } from "./order-book.ts"

interface EffectListRequest {
  limit: number
  cursor?: string
  connection?: string
  outcome?: string
  workflow?: string
  key?: string
}

/** An intent to change another system, as people see it. */
export interface EffectRecord {
  workflow: string
  key: string
  step: string
  kind: "effect" | "undo"
  connection: string
  capability: string
  operation: string
  businessKey: string
  /** "under way" while no outcome is known. */
  outcome: string
  attempts: number
  probes: number
  intentAt: string
  settledAt?: string
  reference?: unknown
  error?: unknown
  history: unknown[]
}

interface EffectRow {
  workflow: string
  key: string
  step: string
  kind: "effect" | "undo"
  connection: string
  capability: string
  operation: string
  business_key: string
  outcome: string | null
  attempts: number
  probes: number
  intent_at: Date
  settled_at: Date | null
  reference: unknown
  error: unknown
  history: unknown[]
}

/** Effects, newest first. */
export async function listEffects(
  sql: Sql,
  request: EffectListRequest,
): Promise<{ items: EffectRecord[]; cursor?: string }> {
  const after = request.cursor === undefined ? undefined : parseCursor(request.cursor)
  const wanted = (value: string | undefined) => value ?? null
  const rows = await storage(
    () => sql<EffectRow[]>`
      select workflow, key, step, kind, connection, capability, operation, business_key, outcome, attempts, probes, intent_at,
        settled_at, reference, error, history
      from workflow_steps
      where kind in ('effect', 'undo')
        and (${after?.at ?? null}::timestamptz is null or (intent_at, key || step) < (${after?.at ?? null}::timestamptz, ${after?.id ?? null}))
        and (${wanted(request.connection)}::text is null or connection = ${wanted(request.connection)})
        and (${wanted(request.outcome)}::text is null or coalesce(outcome, 'under way') = ${wanted(request.outcome)})
        and (${wanted(request.workflow)}::text is null or workflow = ${wanted(request.workflow)})
        and (${wanted(request.key)}::text is null or key = ${wanted(request.key)})
      order by intent_at desc, key || step desc limit ${request.limit + 1}`,
  )
  const items = rows.slice(0, request.limit).map(effectRecord)
  const last = items.at(-1)
  return rows.length > request.limit && last
    ? { items, cursor: makeCursor(last.intentAt, last.key + last.step) }
    : { items }
}

function effectRecord(row: EffectRow): EffectRecord {
  return {
    workflow: row.workflow,
    key: row.key,
    step: row.step,
    kind: row.kind,
    connection: row.connection,
    capability: row.capability,
    operation: row.operation,
    businessKey: row.business_key,
    outcome: row.outcome ?? "under way",
    attempts: row.attempts,
    probes: row.probes,
    intentAt: row.intent_at.toISOString(),
    ...(row.settled_at === null ? {} : { settledAt: row.settled_at.toISOString() }),
    ...(row.reference === null ? {} : { reference: row.reference }),
    ...(row.error === null ? {} : { error: row.error }),
    history: row.history,
  }
}

/** Effects by connection and outcome since, with attempts and probes: what the live view and the tie-out show. */
export async function countEffects(
  sql: Sql,
): Promise<{ connection: string; outcome: string; count: number; attempts: number; probes: number }[]> {
  return sql<{ connection: string; outcome: string; count: number; attempts: number; probes: number }[]>`
    select connection, coalesce(outcome, 'under way') as outcome, count(*) as count, sum(attempts) as attempts, sum(probes) as probes
    from workflow_steps where kind in ('effect', 'undo') group by 1, 2 order by 1, 2`
}
