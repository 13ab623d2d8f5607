import { createHash } from "node:crypto"
import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { instant, sleep, type Clock } from "../base/time.ts"
import type { Delivery, ListsChanges, Translation } from "../ports/capabilities.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { EventLog } from "./event-log.ts"
import type { Stating } from "../ports/statements.ts"
import { soundFacts } from "./sound-facts.ts"
import type { Inbox } from "./inbox.ts"

/** A connection that can be asked for what its webhooks may have missed. */
export interface PolledConnection {
  id: string
  everyMs: number
  listsChanges: ListsChanges
  translate: (delivery: Delivery) => Translation
  /** What it may state, as the translator asks; without it only the catalogue of events is asked. */
  stating?: Stating
  /** Runs a read through the connection's door. */
  read: <Result>(work: () => Promise<Result>) => Promise<Result>
}

interface BackstopOptions {
  sql: Sql
  log: Log
  clock: Clock
  inbox: Inbox
  eventLog: EventLog
  connections: readonly PolledConnection[]
}

/**
 * Finds what webhooks missed (P-04, P-06): reads changes since the last point with overlap, and puts into the inbox only what
 * states a fact the log does not know. The cursor moves after those rows are durable, so a crash reads a page again.
 * A delivery that cannot be translated goes in too, and is parked there like any other: it never holds the cursor.
 */
export class Backstop {
  readonly #options: BackstopOptions
  readonly #stop = new AbortController()
  readonly #loops: Promise<void>[] = []

  constructor(options: BackstopOptions) {
    this.#options = options
  }

  start(): void {
    for (const connection of this.#options.connections) this.#loops.push(this.#loop(connection))
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await Promise.all(this.#loops)
  }

  async #loop(connection: PolledConnection): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await sleep(connection.everyMs, this.#stop.signal).catch(() => undefined)
      if (this.#stop.signal.aborted) return
      try {
        await this.pollOnce(connection)
      } catch (thrown) {
        const isWait = isStorageAway(thrown) || asAppError(thrown).kind === "unavailable"
        if (!isWait)
          this.#options.log.error(
            { err: thrown, connection: connection.id },
            "the backstop poll failed; it is tried again",
          )
      }
    }
  }

  /** One pass over all pages since the cursor; answers how many deliveries were found that no webhook had brought. */
  async pollOnce(connection: PolledConnection): Promise<number> {
    let place = await this.#place(connection)
    let found = 0
    // When a pass that goes on at a remembered page had begun is not known; the one after it starts where this one did.
    const nextSinceMs =
      place.cursor === undefined ? this.#options.clock.now() - connection.listsChanges.overlapMs : place.sinceMs
    for (;;) {
      const { cursor, sinceMs } = place
      const page = await connection.read(() =>
        connection.listsChanges.listChanges(
          { cursor, sinceMs },
          { signal: AbortSignal.timeout(60_000), correlation: `poll:${connection.id}` },
        ),
      )
      const missed = await this.#missing(connection, page.deliveries)
      await Promise.all(missed.map((delivery) => this.#options.inbox.receive(incoming(delivery))))
      found += missed.length
      // At the end of the pages the next pass starts from when this one began, less what the vendor's clock may hide.
      const atEnd = connection.listsChanges.isCursorLasting ? page.nextCursor : undefined
      place = page.hasMore ? { cursor: page.nextCursor, sinceMs } : { cursor: atEnd, sinceMs: nextSinceMs }
      await this.#remember(connection, place, missed.length)
      if (!page.hasMore) return found
    }
  }

  async #missing(connection: PolledConnection, deliveries: readonly Delivery[]): Promise<Delivery[]> {
    const translated = deliveries.map((delivery) => ({ delivery, events: eventsOf(connection, delivery) }))
    const known = await this.#options.eventLog.knownFacts(translated.flatMap(({ events }) => events ?? []))
    const opaque = translated.flatMap(({ delivery, events }) => (events === undefined ? [delivery] : []))
    const parked = await this.#parkedBytes(connection, opaque)
    return translated.flatMap(({ delivery, events }) => {
      const isKnown = events ? events.every(({ fact }) => known.has(fact)) : parked.has(hexOf(delivery.bytes))
      return isKnown ? [] : [delivery]
    })
  }

  /** What cannot be translated states no facts to know it by; every pass over the overlap would park it once more. */
  async #parkedBytes(connection: PolledConnection, deliveries: readonly Delivery[]): Promise<Set<string>> {
    if (deliveries.length === 0) return new Set()
    const digests = deliveries.map((delivery) => hexOf(delivery.bytes))
    const rows = await this.#options.sql<{ digest: string }[]>`
      select distinct digest from inbox
      where connection = ${connection.id} and state = 'parked' and digest = any(${digests})`
    return new Set(rows.map((row) => row.digest))
  }

  async #place(connection: PolledConnection): Promise<{ cursor: string | undefined; sinceMs: number }> {
    const { sql, clock } = this.#options
    const [row] = await sql<{ cursor: string | null; since: Date }[]>`
      insert into poll_cursors (connection, cursor, since)
      values (${connection.id}, null, ${instant(clock.now() - 24 * 3600 * 1000)})
      on conflict (connection) do update set polled_at = now() returning cursor, since`
    return { cursor: row?.cursor ?? undefined, sinceMs: row ? row.since.getTime() : clock.now() }
  }

  async #remember(
    connection: PolledConnection,
    place: { cursor: string | undefined; sinceMs: number },
    found: number,
  ): Promise<void> {
    await this.#options.sql`
      update poll_cursors set cursor = ${place.cursor ?? null}, since = ${instant(place.sinceMs)},
        polled_at = now(), found = found + ${found}
      where connection = ${connection.id}`
  }
}

function hexOf(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex")
}

function eventsOf(connection: PolledConnection, delivery: Delivery): NewEvent[] | undefined {
  try {
    const { sound, error } = soundFacts(connection.translate(delivery).events, connection.stating)
    return error ? undefined : sound
  } catch {
    // What cannot be translated, in whole or in part, belongs in the inbox, where it is parked with its reason.
    return undefined
  }
}

function incoming(delivery: Delivery) {
  return {
    ...delivery,
    deliveryId: "",
    topic: delivery.headers["topic"] ?? "",
    correlation: delivery.headers["correlation"] ?? `poll:${delivery.connection}`,
  }
}
