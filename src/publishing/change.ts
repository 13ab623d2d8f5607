import { inTransaction, storage, type Sql } from "../base/sql.ts"
import type { Aspect } from "./decide/row.ts"
import type { PublishingChannel } from "./policies.ts"

/** One row, as an operation names it. */
export interface RowKey {
  sku: string
  /** The place of stock, the market of a price, the field of a product. */
  scope: string
}

/** A row, and what was seen of it. */
export interface FoundRow extends RowKey {
  state: string
  /** Null: nothing is known. */
  observed: unknown
}

/** What people do to rows of a channel. Every change is the same when it is repeated, and stands in the audit log. */
export class RowChanges {
  readonly #sql: Sql
  readonly #channel: PublishingChannel
  readonly #aspect: Aspect

  constructor(sql: Sql, channel: PublishingChannel, aspect: Aspect) {
    this.#sql = sql
    this.#channel = channel
    this.#aspect = aspect
  }

  /** Reads the row in the channel and writes what it should show; ends what held it. False when there is no such row. */
  republish(key: RowKey, by: string): Promise<boolean> {
    return this.#change("publish again", { key, by }, (tx) => {
      return tx`
        update published_rows set held_by = null, pinned = null, edits = 0, attempts = 0, needs_look = true, marks = marks + 1, decisions = decisions + 1,
          due_at = clock_timestamp(), state = case when state in ('held', 'refused', 'drifted', 'unmapped', 'derived', 'gone') then 'due' else state end
        where (channel, aspect, item, scope) = (${this.#channel.channel}, ${this.#aspect}, ${key.sku}, ${key.scope}) returning 1`
    })
  }

  /** Shows at most what the channel shows now. False when it shows something else by now than was seen. */
  adopt(key: RowKey, seen: string, by: string): Promise<boolean> {
    return this.#change("adopt what a channel shows", { key, by, seen }, (tx) => {
      return tx`
        update published_rows set held_by = null, pinned = case ${this.#aspect} when 'stock' then greatest(observed, '0') else observed end, edits = 0, needs_look = true, marks = marks + 1,
          decisions = decisions + 1, due_at = clock_timestamp(),
          state = case when state in ('held', 'drifted') then 'due' else state end
        where (channel, aspect, item, scope) = (${this.#channel.channel}, ${this.#aspect}, ${key.sku}, ${key.scope})
          and observed = ${seen}::text::jsonb returning 1`
    })
  }

  /** Nothing is written to it until it is published again. False of what is withdrawn: its zero has to be written. */
  hold(key: RowKey, by: string): Promise<boolean> {
    return this.#change("hold what a channel shows", { key, by }, (tx) => {
      return tx`
        update published_rows set held_by = 'person', state = 'held', due_at = null, cause = ${`held by ${by}`}, needs_look = true,
          marks = marks + 1, decisions = decisions + 1
        where (channel, aspect, item, scope) = (${this.#channel.channel}, ${this.#aspect}, ${key.sku}, ${key.scope})
          and state not in ('withdrawing', 'gone') returning 1`
    })
  }

  /** Shows zero, and no more than that until it is published again, whatever else becomes of the row. */
  withdraw(key: RowKey, by: string): Promise<boolean> {
    return this.#change("withdraw from a channel", { key, by }, (tx) => {
      return tx`
        update published_rows set held_by = null, pinned = '0', state = 'withdrawing', needs_look = true, marks = marks + 1, decisions = decisions + 1,
          due_at = clock_timestamp(), rank = 0
        where (channel, aspect, item, scope) = (${this.#channel.channel}, ${this.#aspect}, ${key.sku}, ${key.scope})
          and state <> 'gone' returning 1`
    })
  }

  /** Rows in a state, or of SKUs. */
  async find({ state, skus }: { state?: string; skus?: readonly string[] }, limit: number): Promise<FoundRow[]> {
    return storage(
      () => this.#sql<FoundRow[]>`
        select item as sku, scope, state, observed from published_rows
        where channel = ${this.#channel.channel} and aspect = ${this.#aspect} and (${state ?? null}::text is null or state = ${state ?? null})
          and (${skus ? [...skus] : null}::text[] is null or item = any (${skus ? [...skus] : null}::text[]))
        order by item, scope limit ${limit}`,
    )
  }

  /** Puts SKUs at the end of what is due, in all scopes that the channel shows. */
  async load(skus: readonly string[], scopes: readonly string[]): Promise<void> {
    const { channel } = this.#channel
    await storage(() =>
      inTransaction(this.#sql, async (tx) => {
        // First, so that who looks at a load that begins sees it begun.
        await tx`select publish_note_load(${channel}, ${this.#aspect}, ${skus.length * scopes.length})`
        await tx`select publish_load(${channel}, ${this.#aspect}, ${[...scopes]}::text[], ${[...skus]}::text[])`
      }),
    )
  }

  /** Rows that may be withdrawn: of these SKUs, or those whose place is not declared any more. */
  async toWithdraw(places: readonly string[], skus: readonly string[] | undefined, limit: number): Promise<FoundRow[]> {
    return storage(
      () => this.#sql<FoundRow[]>`
        select item as sku, scope, state, observed from published_rows
        where channel = ${this.#channel.channel} and aspect = ${this.#aspect} and state <> 'gone'
          and case when ${skus === undefined} then not scope = any (${[...places]}::text[]) or state = 'drifted' and desired is null
            else item = any (${[...(skus ?? [])]}::text[]) end
        order by item, scope limit ${limit}`,
    )
  }

  #change(
    action: string,
    { key, by, ...detail }: { key: RowKey; by: string; seen?: string },
    work: (tx: Parameters<Parameters<typeof inTransaction>[1]>[0]) => Promise<readonly unknown[]>,
  ): Promise<boolean> {
    const subject = `${this.#channel.channel} ${this.#aspect} ${key.scope} ${key.sku}`
    return storage(() =>
      inTransaction(this.#sql, async (tx) => {
        const isThere = (await work(tx)).length > 0
        if (isThere) await tx`select note_audit(${by}, ${action}, ${subject}, ${JSON.stringify(detail)}::text::jsonb)`
        return isThere
      }),
    )
  }
}
