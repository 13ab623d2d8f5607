import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Reference } from "../canonical/parts.ts"
import { orderIdIn, parseRef, ref as refOf, type Ref, type RefKind } from "../canonical/refs.ts"
import {
  findObjects,
  isVisible,
  objectRecord,
  statefulKinds,
  type ObjectRecord,
  type ObjectRow,
} from "./object-list.ts"

/** A search result. */
export interface Hit {
  ref: Ref
  /** Its state; missing for objects without states, such as an unreadable delivery. */
  object?: ObjectRecord
  /** The name it was found by, and whether all of it was given. */
  foundBy: Reference
  isExact: boolean
}

export interface SearchRequest {
  text: string
  limit: number
  /** Only objects of these channels. */
  channels?: readonly string[]
}

/** Least number of letters and digits to find names by how they begin; fewer match too many. */
const beginningMin = 3

/** Most names read for one search. */
const looksMax = 2000

interface NameRow extends ObjectRow {
  named: Ref
  name_system: string
  name_type: string
  name_id: string
  is_exact: boolean
}

/**
 * Finds objects by our id or ref, or by any id in another system or its beginning; case and punctuation do not count. Full matches
 * come first. One or two characters find only what has just that name: the first orders of a new shop are 1, 2, 3. Throws
 * REQUEST_INVALID for a text without letters and digits.
 */
export async function searchObjects(sql: Sql, request: SearchRequest): Promise<{ items: Hit[]; hasMore: boolean }> {
  const { text, limit, channels } = request
  assertSearchable(text, "?q")
  const named = await namedLike(sql, text)
  const own = (await ownIds(sql, text)).map((object): Hit => ({
    ref: object.ref,
    object,
    foundBy: { system: "crossdock", type: object.kind, id: object.id },
    isExact: true,
  }))
  const hits = new Map<Ref, Hit>()
  for (const hit of [...own, ...named])
    if (!hits.has(hit.ref) && isVisible(hit.object, channels)) hits.set(hit.ref, hit)
  const all = [...hits.values()]
  return { items: all.slice(0, limit), hasMore: all.length > limit || named.length === looksMax }
}

/** Full matches of a text: a ref, our id, or a name. An exact match of a name wins over one that ignores case and punctuation. */
export async function objectsMeant(sql: Sql, text: string, channels: readonly string[] | undefined): Promise<Hit[]> {
  const parsed = parseRef(text)
  if (parsed) {
    const ref = text as Ref
    const whole = refOf("order", orderIdIn(ref) ?? parsed.parts[0])
    const known = await findObjects(sql, [ref, whole])
    const object = known.find((one) => one.ref === ref)
    // A shipment has no state and no channel: a consumer that may see its order may see it.
    if (!isVisible(object ?? known[0], channels)) return []
    const foundBy = { system: "crossdock", type: parsed.kind, id: parsed.parts.join("/") }
    if (object) return [{ ref, object, foundBy, isExact: true }]
    return (await isNamedAnywhere(sql, ref)) ? [{ ref, foundBy, isExact: true }] : []
  }
  assertSearchable(text, "?of")
  const { items } = await searchObjects(sql, { text, limit: looksMax, ...(channels ? { channels } : {}) })
  const whole = items.filter(({ isExact }) => isExact)
  // People leave out the # of a number: "1001" may be #1001 of one shop and 1001 of another.
  const literal = whole.filter(({ foundBy }) => bare(foundBy.id) === bare(text))
  const meant = literal.length > 0 ? literal : whole
  // A delivery that could not be read is part of the trace of the object it names.
  const objects = meant.filter(({ object }) => object)
  // A delivery carries the id of its order, and is part of that order's trace too.
  const order = objects.find(({ ref }) => ref === refOf("order", text))
  if (order) return [order]
  return objects.length > 0 ? objects : meant
}

const bare = (number: string) => number.replace(/^#/, "")

const lengthOf = (text: string) => text.replaceAll(/[ #\-_./:]/g, "").length

function assertSearchable(text: string, pointer: string): void {
  if (lengthOf(text) > 0) return
  const message = "give a letter or a digit"
  throw new AppError("REQUEST_INVALID", `"${text}" is nothing to look for: ${message}`, {
    problems: [{ pointer, message }],
  })
}

async function ownIds(sql: Sql, text: string): Promise<ObjectRecord[]> {
  return findObjects(sql, [text, ...statefulKinds.map((kind) => refOf(kind as RefKind, text))])
}

/** Names that begin with a text, full matches first; only these where it is too short for a beginning. */
async function namedLike(sql: Sql, text: string): Promise<Hit[]> {
  // Names below the text and this character: all that begin with it, or none but itself.
  const end = String.fromCodePoint(lengthOf(text) < beginningMin ? 1 : 1_114_111)
  const rows = await storage(
    () => sql<NameRow[]>`
      select n.ref as named, n.system as name_system, n.type as name_type, n.id as name_id, n.is_exact, o.*
      from (
        select *, name_key(id) = name_key(${text}) as is_exact from object_names
        where name_key(id) >= name_key(${text}) and name_key(id) < name_key(${text}) || ${end}
        order by name_key(id), system, ref limit ${looksMax}
      ) n left join objects o on o.ref = n.ref`,
  )
  return rows.map((row) => ({
    ref: row.named,
    ...((row.ref as Ref | null) === null ? {} : { object: objectRecord(row) }),
    foundBy: { system: row.name_system, type: row.name_type, id: row.name_id },
    isExact: row.is_exact,
  }))
}

/** An order that some system named, with what an exception about it says. */
export interface NamedOrder {
  orderId: string
  /** The number people know it by; its id while the order itself has not come. */
  number: string
  isOver: boolean
}

/** The orders that have this very name, whatever system gave it. */
export async function ordersNamed(sql: Sql, id: string): Promise<NamedOrder[]> {
  const rows = await storage(
    () => sql<{ ref: Ref; number: string | null; finished_at: Date | null }[]>`
      select distinct n.ref, o.number, o.finished_at from object_names n left join objects o on o.ref = n.ref
      where name_key(n.id) = name_key(${id}) and n.id = ${id} and starts_with(n.ref, 'order/')`,
  )
  return rows.flatMap(({ ref: named, number, finished_at }) => {
    const orderId = orderIdIn(named)
    return orderId === undefined ? [] : [{ orderId, number: number ?? orderId, isOver: finished_at !== null }]
  })
}

async function isNamedAnywhere(sql: Sql, named: string): Promise<boolean> {
  const [row] = await storage(
    () => sql<{ known: boolean }[]>`
      select exists (select from events where key = ${named}) or exists (select from object_links where from_ref = ${named})
        or exists (select from object_links where to_ref = ${named}) as known`,
  )
  return row?.known ?? false
}
