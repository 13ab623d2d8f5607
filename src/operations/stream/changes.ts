import { storage, type Sql } from "../../base/sql.ts"
import { parseRef } from "../../canonical/refs.ts"
import type { Position } from "../../eventlog/event-log.ts"

/** What may have changed, by the list it is in. */
export const hintTopics = [
  "orders",
  "objects",
  "stock",
  "exceptions",
  "exception-groups",
  "operations",
  "connections",
] as const
export type HintTopic = (typeof hintTopics)[number]

/** One thing that changed. Without an id it may be anything of the topic: more changed than is worth naming. */
export interface Change {
  topic: HintTopic
  id?: string
  /** The thing's channel, or several that all have to be the listener's own. Without any it is of no single channel. */
  channels?: readonly string[]
}

export interface Changes {
  changes: Change[]
  /** Up to where the log was read. */
  position: Position
}

/** Most events looked at in one reading. Beyond it only the topics are told, and the reading goes on at the log's end. */
const eventsMax = 2000

interface EventRow {
  xid: string
  seq: number
  key: string
  case_id: string | null
}

/** The position after the last event that readers may read. */
export async function endOfLog(sql: Sql): Promise<Position> {
  const [row] = await storage(
    () => sql<Position[]>`
      select xid, seq from events where xid < pg_snapshot_xmin(pg_current_snapshot()) order by xid desc, seq desc limit 1`,
  )
  return row ?? { xid: "0", seq: 0 }
}

/** What events after a position are about. One statement, and two more by key when there are any. */
export async function changesAfter(sql: Sql, after: Position): Promise<Changes> {
  const rows = await storage(
    () => sql<EventRow[]>`
      select xid, seq, key,
        case when type in ('exception.opened', 'exception.decided') then data ->> 'exceptionId' end as case_id
      from events where (xid, seq) > (${after.xid}::xid8, ${after.seq}) and xid < pg_snapshot_xmin(pg_current_snapshot())
      order by xid, seq limit ${eventsMax}`,
  )
  const last = rows.at(-1)
  if (!last) return { changes: [], position: after }
  const about = await channelsOf(sql, rows)
  if (rows.length < eventsMax) return { changes: about, position: { xid: last.xid, seq: last.seq } }
  const topics = new Set<HintTopic>([...about.map(({ topic }) => topic), "exceptions", "exception-groups"])
  return { changes: [...topics].map((topic) => ({ topic })), position: await endOfLog(sql) }
}

async function channelsOf(sql: Sql, rows: readonly EventRow[]): Promise<Change[]> {
  const refs = [...new Set(rows.map(({ key }) => key))]
  const caseIds = [...new Set(rows.flatMap(({ case_id: id }) => id ?? []))]
  const [objects, cases] = await Promise.all([objectsOf(sql, refs), casesOf(sql, caseIds)])
  const channels = new Map(objects.map(({ ref, channel }) => [ref, channel]))
  return [
    ...refs.flatMap((ref) => objectChange(ref, channels.get(ref) ?? undefined)),
    ...cases.flatMap(({ id, group_id: group, channel }): Change[] => [
      { topic: "exceptions", id, ...ofChannel(channel) },
      { topic: "exception-groups", id: group, ...ofChannel(channel) },
    ]),
  ]
}

async function objectsOf(sql: Sql, refs: readonly string[]): Promise<{ ref: string; channel: string | null }[]> {
  return storage(
    () => sql<{ ref: string; channel: string | null }[]>`
      select ref, channel from objects where ref = any(${[...refs]})`,
  )
}

async function casesOf(sql: Sql, ids: readonly string[]) {
  if (ids.length === 0) return []
  return storage(
    () => sql<{ id: string; group_id: string; channel: string | null }[]>`
      select id, group_id, channel from exceptions where id = any(${[...ids]})`,
  )
}

const ofChannel = (channel: string | null | undefined) => (channel ? { channels: [channel] } : {})

function objectChange(ref: string, channel: string | undefined): Change[] {
  const parsed = parseRef(ref)
  if (!parsed || parsed.kind === "inbox" || parsed.kind === "document") return []
  if (parsed.kind === "order") return [{ topic: "orders", id: parsed.parts.join("/"), ...ofChannel(channel) }]
  if (parsed.kind === "stock") return [{ topic: "stock", id: parsed.parts.join("/") }]
  return [{ topic: "objects", id: ref, ...ofChannel(channel) }]
}

/** What people do with groups, which are no events: the number of the last note, and the groups of those after one. */
export async function notedGroups(sql: Sql, after: number | undefined): Promise<{ last: number; ids: string[] }> {
  if (after === undefined) {
    const [row] = await storage(() => sql<{ last: number | null }[]>`select max(id) as last from exception_group_notes`)
    return { last: row?.last ?? 0, ids: [] }
  }
  const rows = await storage(
    () => sql<{ id: number; group_id: string }[]>`
      select id, group_id from exception_group_notes where id > ${after} order by id limit 500`,
  )
  return { last: rows.at(-1)?.id ?? after, ids: [...new Set(rows.map((row) => row.group_id))] }
}

/** The states of the latest operations and of all that run. A running one moves all the time, so it is never the same twice. */
export async function operationStates(
  sql: Sql,
  nth: number,
): Promise<Map<string, { state: string; channels?: readonly string[] }>> {
  const rows = await storage(
    () => sql<{ id: string; state: string; channels: string[] | null }[]>`
      (select id, state, channels from bulk_operations order by requested_at desc, id desc limit 50)
      union
      (select id, state, channels from bulk_operations where state = 'running')`,
  )
  return new Map(
    rows.map(({ id, state, channels }) => [
      id,
      { state: state === "running" ? `running ${nth}` : state, ...(channels ? { channels } : {}) },
    ]),
  )
}
