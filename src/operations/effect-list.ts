import { AppError } from "../base/errors.ts"
import { withoutPersonal } from "./payloads/shown.ts"
import { storage, type Sql } from "../base/sql.ts"

interface EffectListRequest {
  limit: number
  cursor?: string
  connection?: string
  outcome?: string
  workflow?: string
  /** The ref of the object, or the id of an order. */
  key?: string
  /** Only effects for orders of these channels. */
  channels?: readonly string[]
  /** Leaves personal values out of what was asked. */
  hidesPersonal?: boolean
}

/** An effect, as the API shows it. */
export interface EffectRecord {
  workflow: string
  /** The ref of its business object. */
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
  /** The document that the call makes, in words, where a person may link one. The area sets it from the connection. */
  document?: string
  error?: unknown
  input?: unknown
  history: unknown[]
}

interface EffectRow {
  instance: number
  workflow: string
  about: string
  name: string
  kind: "effect" | "undo"
  n: number
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
  input: unknown
  history: unknown[]
}

/** Most instances read for one page, so that a page of rare effects costs no more. */
const instancesMax = 200

/**
 * Effects, those of the newest instances first. A page may hold fewer than the limit, even none, and still have a cursor: the next
 * page reads further back.
 */
export async function listEffects(
  sql: Sql,
  request: EffectListRequest,
): Promise<{ items: EffectRecord[]; cursor?: string }> {
  const after = request.cursor === undefined ? undefined : parsePlace(request.cursor)
  const instances = await candidates(sql, request, after)
  if (instances.length === 0) return { items: [] }
  const { connection = null, outcome = null, channels } = request
  const rows = await storage(
    () => sql<EffectRow[]>`
      select i.id as instance, i.workflow, i.about, s.n, s.kind, s.connection, s.capability, s.operation, s.business_key,
        s.outcome, s.attempts, s.probes, s.intent_at, s.settled_at, s.reference, s.error, s.input, s.history,
        s.step || case when s.part <> '' then '#' || s.part else '' end as name
      from unnest(${instances}::bigint[]) with ordinality as u(id, place)
      join workflow_instances i on i.id = u.id cross join lateral steps_of(i.id) s
      where s.kind in ('effect', 'undo')
        and (${connection}::text is null or s.connection = ${connection})
        and (${outcome}::text is null or coalesce(s.outcome, 'under way') = ${outcome})
        and (${channels === undefined} or exists (
          select from objects o where o.ref = 'order/' || substring(i.about from '(ord_[0-9a-z]{16})(?:/|$)')
            and o.channel = any(${[...(channels ?? [])]})))
        and (${after?.instance ?? null}::bigint is null or i.id < ${after?.instance ?? null} or s.n < ${after?.n ?? null})
      order by u.place, s.n desc limit ${request.limit + 1}`,
  )
  const items = rows.slice(0, request.limit).map((row) => effectRecord(row, request))
  const last = rows.length > request.limit ? rows[request.limit - 1] : undefined
  if (last) return { items, cursor: makePlace(last.instance, last.n) }
  const oldest = instances.at(-1)
  return instances.length < instancesMax || oldest === undefined ? { items } : { items, cursor: makePlace(oldest, 0) }
}

/** Ids of the instances to read, newest first. Open effects are found by the queue, failed ones by an index. */
async function candidates(
  sql: Sql,
  { outcome, workflow, key }: EffectListRequest,
  after: { instance: number } | undefined,
): Promise<number[]> {
  const about = key === undefined ? null : key.includes("/") ? key : `order/${key}`
  const before = after?.instance ?? null
  const rows = await storage(() => {
    if (about !== null)
      return sql<{ id: number }[]>`
        select id from workflow_instances
        where about = ${about} and (${before}::bigint is null or id <= ${before}) order by id desc limit ${instancesMax}`
    if (outcome === "under way")
      return sql<{ id: number }[]>`
        select instance as id from workflow_queue
        where ${before}::bigint is null or instance <= ${before} order by instance desc limit ${instancesMax}`
    if (outcome !== undefined && outcome !== "done")
      return sql<{ id: number }[]>`
        select distinct instance as id from workflow_journal
        where has_trouble and (${before}::bigint is null or instance <= ${before}) order by instance desc limit ${instancesMax}`
    return sql<{ id: number }[]>`
      select id from workflow_instances
      where (${before}::bigint is null or id <= ${before}) and (${workflow ?? null}::text is null or workflow = ${workflow ?? null})
      order by id desc limit ${instancesMax}`
  })
  return rows.map((row) => row.id)
}

function effectRecord(
  row: EffectRow,
  { hidesPersonal = false }: Pick<EffectListRequest, "hidesPersonal">,
): EffectRecord {
  return {
    workflow: row.workflow,
    key: row.about,
    step: row.name,
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
    ...(row.input === null ? {} : { input: hidesPersonal ? withoutPersonal(row.input) : row.input }),
    history: row.history,
  }
}

function makePlace(instance: number, n: number): string {
  return Buffer.from(`${instance}|${n}`).toString("base64url")
}

function parsePlace(cursor: string): { instance: number; n: number } {
  const [instance, n] = Buffer.from(cursor, "base64url").toString("utf8").split("|").map(Number)
  if (!Number.isSafeInteger(instance) || !Number.isSafeInteger(n) || instance === undefined || n === undefined)
    throw new AppError("REQUEST_INVALID", "the cursor is not one this list gave out", {
      problems: [{ pointer: "?cursor", message: "use the cursor of the page before" }],
    })
  return { instance, n }
}
