import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import { instant } from "../base/time.ts"
import type { PublishedRow, RowState } from "./decide/row.ts"
import type { StockChannel } from "./policies.ts"

/** Which rows of a channel. */
export interface RowFilter {
  state?: RowState
  item?: string
}

/** A row as people and programs see it; values in thousandths. */
function rowView(row: PublishedRow) {
  return {
    channel: row.channel,
    aspect: row.aspect,
    sku: row.item,
    locationId: row.scope,
    state: row.state,
    desired:
      row.desired === null
        ? null
        : { version: row.version, milli: row.desired, effectiveAt: utc(row.effectiveAt), why: row.why },
    sent:
      row.sentVersion === null
        ? null
        : { version: row.sentVersion, milli: row.sent, key: row.sentKey, at: utc(row.sentAt) },
    accepted: row.ref === null ? null : { ref: row.ref, at: utc(row.acceptedAt) },
    observed:
      row.observed === null ? null : { milli: row.observed, ...row.token, at: utc(row.observedAt), by: row.observedBy },
    changedAt: utc(row.changedAt),
    dueAt: utc(row.dueAt),
    risk: row.risk,
    cause: row.cause,
    heldBy: row.heldBy,
    pinnedMilli: row.pinned,
    exceptionId: row.caseId,
  }
}

/** A page of a channel's rows, by SKU and place. */
export async function publishedPage(
  sql: Sql,
  channel: string,
  { filter, limit, cursor }: { filter: RowFilter; limit: number; cursor?: string },
): Promise<{ items: ReturnType<typeof rowView>[]; cursor?: string }> {
  const after = cursor === undefined ? { item: "", scope: "" } : parsed(cursor)
  const { state = null, item = null } = filter
  const rows = await storage(
    () => sql<{ row: PublishedRow }[]>`
      select published_json(r) as row from published_rows r
      where r.channel = ${channel} and r.aspect = 'stock' and (r.item, r.scope) > (${after.item}, ${after.scope})
        and (${state}::text is null or r.state = ${state}) and (${item}::text is null or r.item = ${item})
      order by r.item, r.scope limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit).map(({ row }) => row)
  const last = items.at(-1)
  const next =
    rows.length > limit && last
      ? { cursor: Buffer.from(JSON.stringify([last.item, last.scope])).toString("base64url") }
      : {}
  return { items: items.map(rowView), ...next }
}

function parsed(cursor: string): { item: string; scope: string } {
  try {
    const [item, scope] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as [unknown, unknown]
    if (typeof item === "string" && typeof scope === "string") return { item, scope }
  } catch {
    // Said below.
  }
  throw new AppError("REQUEST_INVALID", "the cursor is not one this list gave out", {
    problems: [{ pointer: "?cursor", message: "use the cursor of the page before" }],
  })
}

/** How long changes of stock took to be shown, over the last day. Milliseconds; undefined without any. */
interface Freshness {
  shown: number
  p50Ms?: number
  p99Ms?: number
}

/** A channel that publishes, and how it stands. */
export interface ChannelView {
  channel: string
  connection: string
  places: StockChannel["places"]
  foreign: StockChannel["foreign"]
  dryRun: boolean
  /** Rows that are not as they should be, by state; `waiting` are changes that are not looked into yet. */
  states: Record<string, number>
  /** The oldest change that the channel does not show yet. */
  oldestChangeAt?: string
  freshness: Freshness
  /** The rolling read-back of all rows. */
  walk: { began?: string; ended?: string }
}

/** How channels stand. Rows that are right are not counted: there may be millions. */
export async function channelViews(sql: Sql, channels: readonly StockChannel[], now: string): Promise<ChannelView[]> {
  if (channels.length === 0) return []
  const names = channels.map(({ channel }) => channel)
  const rows = await storage(
    () => sql<
      {
        channel: string
        states: Record<string, number>
        oldest: Date | null
        counts: number[] | null
        began: Date | null
        ended: Date | null
      }[]
    >`
      select n.channel, published_states(n.channel) as states,
        (select min(r.changed_at) from published_rows r where r.channel = n.channel and r.aspect = 'stock' and r.marks > r.assessed) as oldest,
        (select array_agg(x.total order by x.class) from (
          select c.class, sum(c.count)::integer as total from published_ages a, unnest(a.counts) with ordinality as c(count, class)
          where a.channel = n.channel and a.aspect = 'stock' and a.hour > ${now}::timestamptz - interval '24 hours' group by c.class) x) as counts,
        c.walk_began as began, c.walk_ended as ended
      from unnest(${names}::text[]) as n(channel)
      left join published_channels c on c.channel = n.channel and c.aspect = 'stock'`,
  )
  return channels.flatMap(({ channel, connection, places, foreign, isDryRun }) => {
    const row = rows.find((one) => one.channel === channel)
    if (!row) return []
    return [
      {
        channel,
        connection,
        places,
        foreign,
        dryRun: isDryRun,
        states: row.states,
        ...(row.oldest ? { oldestChangeAt: row.oldest.toISOString() } : {}),
        freshness: freshnessOf(row.counts ?? []),
        walk: {
          ...(row.began ? { began: row.began.toISOString() } : {}),
          ...(row.ended ? { ended: row.ended.toISOString() } : {}),
        },
      },
    ]
  })
}

/** How long changes took is kept for a quarter of a year. */
export async function forgetOldAges(sql: Sql, now: string): Promise<void> {
  await storage(() => sql`delete from published_ages where hour < ${now}::timestamptz - interval '90 days'`)
}

/** From counts by class; a class is named by its upper end, so a figure is no smaller than the truth. */
function freshnessOf(counts: readonly number[]): Freshness {
  const shown = counts.reduce((sum, one) => sum + one, 0)
  if (shown === 0) return { shown }
  const quantile = (share: number) => {
    let seen = 0
    const at = counts.findIndex((count) => (seen += count) >= share * shown)
    return 100 * 2 ** Math.max(at, 0)
  }
  return { shown, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}

function utc(moment: string | null): string | null {
  return moment === null ? null : instant(Date.parse(moment))
}
