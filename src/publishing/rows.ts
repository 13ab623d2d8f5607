import { storage, type Sql } from "../base/sql.ts"
import { instant } from "../base/time.ts"
import { keyOf, type Aspect, type PublishedRow } from "./decide/row.ts"

const changesAtOnce = 5000

/** A channel that refused most of a call, so often in a row, is left alone until then. */
export interface Stop {
  stops: number
  untilMs: number | null
  /** The open exception about it. */
  caseId: string | null
}

/** The rows of one aspect of what channels show. */
export class PublishedRows<Value> {
  readonly #sql: Sql
  readonly #aspect: Aspect

  constructor(sql: Sql, aspect: Aspect) {
    this.#sql = sql
    this.#aspect = aspect
  }

  /**
   * What there is to do: changes that wait, the oldest first; of rows that are due without one, the most urgent and some of the oldest. What
   * is marked without a moment, because all rows are, comes after the changes.
   */
  async candidates(
    channel: string,
    { now, limit, onlyMarked }: { now: string; limit: number; onlyMarked: boolean },
  ): Promise<PublishedRow<Value>[]> {
    const many = onlyMarked ? 0 : limit
    const few = Math.ceil(many / 4)
    const rows = await storage(
      () => this.#sql<{ row: PublishedRow<Value> }[]>`
        with keys as materialized (
          (select channel, aspect, item, scope from published_rows
            where channel = ${channel} and aspect = ${this.#aspect} and (marks > assessed or changed_at is not null and due_at is not null)
              and (marks > assessed or due_at <= ${now} and ${!onlyMarked}) order by changed_at limit ${limit})
          union
          (select channel, aspect, item, scope from published_rows where channel = ${channel} and aspect = ${this.#aspect} and rank < 3
            and due_at <= ${now} order by rank, due_at limit ${many})
          union
          (select channel, aspect, item, scope from published_rows where channel = ${channel} and aspect = ${this.#aspect} and rank = 3
            and due_at <= ${now} order by due_at limit ${few})
        )
        -- By the columns of the keys and not by constants: before its first statistics a table of one channel is taken for one row, and all
        -- of it would be read for each key.
        select published_json(r) as row from keys k join published_rows r using (channel, aspect, item, scope)`,
    )
    return rows.map(({ row }) => row)
  }

  /** Rows of these SKUs. */
  async ofSkus(channel: string, skus: readonly string[]): Promise<PublishedRow<Value>[]> {
    const rows = await storage(
      () => this.#sql<{ row: PublishedRow<Value> }[]>`
        select published_json(r) as row from published_rows r
        where r.channel = ${channel} and r.aspect = ${this.#aspect} and r.item = any (${[...new Set(skus)]}::text[])`,
    )
    return rows.map(({ row }) => row)
  }

  /**
   * Writes rows as they are now, with how long the changes took that are shown by now. Marks that came meanwhile stay, and so does what a
   * person decided meanwhile: returns the keys of those rows.
   */
  async write(
    rows: readonly (PublishedRow<Value> & { caseIsNews: boolean })[],
    { now, agesMs = [], moments = [] }: { now: string; agesMs?: readonly number[]; moments?: readonly string[] },
  ): Promise<Set<string>> {
    const [first] = rows
    if (!first) return new Set()
    return storage(async () => {
      const decided = await this.#sql<{ item: string; scope: string }[]>`
        select item, scope from publish_write(${JSON.stringify(rows)}::text::json)`
      if (agesMs.length > 0)
        await this.#sql`
          select publish_note_ages(${first.channel}, ${this.#aspect}, ${now}::timestamptz, ${agesMs.map(classOf)}::integer[])`
      if (moments.length > 0)
        await this.#sql`
          select publish_note_moments(${first.channel}, ${this.#aspect}, ${now}::timestamptz, ${[...moments]}::timestamptz[])`
      return new Set(decided.map(keyOf))
    })
  }

  /** What was declared when all rows of the channel were last marked. */
  async declared(channel: string): Promise<string | undefined> {
    const rows = await storage(
      () => this.#sql<{ declared: string | null }[]>`
        select declared from published_channels where channel = ${channel} and aspect = ${this.#aspect}`,
    )
    return rows[0]?.declared ?? undefined
  }

  /** Marks every row that the channel has, and notes what was declared. */
  async markAll(channel: string, declared: string): Promise<void> {
    let [item, scope] = ["", ""]
    for (;;) {
      const last = await storage(
        () => this.#sql<{ item: string; scope: string }[]>`
          select item, scope from publish_mark_rows(${channel}, ${this.#aspect}, ${item}, ${scope}, ${changesAtOnce})`,
      )
      if (!last[0]) break
      ;({ item, scope } = last[0])
    }
    await storage(
      () => this.#sql`
        select publish_note_load(${channel}, ${this.#aspect}, (select count(*) from published_rows p where p.channel = ${channel} and p.aspect = ${this.#aspect}))`,
    )
    await storage(
      () => this.#sql`
        insert into published_channels (channel, aspect, declared) values (${channel}, ${this.#aspect}, ${declared})
        on conflict (channel, aspect) do update set declared = excluded.declared`,
    )
  }

  /** Takes or keeps the lease of a channel; undefined when another worker has it. */
  async lease(channel: string, worker: string, ms: number): Promise<Stop | undefined> {
    const rows = await storage(
      () => this.#sql<Stop[]>`
        select stops, (extract(epoch from stopped_until) * 1000)::bigint as "untilMs", case_id as "caseId" from publish_lease(${channel}, ${this.#aspect}, ${worker}, ${ms})`,
    )
    return rows[0]
  }

  async setStop(channel: string, { stops, untilMs, caseId }: Stop): Promise<void> {
    await storage(
      () => this.#sql`
        update published_channels set stops = ${stops}, stopped_until = ${untilMs === null ? null : instant(untilMs)}, case_id = ${caseId}
        where channel = ${channel} and aspect = ${this.#aspect}`,
    )
  }

  /** Asks for a look at the next rows of the rolling walk. */
  async audit(channel: string, { most, now }: { most: number; now: string }): Promise<void> {
    await storage(
      () => this.#sql`select publish_audit(${channel}, ${this.#aspect}, ${most}::integer, ${now}::timestamptz)`,
    )
  }

  async count(channel: string): Promise<number> {
    const rows = await storage(
      () => this.#sql<{ count: number }[]>`
        select count(*) as count from published_rows where channel = ${channel} and aspect = ${this.#aspect}`,
    )
    return rows[0]?.count ?? 0
  }

  async letGo(channel: string, worker: string): Promise<void> {
    await this.#sql`
      update published_channels set leased_until = null where channel = ${channel} and aspect = ${this.#aspect} and leased_by = ${worker}`
  }
}

/** The class of an age: the n-th goes up to 100 ms × 2^n. */
export function classOf(ageMs: number): number {
  return Math.min(19, Math.max(0, Math.ceil(Math.log2(Math.max(ageMs, 1) / 100))))
}

/** A person has a row published again whose case they decided: what held it ends, and the channel is looked at first. */
export async function publishAgain(sql: Sql, caseId: string): Promise<void> {
  await storage(
    () => sql`
      update published_rows set held_by = null, edits = 0, attempts = 0, needs_look = true, marks = marks + 1, decisions = decisions + 1,
        case_id = null, cases = cases + 1,
        state = case when state in ('held', 'refused', 'drifted') then 'due' else state end, due_at = clock_timestamp()
      where case_id = ${caseId}`,
  )
}
