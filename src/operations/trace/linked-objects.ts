import { storage, type Sql } from "../../base/sql.ts"
import { isShared, type Ref } from "../../canonical/refs.ts"
import { findObjects, isVisible, type ObjectRecord } from "../object-list.ts"

/** An object that links lead to. */
export interface LinkedObject {
  ref: Ref
  /** Its state; missing for objects without states, such as shipments. */
  object?: ObjectRecord
}

const depthMax = 6
const objectsMax = 50
/** Most links read for one object in one direction. */
const linksMax = 50

/**
 * The objects linked to one, in both directions: return → order → shipment, journal entry. Objects that many unrelated ones are
 * linked to (a customer, a till) are shown, but their links are not followed unless the search begins there. At most 50 objects;
 * `isComplete` says whether those are all.
 */
export async function linkedObjects(
  sql: Sql,
  start: Ref,
  channels: readonly string[] | undefined,
): Promise<{ objects: LinkedObject[]; isComplete: boolean }> {
  const reached = new Map<Ref, LinkedObject>()
  let next: Ref[] = [start]
  let isComplete = true
  for (let depth = 0; next.length > 0; depth += 1) {
    const room = objectsMax - reached.size
    if (next.length > room || depth > depthMax) isComplete = false
    if (room === 0 || depth > depthMax) break
    const visited = await visibleObjects(sql, next.slice(0, room), channels)
    for (const one of visited) reached.set(one.ref, one)
    const from = visited.map(({ ref }) => ref).filter((ref) => ref === start || !isShared(ref))
    const linked = await linkedTo(sql, from)
    if (linked.some(({ count }) => count >= linksMax)) isComplete = false
    next = [...new Set(linked.map(({ ref }) => ref))].filter((ref) => !reached.has(ref))
  }
  return { objects: [...reached.values()], isComplete }
}

/** Leaves out objects of channels that a consumer may not see, and objects reached only through them. */
async function visibleObjects(
  sql: Sql,
  refs: readonly Ref[],
  channels: readonly string[] | undefined,
): Promise<LinkedObject[]> {
  const known = new Map((await findObjects(sql, refs)).map((object) => [object.ref, object]))
  return refs.flatMap((ref) => {
    const object = known.get(ref)
    if (!object) return [{ ref }]
    return isVisible(object, channels) ? [{ ref, object }] : []
  })
}

async function linkedTo(sql: Sql, refs: readonly Ref[]): Promise<{ ref: Ref; count: number }[]> {
  if (refs.length === 0) return []
  return storage(
    () => sql<{ ref: Ref; count: number }[]>`
      select l.ref, count(*) over (partition by f.ref, l.direction) as count
      from unnest(${[...refs]}::text[]) as f(ref) cross join lateral (
        (select to_ref as ref, 'to' as direction from object_links where from_ref = f.ref order by to_ref limit ${linksMax})
        union all
        (select from_ref, 'from' from object_links where to_ref = f.ref order by from_ref limit ${linksMax})
      ) l order by l.ref`,
  )
}
