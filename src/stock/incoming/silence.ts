import { derivedId } from "../../base/ids.ts"
import { durationText, epochMs, instant, type Clock } from "../../base/time.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { EventLog } from "../../eventlog/event-log.ts"

interface Options {
  sql: Sql
  clock: Clock
  eventLog: Pick<EventLog, "append">
  /** From this age on a place is silent. */
  silentAfterMs: number
  /** What channels may promise meanwhile, in words. */
  meanwhile: string
}

interface Place {
  location_id: string
  heard_at: Date
  told_at: Date | null
}

/**
 * Tells people of places whose own system is silent, once for each silence, and ends it when the place is heard again (S-91). Safe to run
 * in several processes: the events have identities.
 */
export async function watchSilence({ sql, clock, eventLog, silentAfterMs, meanwhile }: Options): Promise<void> {
  const nowMs = clock.now()
  const silentSince = instant(nowMs - silentAfterMs)
  const places = await storage(
    () => sql<Place[]>`
      select location_id, heard_at, silence_told_at as told_at from stock_locations
      where (heard_at <= ${silentSince}::timestamptz and silence_told_at is distinct from heard_at) or heard_at > silence_told_at`,
  )
  for (const { location_id: place, heard_at, told_at } of places) {
    const [heardAt, toldAt] = [heard_at.toISOString(), told_at?.toISOString()]
    if (toldAt !== undefined) await eventLog.append(heardAgain(place, { toldAt, at: instant(nowMs) }))
    const isSilent = heardAt <= silentSince
    if (isSilent) await eventLog.append(silent(place, { heardAt, nowMs, meanwhile }))
    await storage(
      () => sql`
        update stock_locations set silence_told_at = ${isSilent ? heardAt : null}::timestamptz where location_id = ${place}`,
    )
  }
}

const idOf = (place: string, heardAt: string) => derivedId("stocksilent", place, heardAt)

function silent(place: string, { heardAt, nowMs, meanwhile }: { heardAt: string; nowMs: number; meanwhile: string }) {
  const at = instant(nowMs)
  const exceptionId = idOf(place, heardAt)
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:stock:${exceptionId}`,
    source: "crossdock:stock",
    time: at,
    data: {
      exceptionId,
      about: ref("location", place),
      cause: "stock source is silent",
      summary: `Nothing was heard of the stock of ${place} for ${durationText(nowMs - epochMs(heardAt))}.`,
      doneSoFar: ["held back what it may have sold since"],
      ifNobodyActs: meanwhile,
      allowedActions: ["acknowledge"],
      owner: "integration",
      because: { kind: "outage", operation: "hear of stock", value: place },
      at,
    },
  })
}

function heardAgain(place: string, { toldAt, at }: { toldAt: string; at: string }): NewEvent {
  const exceptionId = idOf(place, toldAt)
  return newEvent({
    type: "exception.decided",
    fact: `crossdock:stock:${exceptionId}:heard`,
    source: "crossdock:stock",
    time: at,
    data: {
      exceptionId,
      about: ref("location", place),
      action: "acknowledge",
      decidedBy: "crossdock",
      reason: "the place was heard again",
      at,
    },
  })
}
