import { AppError } from "../../base/errors.ts"
import { storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { isMoment, sleep } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { PickupState } from "../../canonical/states.ts"
import type { EventLog, Position, StoredEvent } from "../../eventlog/event-log.ts"
import { isSettled } from "../../eventlog/readers/settled.ts"
import { beginPickup, pickupNews, withNews, type Pickup, type PickupNews } from "../../rules/pickup/pickup.ts"

/** One fact of a pickup, and the pickup before and after it. */
interface Told {
  fact: string
  position: Position
  before: Pickup
  after: Pickup
}

/** A pickup as the log has it at this moment, with what each of its facts changed; undefined when it was never requested. */
export async function readPickup(
  eventLog: Pick<EventLog, "readKey">,
  pickupId: string,
): Promise<{ pickup: Pickup; steps: readonly Told[]; events: readonly StoredEvent[] } | undefined> {
  const events = await eventLog.readKey(ref("pickup", pickupId))
  const requested = events.find(({ type }) => type === "pickup.requested")
  if (!requested) return undefined
  let pickup = beginPickup(requested.data as EventData<"pickup.requested">)
  const steps: Told[] = []
  for (const event of events) {
    if (!isNews(event.type)) continue
    const before = pickup
    // The name of a type says which data it has.
    pickup = withNews(before, { type: event.type, data: event.data } as PickupNews)
    steps.push({ fact: event.fact, position: event.position, before, after: pickup })
  }
  return { pickup, steps, events }
}

const looksMax = 100
const lookEveryMs = 20

/**
 * What one fact changed, with its number among the facts of its pickup, once nothing can come before it in the log any more. Until then a
 * handover that began earlier may still be told, and who had acted on the fact would be wrong. Undefined for a fact that the log does not
 * have. STORAGE_UNAVAILABLE when other transactions run for too long: ask again.
 */
export async function readChange(
  { sql, eventLog }: { sql: Sql; eventLog: Pick<EventLog, "readKey"> },
  { pickupId, fact }: { pickupId: string; fact: string },
): Promise<(Told & { number: number }) | undefined> {
  const told = async () => {
    const steps = (await readPickup(eventLog, pickupId))?.steps ?? []
    const number = steps.findIndex((step) => step.fact === fact)
    const step = steps[number]
    return step && { ...step, number }
  }
  const seen = await told()
  if (!seen) return undefined
  for (let looks = 0; looks < looksMax; looks += 1) {
    if (await isSettled(sql, seen.position)) return told()
    await sleep(lookEveryMs)
  }
  throw new AppError("STORAGE_UNAVAILABLE", `what was told of ${pickupId} before ${fact} is not committed yet`, {
    retryAfterMs: 1000,
  })
}

const isNews = (type: string): type is PickupNews["type"] => pickupNews.some((name) => name === type)

/** A pickup as people list it. */
export interface PickupRecord extends Pickup {
  state: PickupState
  changedAt: string
}

/** Which pickups, and from where on. */
export interface PickupListRequest {
  limit: number
  cursor?: string
  locationId?: string
  orderId?: string
  state?: string
  isOpen?: boolean
  channels?: readonly string[]
}

interface Row {
  pickup_id: string
  pickup: Pickup
  state: PickupState
  requested_at: Date
  changed_at: Date
}

/** Pickups, the oldest request first: the order in which a store works. */
export async function listPickups(
  sql: Sql,
  { limit, cursor, locationId, orderId, state, isOpen, channels }: PickupListRequest,
): Promise<{ items: PickupRecord[]; cursor?: string }> {
  const after = cursor === undefined ? undefined : Buffer.from(cursor, "base64url").toString().split(" ")
  const [at, id] = isMoment(after?.[0] ?? "") ? (after as [string, string]) : ["-infinity", ""]
  const rows = await storage(
    () => sql<Row[]>`
      select pickup_id, pickup, state, requested_at, changed_at from pickups
      where (requested_at, pickup_id) > (${at}::text::timestamptz, ${id}::text)
        ${locationId === undefined ? sql`` : sql`and location_id = ${locationId}`}
        ${orderId === undefined ? sql`` : sql`and order_id = ${orderId}`}
        ${state === undefined ? sql`` : sql`and state = ${state}`}
        ${channels === undefined ? sql`` : sql`and channel = any (${[...channels]}::text[])`}
        ${isOpen === undefined ? sql`` : sql`and is_open = ${isOpen}`}
      order by requested_at, pickup_id limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit)
  const last = rows.length > limit ? items.at(-1) : undefined
  const next = last && Buffer.from(`${last.requested_at.toISOString()} ${last.pickup_id}`).toString("base64url")
  return { items: items.map(recordOf), ...(next === undefined ? {} : { cursor: next }) }
}

/** Open pickups of a store behind one, by id. */
export async function openPickupsBehind(
  sql: SqlTransaction,
  { storeId, after, limit }: { storeId: string; after: string; limit: number },
): Promise<string[]> {
  const rows = await sql<{ pickup_id: string }[]>`
    select pickup_id from pickups where location_id = ${storeId} and is_open and pickup_id > ${after}
    order by pickup_id limit ${limit}`
  return rows.map(({ pickup_id }) => pickup_id)
}

/** Those of some pickups that are a store's and open. */
export async function openPickupsOf(
  sql: SqlTransaction,
  { storeId, ids }: { storeId: string; ids: readonly string[] },
): Promise<string[]> {
  const rows = await sql<{ pickup_id: string }[]>`
    select pickup_id from pickups where pickup_id = any (${[...ids]}::text[]) and location_id = ${storeId} and is_open`
  return rows.map(({ pickup_id }) => pickup_id)
}

function recordOf({ pickup, state, changed_at }: Row): PickupRecord {
  return { ...pickup, state, changedAt: changed_at.toISOString() }
}
