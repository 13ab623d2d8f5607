import { storage, type Sql } from "../base/sql.ts"
import { eventTypes } from "../canonical/events.ts"
import type { Ref, RefKind } from "../canonical/refs.ts"
import { makeCursor, parseCursor } from "./cursor.ts"

/** A business object and its state, in a shopkeeper's words. */
export interface ObjectRecord {
  ref: Ref
  kind: RefKind
  id: string
  state: string
  reason?: string
  /** When it entered that state. */
  since: string
  /** The team or system that owns it; missing once it has ended. */
  owner?: string
  place?: string
  channel?: string
  number?: string
  externalId?: string
  value?: { amountMinor: number; currency: string }
  openedAt: string
  endedAt?: string
}

/** A row of `objects`. */
export interface ObjectRow {
  ref: Ref
  kind: RefKind
  id: string
  state: string
  reason: string | null
  since: Date
  owner: string | null
  place: string | null
  channel: string | null
  number: string | null
  external_id: string | null
  value_minor: number | null
  currency: string | null
  opened_at: Date
  finished_at: Date | null
  found_via: string | null
}

export interface ObjectListRequest {
  limit: number
  cursor?: string
  kind?: string
  state?: string
  owner?: string
  channel?: string
  place?: string
  /** Only open objects, or only ended ones. */
  isOpen?: boolean
  /** Only objects of these channels. */
  channels?: readonly string[]
}

/** Kinds of objects that have states. */
export const statefulKinds: readonly string[] = Object.keys(eventTypes).flatMap((type) =>
  type.endsWith(".state-changed") ? [type.slice(0, -".state-changed".length)] : [],
)

/** Most rows read for one page, so that a page of rare objects costs no more. */
const looksMax = 2000

const start = { at: "infinity", id: "" }

/**
 * Objects, the newest first. A page may hold fewer than the limit, even none, and still have a cursor: the next page reads further
 * back. Each object that existed when the list was begun is listed once, whatever changes meanwhile.
 */
export async function listObjects(sql: Sql, request: ObjectListRequest): Promise<Page<ObjectRecord>> {
  const page = await objectRows(sql, request)
  return { ...page, items: page.items.map(objectRecord) }
}

/** The rows of a page of objects. */
export async function objectRows(sql: Sql, request: ObjectListRequest): Promise<Page<ObjectRow>> {
  const { limit, state = null, owner = null, channel = null, place = null, channels } = request
  const kinds = request.kind === undefined ? [...statefulKinds] : [request.kind]
  const before = request.cursor === undefined ? start : parseCursor(request.cursor)
  const isPicky = [owner, channel, place].some((wanted) => wanted !== null) || channels !== undefined
  const looks = isPicky ? looksMax : limit + 1
  const rows = await storage(
    () => sql<LookedAt[]>`
      select * from (
        select o.*, o.opened_at::text as opened_text, row_number() over () as nth, (${owner}::text is null or o.owner = ${owner})
          and (${channel}::text is null or o.channel = ${channel}) and (${place}::text is null or o.place = ${place})
          and (${channels === undefined} or coalesce(o.channel = any(${[...(channels ?? [])]}), false)) as fits
        from list_objects(${kinds}, ${request.isOpen ?? null}::boolean, ${state}, ${before.at}::text::timestamptz, ${before.id}, ${looks}) o
      ) looked
      where fits or nth = ${looks} order by nth limit ${limit + 2}`,
  )
  const fitting = rows.filter(({ fits }) => fits)
  const items = fitting.slice(0, limit)
  const last = fitting.length > limit ? items.at(-1) : rows.find(({ nth }) => isPicky && nth === looks)
  return last ? { items, cursor: makeCursor(last.opened_text, last.ref) } : { items }
}

interface Page<Item> {
  items: Item[]
  cursor?: string
}

/** A row read for a page, and whether it matches the filter. */
interface LookedAt extends ObjectRow {
  fits: boolean
  nth: number
  opened_text: string
}

/** One object; undefined if it has never had a state, or is in none of the channels given. */
export async function findVisibleObject(
  sql: Sql,
  { ref, channels }: { ref: string; channels?: readonly string[] },
): Promise<ObjectRecord | undefined> {
  const [found] = await findObjects(sql, [ref])
  return found && isVisible(found, channels) ? found : undefined
}

/** Whether a consumer that is limited to some channels may see an object. */
export function isVisible(object: ObjectRecord | undefined, channels: readonly string[] | undefined): boolean {
  if (channels === undefined) return true
  return object?.channel !== undefined && channels.includes(object.channel)
}

/** Those of some objects that have states. */
export async function findObjects(sql: Sql, refs: readonly string[]): Promise<ObjectRecord[]> {
  const rows = await storage(() => sql<ObjectRow[]>`select * from objects where ref = any(${[...refs]})`)
  return rows.map(objectRecord)
}

/** An object as the API shows it. */
export function objectRecord(row: ObjectRow): ObjectRecord {
  const { ref, kind, id, state } = row
  return {
    ref,
    kind,
    id,
    state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    since: row.since.toISOString(),
    ...(row.owner === null ? {} : { owner: row.owner }),
    ...(row.place === null ? {} : { place: row.place }),
    ...(row.channel === null ? {} : { channel: row.channel }),
    ...(row.number === null ? {} : { number: row.number }),
    ...(row.external_id === null ? {} : { externalId: row.external_id }),
    ...(row.value_minor === null || row.currency === null
      ? {}
      : { value: { amountMinor: row.value_minor, currency: row.currency } }),
    openedAt: row.opened_at.toISOString(),
    ...(row.finished_at === null ? {} : { endedAt: row.finished_at.toISOString() }),
  }
}
