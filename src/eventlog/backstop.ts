import { createHash } from "node:crypto"
import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { epochMs, instant, sleep, type Clock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { ChangeList, ChangesPage, Delivery, RefusedRecord, Translation } from "../ports/capabilities/intake.ts"
import type { Stating } from "../ports/statements.ts"
import type { EventLog } from "./event-log.ts"
import { withoutOldNews } from "./news/editions.ts"
import type { Inbox } from "./inbox.ts"
import type { Reader } from "./readers/readers.ts"
import { readingOf, type Reading } from "./news/reading.ts"
import { knownParts, partsRead } from "./news/waiting-parts.ts"

/** One change list of a connection, read for what webhooks may have missed. */
export interface PolledList {
  connection: string
  /** The list's name; the cursor is kept under connection and list. */
  list: string
  everyMs: number
  changes: ChangeList
  translate: (delivery: Delivery) => Translation
  /** What it may state, as the translator asks; without it only the catalogue of events is asked. */
  stating?: Stating
  /** Runs a read through the connection's door. */
  read: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** The first day of the connection: changes before it are read only on request. Default: the start of this process. */
  startsAtMs?: number
  /** Notes how its passes go. */
  reader?: Reader
}

interface BackstopOptions {
  sql: Sql
  log: Log
  clock: Clock
  inbox: Inbox
  eventLog: EventLog
  lists: readonly PolledList[]
}

const failuresUntilNames = 3
/** Clocks of vendors differ from ours by less than this. */
const clockMarginMs = 60_000
/** How long a pass has its list without reading another page. */
export const leaseMs = 30_000

/** A little early, so that this process's own next look finds the list due. */
const nextPassMs = ({ everyMs }: PolledList) => everyMs * 0.9

/**
 * Finds what webhooks missed (P-04, P-06): reads changes since the last point with overlap, and puts into the inbox only what
 * states a fact the log does not know. The cursor moves after those rows are durable, so a crash reads a page again.
 * A delivery that cannot be translated goes in too, and is parked there like any other: it never holds the cursor.
 */
export class Backstop {
  readonly #options: BackstopOptions
  readonly #stop = new AbortController()
  readonly #loops: Promise<void>[] = []
  readonly #startedMs: number
  /** Failures in a row of the page at which a list stands. */
  readonly #failedPages = new Map<PolledList, number>()

  constructor(options: BackstopOptions) {
    this.#options = options
    this.#startedMs = options.clock.now()
  }

  start(): void {
    for (const list of this.#options.lists) this.#loops.push(this.#loop(list))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
  }

  async #loop(polled: PolledList): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await sleep(polled.everyMs, this.#stop.signal).catch(() => undefined)
      if (this.#stop.signal.aborted) return
      try {
        await this.pollIfDue(polled)
      } catch (thrown) {
        const isWait = isStorageAway(thrown) || asAppError(thrown).kind === "unavailable"
        if (!isWait)
          this.#options.log.error(
            { err: thrown, connection: polled.connection, list: polled.list },
            `the poll of ${polled.list} of ${polled.connection} failed; it is tried again`,
          )
      }
    }
  }

  /**
   * One pass, unless another process is at it or ended one within the interval; returns undefined then. So the number of workers
   * does not change how often a vendor is asked. A process that dies in a pass leaves the list to others after half a minute.
   */
  async pollIfDue(polled: PolledList): Promise<number | undefined> {
    const place = await this.#claim(polled)
    if (!place) return undefined
    try {
      return await this.pollOnce(polled, place)
    } catch (thrown) {
      polled.reader?.failed(thrown)
      await this.#options.sql`
        update poll_cursors set due_at = clock_timestamp() + ${nextPassMs(polled)} * interval '1 ms'
        where connection = ${polled.connection} and list = ${polled.list}`
      throw thrown
    }
  }

  /** One pass over all pages since the cursor; returns how many deliveries it found that no webhook had brought. */
  async pollOnce(polled: PolledList, start?: Place): Promise<number> {
    const first = start ?? (await this.#claim(polled, { isDue: true }))
    if (!first) return 0
    let place = first
    let found = 0
    // We do not store when a resumed pass began, so the next pass reuses this one's start time.
    const nextSinceMs =
      place.cursor === undefined ? this.#options.clock.now() - polled.changes.overlapMs : place.sinceMs
    for (;;) {
      const { sinceMs } = place
      const page = await this.#page(polled, place)
      const missed = await this.#missing(polled, page.deliveries, place.startsAtMs)
      await Promise.all(missed.map((delivery) => this.#options.inbox.receive(incoming(delivery))))
      found += missed.length
      // At the end of the pages the next pass starts from when this one began, less what the vendor's clock may hide.
      const atEnd = polled.changes.isCursorLasting ? page.nextCursor : undefined
      const next = page.hasMore ? { cursor: page.nextCursor, sinceMs } : { cursor: atEnd, sinceMs: nextSinceMs }
      place = { ...place, ...next }
      const stands = await this.#remember(polled, place, { missed, isLast: !page.hasMore, sinceMs })
      // A pass over many pages takes its time, and each page is progress.
      polled.reader?.succeeded()
      if (!page.hasMore || !stands) return found
    }
  }

  /** A page that cannot be read although its system is there is read by the names of its objects. */
  async #page(polled: PolledList, { cursor, sinceMs }: Place): Promise<ChangesPage> {
    const { listChanges, listNames } = polled.changes
    const read = (list: typeof listChanges) =>
      polled.read(() =>
        list({ cursor, sinceMs }, { signal: AbortSignal.timeout(60_000), correlation: `poll:${polled.connection}` }),
      )
    try {
      const page = await read(listChanges)
      this.#failedPages.delete(polled)
      return page
    } catch (thrown) {
      const { code, kind, message } = asAppError(thrown)
      const count = (this.#failedPages.get(polled) ?? 0) + 1
      this.#failedPages.set(polled, count)
      // A vendor's internal error may be about one object, and may be an outage: only its repetition tells.
      const isAway = kind === "unavailable" && (code !== "VENDOR_UNAVAILABLE" || count < failuresUntilNames)
      if (!listNames || isAway) throw thrown
      this.#options.log.warn(
        { connection: polled.connection, list: polled.list, error: message },
        `a page of ${polled.list} of ${polled.connection} cannot be read; its objects are read one by one`,
      )
      return read(listNames)
    }
  }

  #firstDay(polled: PolledList): string {
    return instant(polled.changes.beginsWithAll ? 0 : (polled.startsAtMs ?? this.#startedMs))
  }

  async #missing(polled: PolledList, deliveries: readonly Delivery[], startsAtMs: number): Promise<Delivery[]> {
    const { sql } = this.#options
    const read = deliveries
      .map((delivery) => ({ delivery, ...readingOf(polled, delivery) }))
      // A list whose cursor lasts is read from its first record on; what happened before the connection's first day is passed over.
      .filter(({ events }) => !polled.changes.isCursorLasting || !isBefore(events, startsAtMs - clockMarginMs))
    const current = await withoutOldNews(
      sql,
      read.map(({ events }) => events),
    )
    const translated = read.map((one, place) => ({ ...one, events: current[place] ?? [] }))
    const known = await this.#options.eventLog.knownFacts(translated.flatMap(({ events }) => events))
    const waiting = await knownParts(
      sql,
      polled.connection,
      translated.flatMap(({ refused }) => refused),
    )
    const isWaiting = ({ part }: RefusedRecord) => part !== undefined && waiting.has(part.name)
    const isUnreadable = ({ isWhole, refused }: Reading) =>
      !isWhole && !(refused.length > 0 && refused.every(isWaiting))
    const news = translated.filter((one) => isUnreadable(one) || !one.events.every(({ fact }) => known.has(fact)))
    const parked = await this.#parkedBytes(
      polled,
      news.map(({ delivery }) => delivery),
    )
    const settling = await this.#settling(translated)
    return translated.flatMap((one) => {
      const isKnown =
        (!news.includes(one) || parked.has(hexOf(one.delivery.bytes))) &&
        !settling.has(one) &&
        // What it only names is read again: another event may have named it since.
        !one.isNaming
      return isKnown ? [] : [one.delivery]
    })
  }

  /** Those that tell nothing new but end an exception: they read whole what could not be read before. */
  async #settling<Read extends Pick<Reading, "settles">>(read: readonly Read[]): Promise<Set<Read>> {
    const { sql } = this.#options
    const all = await partsRead(
      sql,
      read.flatMap(({ settles }) => settles ?? []),
    )
    if (all.length === 0) return new Set()
    const ends = await Promise.all(read.map(({ settles }) => partsRead(sql, settles ? [settles] : [])))
    return new Set(read.filter((_, place) => (ends[place] ?? []).length > 0))
  }

  /**
   * Bytes that wait parked. What cannot be translated, or is about an order that is not the connection's own, leaves no facts to
   * recognise it by, so every pass would park it again.
   */
  async #parkedBytes(polled: PolledList, deliveries: readonly Delivery[]): Promise<Set<string>> {
    if (deliveries.length === 0) return new Set()
    const digests = deliveries.map((delivery) => hexOf(delivery.bytes))
    const rows = await this.#options.sql<{ digest: string }[]>`
      select distinct digest from inbox
      where connection = ${polled.connection} and state = 'parked' and digest = any(${digests})`
    return new Set(rows.map((row) => row.digest))
  }

  /** Takes a list that is due, and says where its pass begins. */
  async #claim(polled: PolledList, { isDue = false } = {}): Promise<Place | undefined> {
    const [row] = await this.#options.sql<{ cursor: string | null; since: Date; starts_at: Date }[]>`
      insert into poll_cursors as c (connection, list, since, starts_at, due_at)
      values (${polled.connection}, ${polled.list}, ${this.#firstDay(polled)}, ${this.#firstDay(polled)},
        clock_timestamp() + ${leaseMs} * interval '1 ms')
      on conflict (connection, list) do update set due_at = excluded.due_at where ${isDue} or c.due_at <= clock_timestamp()
      returning cursor, since, starts_at`
    if (!row) return undefined
    return { cursor: row.cursor ?? undefined, sinceMs: row.since.getTime(), startsAtMs: row.starts_at.getTime() }
  }

  /** False when somebody wanted the list read from another moment meanwhile (`sinceMs` is the pass's own): that stands. */
  async #remember(
    polled: PolledList,
    place: { cursor: string | undefined; sinceMs: number },
    { missed, isLast, sinceMs }: { missed: readonly unknown[]; isLast: boolean; sinceMs: number },
  ): Promise<boolean> {
    const restMs = isLast ? nextPassMs(polled) : leaseMs
    const { count } = await this.#options.sql`
      update poll_cursors set cursor = ${place.cursor ?? null}, since = ${instant(place.sinceMs)},
        polled_at = now(), found = found + ${missed.length}, due_at = clock_timestamp() + ${restMs} * interval '1 ms'
      where connection = ${polled.connection} and list = ${polled.list} and since = ${instant(sinceMs)}`
    return count > 0
  }
}

/**
 * Has lists of a connection read from an earlier moment on, with an audit row: their next passes begin there, and find only what the
 * log does not know.
 */
export async function readHistory(
  sql: Sql,
  { connection, lists, sinceMs, by }: { connection: string; lists: readonly string[]; sinceMs: number; by: string },
): Promise<void> {
  const since = instant(sinceMs)
  await sql`
    with moved as (
      insert into poll_cursors (connection, list, since, starts_at)
      select ${connection}, list, ${since}, ${since} from unnest(${[...lists]}::text[]) as list
      on conflict (connection, list) do update set cursor = null, since = excluded.since,
        starts_at = least(poll_cursors.starts_at, excluded.starts_at), due_at = clock_timestamp()
    )
    select note_audit(${by}, 'read history', ${connection}, ${JSON.stringify({ since, lists })}::text::jsonb)`
}

/** Where a pass stands, and since when the list is read at all. */
interface Place {
  cursor: string | undefined
  sinceMs: number
  startsAtMs: number
}

function isBefore(events: readonly NewEvent[], atMs: number): boolean {
  return events.length > 0 && events.every(({ time }) => epochMs(time) < atMs)
}

function hexOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

function incoming(delivery: Delivery) {
  return {
    ...delivery,
    deliveryId: "",
    topic: delivery.headers["topic"] ?? "",
    correlation: delivery.headers["correlation"] ?? `poll:${delivery.connection}`,
  }
}
