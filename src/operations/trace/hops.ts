import { cut } from "../../base/text.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { namesOf, type NewEvent } from "../../canonical/events.ts"
import type { Reference } from "../../canonical/parts.ts"
import { ref as refOf, type Ref } from "../../canonical/refs.ts"

/** One entry of an object's history, in whatever system. */
export interface Hop {
  /** The object it happened to. */
  object: Ref
  at: string
  /** Where: a connection's id, or "crossdock". */
  system: string
  what: string
  outcome?: string
  reference?: Reference
  detail?: string
  /** Number of the delivery that told it. */
  delivery?: number
  /** Whether it is a call to another system, whose ledger entry has the name of this hop. */
  isCall?: boolean
}

/** Rows of one kind that are read of one object for a page. */
const rowsMax = 500

interface StepRow {
  about: Ref
  step: string
  kind: string
  connection: string | null
  outcome: string | null
  attempts: number
  probes: number
  at: Date
  settled_at: Date | null
  reference: Reference | null
  error: { code: string; message: string } | null
  result: unknown
}

interface EventRow {
  key: Ref
  at: Date
  type: NewEvent["type"]
  source: string
  data: NewEvent["data"]
  inbox_id: number | null
}

interface DeliveryRow {
  id: number
  key: Ref
  at: Date
  connection: string
  via: string
  topic: string
  state: string
  reason: string | null
}

interface Way {
  hops: Hop[]
  /** Where the next page begins; missing on the last one. */
  next?: string
  /** Number of rows per kind that retention has left; of the first page. */
  left: { deliveries: number; events: number }
}

/** The beginning of time: of the first page. */
const beginning = "-infinity"

/**
 * The history of some objects from a moment on, oldest first: deliveries, facts, steps with their attempts and probes. Includes
 * unreadable deliveries whose mapping could tell that they are about one of the objects. A page ends at a moment before which every
 * kind is read whole, so that pages after one another have each hop once.
 */
export async function hopsOf(sql: Sql, refs: readonly Ref[], from = beginning): Promise<Way> {
  // Names are told at the beginning of a history, and hold for all of it.
  const first = from === beginning ? [] : await storage(() => readEvents(sql, refs, { from: beginning, most: rowsMax }))
  for (let most = rowsMax; ; most *= 4) {
    const known = await readHops(sql, refs, { from, most })
    const names = [...first.flatMap(namesOf), ...known.names]
    const unread = (await unreadAbout(sql, names)).filter((named) => !refs.includes(named))
    const more = await readHops(sql, unread, { from, most })
    const next = [...known.ends, ...more.ends].toSorted()[0]
    // So many rows of one moment that a page cannot end before it.
    if (next !== undefined && next <= from) continue
    const hops = [...known.hops, ...more.hops].filter(({ at }) => next === undefined || at < next)
    return {
      hops: hops.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)),
      ...(next === undefined ? {} : { next }),
      left: known.left,
    }
  }
}

interface PageOfHops {
  from: string
  most: number
}

async function readHops(sql: Sql, refs: readonly Ref[], page: PageOfHops) {
  if (refs.length === 0) return { hops: [], names: [], ends: [], left: { deliveries: 0, events: 0 } }
  const [events, deliveries, steps] = await storage(() =>
    Promise.all([readEvents(sql, refs, page), readDeliveries(sql, refs, page), readSteps(sql, refs, page)]),
  )
  const kinds: Hop[][] = [deliveries.map(deliveryHop), events.map(eventHop), steps.map(stepHop)]
  const left = { deliveries: deliveries.length, events: events.length }
  const ends = kinds.flatMap((hops) => endsOf(hops, page))
  return { hops: kinds.flat(), names: events.flatMap(namesOf), ends, left }
}

/** Of objects with more rows than were read: the moment of the last one. */
function endsOf(hops: readonly Hop[], { most }: PageOfHops): string[] {
  const byObject = Map.groupBy(hops, ({ object }) => object)
  return [...byObject.values()].flatMap((own) => (own.length < most ? [] : (own.at(-1)?.at ?? [])))
}

function readEvents(sql: Sql, refs: readonly Ref[], { from, most }: PageOfHops): Promise<EventRow[]> {
  return sql<EventRow[]>`
    select e.* from unnest(${[...refs]}::text[]) as f(ref) cross join lateral (
      select key, recorded_at as at, type, source, data, inbox_id from events
      where key = f.ref and recorded_at >= ${from}::text::timestamptz order by recorded_at, xid, seq limit ${most}) e`
}

function readDeliveries(sql: Sql, refs: readonly Ref[], { from, most }: PageOfHops): Promise<DeliveryRow[]> {
  return sql<DeliveryRow[]>`
    select f.ref as key, d.* from unnest(${[...refs]}::text[]) as f(ref) cross join lateral (
      select id, received_at as at, connection, via, topic, state, reason from inbox
      where id in (select inbox_id from events where key = f.ref) and received_at >= ${from}::text::timestamptz
      order by received_at, id limit ${most}) d`
}

function readSteps(sql: Sql, refs: readonly Ref[], { from, most }: PageOfHops): Promise<StepRow[]> {
  return sql<StepRow[]>`
    select s.* from unnest(${[...refs]}::text[]) as f(ref) cross join lateral (
      select about, case when kind = 'undo' then 'undo: ' else '' end || name as step, kind, connection, outcome, attempts,
        probes, coalesce(sent_at, intent_at) as at, settled_at, reference, error, case when kind = 'decide' then result end as result
      from workflow_steps where about = f.ref and kind in ('effect', 'undo', 'decide')
        and coalesce(settled_at, sent_at, intent_at) >= ${from}::text::timestamptz
      order by coalesce(settled_at, sent_at, intent_at), instance, n limit ${most}) s`
}

/** Unreadable deliveries and objects stored under one of these names. */
async function unreadAbout(sql: Sql, names: readonly Reference[]): Promise<Ref[]> {
  const wanted = JSON.stringify(names.map(({ system, id }) => ({ system, id })))
  const rows = await storage(
    () => sql<{ ref: Ref }[]>`
      select distinct n.ref from json_to_recordset(${wanted}::text::json) as w(system text, id text)
      join object_names n on name_key(n.id) = name_key(w.id) and n.system = w.system and n.id = w.id
      where n.ref like 'inbox/%'`,
  )
  const unread = names.map(({ system, type, id }) => refOf("document", system, type, id))
  return [...new Set([...rows.map(({ ref }) => ref), ...unread])]
}

function deliveryHop(delivery: DeliveryRow): Hop {
  return {
    object: delivery.key,
    at: delivery.at.toISOString(),
    system: delivery.connection,
    what: `${delivery.topic || "delivery"} by ${delivery.via}`,
    outcome: delivery.state,
    delivery: delivery.id,
    ...(delivery.reason === null ? {} : { detail: delivery.reason }),
  }
}

function eventHop(event: EventRow): Hop {
  const data: Record<string, unknown> = { ...event.data }
  const said = data["state"] ?? data["summary"] ?? data["reason"] ?? data["action"]
  return {
    object: event.key,
    at: event.at.toISOString(),
    system: "crossdock",
    what: event.type,
    detail: typeof said === "string" ? said : `from ${event.source}`,
    ...(event.inbox_id === null ? {} : { delivery: event.inbox_id }),
  }
}

function stepHop(row: StepRow): Hop {
  const retries = [row.attempts > 1 ? `${row.attempts} attempts` : "", row.probes > 0 ? `looked up ${row.probes}×` : ""]
  const explanation = row.kind === "decide" ? decisionText(row.result) : (row.error?.message ?? "")
  const detail = [explanation, ...retries].filter((part) => part !== "").join("; ")
  return {
    object: row.about,
    at: (row.settled_at ?? row.at).toISOString(),
    system: row.connection ?? "crossdock",
    what: row.step,
    outcome: row.outcome ?? "under way",
    ...(row.kind === "decide" ? {} : { isCall: true }),
    ...(row.reference === null ? {} : { reference: row.reference }),
    ...(detail === "" ? {} : { detail }),
  }
}

function decisionText(result: unknown): string {
  if (typeof result === "object" && result !== null && "explanation" in result) return String(result.explanation)
  return typeof result === "number" || typeof result === "string" ? cut(String(result), 200) : ""
}
