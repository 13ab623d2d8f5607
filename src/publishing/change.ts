import { inTransaction, storage, type Sql } from "../base/sql.ts"
import { skuRanges, skusBetween } from "../stock/views/changed.ts"
import type { StockInChannel } from "./stock-in-channel.ts"
import type { StockChannel } from "./policies.ts"

/** One row, as an operation names it. */
export interface RowKey {
  sku: string
  locationId: string
}

/** A row, and what was seen of it. */
export interface FoundRow extends RowKey {
  state: string
  observedMilli: number | null
}

/** What people do to rows of a channel. Every change is the same when it is repeated, and stands in the audit log. */
export class RowChanges {
  readonly #sql: Sql
  readonly #channel: StockChannel

  constructor(sql: Sql, channel: StockChannel) {
    this.#sql = sql
    this.#channel = channel
  }

  /** Reads the row in the channel and writes what it should show; ends what held it. False when there is no such row. */
  republish(key: RowKey, by: string): Promise<boolean> {
    return this.#change("publish stock again", { key, by }, (tx) => {
      return tx`
        update published_rows set held_by = null, pinned = null, edits = 0, attempts = 0, needs_look = true, marks = marks + 1, decisions = decisions + 1,
          due_at = clock_timestamp(), state = case when state in ('held', 'refused', 'drifted', 'unmapped', 'gone') then 'due' else state end
        where (channel, aspect, item, scope) = (${this.#channel.channel}, 'stock', ${key.sku}, ${key.locationId}) returning 1`
    })
  }

  /** Shows at most what the channel shows now. False when it shows something else by now than was seen. */
  adopt(key: RowKey, seenMilli: number, by: string): Promise<boolean> {
    return this.#change("adopt stock of a channel", { key, by, milli: seenMilli }, (tx) => {
      return tx`
        update published_rows set held_by = null, pinned = greatest(observed, '0'), edits = 0, needs_look = true, marks = marks + 1,
          decisions = decisions + 1, due_at = clock_timestamp(),
          state = case when state in ('held', 'drifted') then 'due' else state end
        where (channel, aspect, item, scope) = (${this.#channel.channel}, 'stock', ${key.sku}, ${key.locationId})
          and observed = to_jsonb(${seenMilli}::bigint) returning 1`
    })
  }

  /** Nothing is written to it until it is published again. False of what is withdrawn: its zero has to be written. */
  hold(key: RowKey, by: string): Promise<boolean> {
    return this.#change("hold stock of a channel", { key, by }, (tx) => {
      return tx`
        update published_rows set held_by = 'person', state = 'held', due_at = null, cause = ${`held by ${by}`}, needs_look = true,
          marks = marks + 1, decisions = decisions + 1
        where (channel, aspect, item, scope) = (${this.#channel.channel}, 'stock', ${key.sku}, ${key.locationId})
          and state not in ('withdrawing', 'gone') returning 1`
    })
  }

  /** Shows zero, and no more than that until it is published again, whatever else becomes of the row. */
  withdraw(key: RowKey, by: string): Promise<boolean> {
    return this.#change("withdraw stock of a channel", { key, by }, (tx) => {
      return tx`
        update published_rows set held_by = null, pinned = '0', state = 'withdrawing', needs_look = true, marks = marks + 1, decisions = decisions + 1,
          due_at = clock_timestamp(), rank = 0
        where (channel, aspect, item, scope) = (${this.#channel.channel}, 'stock', ${key.sku}, ${key.locationId})
          and state <> 'gone' returning 1`
    })
  }

  /** Puts SKUs at the end of what is due, at all places that the channel shows. */
  async #load(skus: readonly string[]): Promise<void> {
    const places = this.#channel.places.map(({ locationId }) => locationId)
    await storage(
      () => this.#sql`select publish_load(${this.#channel.channel}, 'stock', ${places}::text[], ${[...skus]}::text[])`,
    )
  }

  /** Rows in a state, or of SKUs. */
  async find({ state, skus }: { state?: string; skus?: readonly string[] }, limit: number): Promise<FoundRow[]> {
    return storage(
      () => this.#sql<FoundRow[]>`
        select item as sku, scope as "locationId", state, (observed #>> '{}')::bigint as "observedMilli" from published_rows
        where channel = ${this.#channel.channel} and aspect = 'stock' and (${state ?? null}::text is null or state = ${state ?? null})
          and (${skus ? [...skus] : null}::text[] is null or item = any (${skus ? [...skus] : null}::text[]))
        order by item, scope limit ${limit}`,
    )
  }

  /** SKUs that the stock knows, cut into parts of so many: the first and the last of each. */
  async parts(size: number): Promise<{ from: string; to: string; count: number }[]> {
    return skuRanges(this.#sql, size)
  }

  /** Puts a part of the SKUs that the stock knows at the end of what is due. */
  async loadPart({ from, to }: { from: string; to: string }): Promise<void> {
    await this.#load(await skusBetween(this.#sql, from, to))
  }

  /** Rows that may be withdrawn: of these SKUs, or those whose place is not declared any more. */
  async toWithdraw(skus: readonly string[] | undefined, limit: number): Promise<FoundRow[]> {
    const places = this.#channel.places.map(({ locationId }) => locationId)
    return storage(
      () => this.#sql<FoundRow[]>`
        select item as sku, scope as "locationId", state, (observed #>> '{}')::bigint as "observedMilli" from published_rows
        where channel = ${this.#channel.channel} and aspect = 'stock' and state <> 'gone'
          and case when ${skus === undefined} then not scope = any (${places}::text[]) or state = 'drifted' and desired is null
            else item = any (${[...(skus ?? [])]}::text[]) end
        order by item, scope limit ${limit}`,
    )
  }

  #change(
    action: string,
    { key, by, ...detail }: { key: RowKey; by: string; milli?: number },
    work: (tx: Parameters<Parameters<typeof inTransaction>[1]>[0]) => Promise<readonly unknown[]>,
  ): Promise<boolean> {
    const subject = `${this.#channel.channel} ${key.locationId} ${key.sku}`
    return storage(() =>
      inTransaction(this.#sql, async (tx) => {
        const isThere = (await work(tx)).length > 0
        if (isThere) await tx`select note_audit(${by}, ${action}, ${subject}, ${JSON.stringify(detail)}::text::jsonb)`
        return isThere
      }),
    )
  }
}

/** What a walk over everything that a channel shows has found. */
export interface Walk {
  levels: number
  /** Levels above zero of articles that have no row: nobody publishes them. */
  strangers: number
}

const longestWalk = 1_000_000

/**
 * Reads everything that a channel shows, from the first page to the last; a walk that breaks off throws and is no walk. What it shows of
 * articles that Crossdock does not publish gets a row, so that people see it.
 */
export async function walkAll(
  sql: Sql,
  stock: StockInChannel,
  { channel, places }: { channel: string; places: readonly string[] },
): Promise<Walk> {
  const walk = { levels: 0, strangers: 0 }
  let after: string | undefined
  do {
    const page = await stock.list(places, after)
    walk.levels += page.levels.length
    const shown = page.levels.filter(({ available }) => available.milli > 0)
    const rows = await storage(
      () => sql<{ count: number }[]>`
        select publish_note_strangers(${channel}, ${shown.map(({ sku }) => sku)}::text[], ${shown.map(({ locationId }) => locationId)}::text[],
          ${shown.map(({ available }) => available.milli)}::bigint[], ${shown.map(({ reference }) => reference?.id ?? "")}::text[]) as count`,
    )
    walk.strangers += rows[0]?.count ?? 0
    after = page.after
  } while (after !== undefined && walk.levels < longestWalk)
  return walk
}
