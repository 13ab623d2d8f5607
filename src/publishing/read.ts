import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import { instant } from "../base/time.ts"
import { aspects, type Aspect, type PublishedRow, type RowState } from "./decide/row.ts"
import type { PublishingChannel } from "./policies.ts"

/** Which rows of a channel. */
export interface RowFilter {
  state?: RowState
  item?: string
  aspect?: Aspect
}

/** A value under its name: pieces of stock in thousandths. */
const named = (value: unknown) => (typeof value === "number" ? { milli: value } : { value })

/** A row as people and programs see it. Stock has its place, a price its market, a product its field. */
function rowView(row: PublishedRow<unknown>) {
  const { aspect, scope } = row
  const where = aspect === "stock" ? { locationId: scope } : aspect === "price" ? { market: scope } : { field: scope }
  return {
    channel: row.channel,
    aspect,
    sku: row.item,
    ...where,
    state: row.state,
    desired:
      row.desired === null
        ? null
        : { version: row.version, ...named(row.desired), effectiveAt: utc(row.effectiveAt), why: row.why },
    sent:
      row.sentVersion === null
        ? null
        : { version: row.sentVersion, ...named(row.sent), key: row.sentKey, at: utc(row.sentAt) },
    accepted: row.ref === null ? null : { ref: row.ref, at: utc(row.acceptedAt) },
    observed:
      row.observed === null
        ? null
        : { ...named(row.observed), ...row.token, at: utc(row.observedAt), by: row.observedBy },
    changedAt: utc(row.changedAt),
    dueAt: utc(row.dueAt),
    risk: row.risk,
    cause: row.cause,
    heldBy: row.heldBy,
    ...(aspect === "stock" ? { pinnedMilli: row.pinned } : { pinned: row.pinned }),
    exceptionId: row.caseId,
  }
}

/** A page of a channel's rows, by aspect, SKU and place, market or field. */
export async function publishedPage(
  sql: Sql,
  channel: string,
  { filter, limit, cursor }: { filter: RowFilter; limit: number; cursor?: string },
): Promise<{ items: ReturnType<typeof rowView>[]; cursor?: string }> {
  const after = cursor === undefined ? { aspect: "", item: "", scope: "" } : parsed(cursor)
  const { state = null, item = null, aspect = null } = filter
  // Aspect by aspect, so that each is read by the index of its states, or of its items.
  const of = (aspect === null ? aspects : [aspect]).filter((one) => one >= after.aspect).toSorted()
  const rows = await storage(
    () => sql<{ row: PublishedRow<unknown> }[]>`
      select r.row from unnest(${of}::text[]) as a(aspect) cross join lateral (
        select published_json(p) as row, p.item, p.scope from published_rows p
        where p.channel = ${channel} and p.aspect = a.aspect
          and (p.item, p.scope) > (case a.aspect when ${after.aspect} then ${after.item} else '' end, case a.aspect when ${after.aspect} then ${after.scope} else '' end)
          and (${state}::text is null or p.state = ${state}) and (${item}::text is null or p.item = ${item})
        order by p.item, p.scope limit ${limit + 1}) r
      order by a.aspect, r.item, r.scope limit ${limit + 1}`,
  )
  const items = rows.slice(0, limit).map(({ row }) => row)
  const last = items.at(-1)
  const next =
    rows.length > limit && last
      ? { cursor: Buffer.from(JSON.stringify([last.aspect, last.item, last.scope])).toString("base64url") }
      : {}
  return { items: items.map(rowView), ...next }
}

function parsed(cursor: string): { aspect: string; item: string; scope: string } {
  try {
    const [aspect, item, scope] = JSON.parse(Buffer.from(cursor, "base64url").toString("utf8")) as unknown[]
    if (typeof aspect === "string" && typeof item === "string" && typeof scope === "string")
      return { aspect, item, scope }
  } catch {
    // Said below.
  }
  throw new AppError("REQUEST_INVALID", "the cursor is not one this list gave out", {
    problems: [{ pointer: "?cursor", message: "use the cursor of the page before" }],
  })
}

/** How long changes took to be shown, over the last day. Milliseconds; undefined without any. */
interface Freshness {
  shown: number
  p50Ms?: number
  p99Ms?: number
}

/** One aspect of what a channel shows, and how it stands. */
export interface ChannelView {
  channel: string
  aspect: Aspect
  connection: string
  dryRun: boolean
  /** Rows that are not as they should be, by state; `marked` are changes that are not looked into yet. */
  states: Record<string, number>
  /** The oldest change that the channel does not show yet. */
  oldestChangeAt?: string
  freshness: Freshness
  /** The rolling read-back of all rows. */
  walk: { began?: string; ended?: string }
  /** A load under way: since when, of how many rows, how many are left, and when it ends if it goes on as it did. */
  load?: { began: string; rows: number; left: number; endsAt?: string }
}

/** A load that was noted, as far as it is. Its end is told when enough is done to tell it. */
function loadOf(
  { began, rows, left }: { began: Date | null; rows: number; left: number },
  nowMs: number,
): Pick<ChannelView, "load"> {
  if (!began || left <= 0) return {}
  const done = Math.max(0, rows - left)
  const tookMs = nowMs - began.getTime()
  const endsAt = done * 100 >= rows && tookMs > 0 ? { endsAt: instant(nowMs + (left * tookMs) / done) } : {}
  return { load: { began: instant(began.getTime()), rows, left, ...endsAt } }
}

/** Channels with an aspect that they publish, and what was declared of it. */
export type Declared = Pick<PublishingChannel, "channel" | "connection" | "isDryRun"> & { aspect: Aspect }

/** How channels stand, aspect by aspect. Rows that are right are not counted: there may be millions. */
export async function channelViews(sql: Sql, channels: readonly Declared[], now: string): Promise<ChannelView[]> {
  if (channels.length === 0) return []
  const names = channels.map(({ channel }) => channel)
  const rows = await storage(
    () => sql<
      {
        states: Record<string, number>
        oldest: Date | null
        counts: number[] | null
        began: Date | null
        ended: Date | null
        loadBegan: Date | null
        loadRows: number
        loadLeft: number
      }[]
    >`
      select published_states(n.channel, n.aspect) as states,
        (select min(r.changed_at) from published_rows r where r.channel = n.channel and r.aspect = n.aspect and r.marks > r.assessed) as oldest,
        (select array_agg(x.total order by x.class) from (
          select c.class, sum(c.count)::integer as total from published_ages a, unnest(a.counts) with ordinality as c(count, class)
          where a.channel = n.channel and a.aspect = n.aspect and a.hour > ${now}::timestamptz - interval '24 hours' group by c.class) x) as counts,
        c.walk_began as began, c.walk_ended as ended,
        case when c.load_ended is null then c.load_began end as "loadBegan", coalesce(c.load_rows, 0) as "loadRows",
        case when c.load_began is not null and c.load_ended is null then publish_load_left(n.channel, n.aspect) else 0 end as "loadLeft"
      from unnest(${names}::text[], ${channels.map(({ aspect }) => aspect)}::text[]) with ordinality as n(channel, aspect, place)
      left join published_channels c on c.channel = n.channel and c.aspect = n.aspect
      order by n.place`,
  )
  return channels.flatMap(({ channel, aspect, connection, isDryRun, ...declared }, n) => {
    const row = rows[n]
    if (!row) return []
    const { states, oldest, counts, began, ended, loadBegan, loadRows, loadLeft } = row
    return [
      {
        channel,
        aspect,
        connection,
        ...declared,
        dryRun: isDryRun,
        states,
        ...(oldest ? { oldestChangeAt: oldest.toISOString() } : {}),
        freshness: freshnessOf(counts ?? []),
        walk: {
          ...(began ? { began: began.toISOString() } : {}),
          ...(ended ? { ended: ended.toISOString() } : {}),
        },
        ...loadOf({ began: loadBegan, rows: loadRows, left: loadLeft }, Date.parse(now)),
      },
    ]
  })
}

/** How long changes took is kept for a quarter of a year. */
export async function forgetOldAges(sql: Sql, now: string): Promise<void> {
  await storage(() => sql`delete from published_ages where hour < ${now}::timestamptz - interval '90 days'`)
  await storage(() => sql`delete from published_moments where moment < ${now}::timestamptz - interval '90 days'`)
}

/** A moment at which values changed by the clock, in all channels. */
interface Moment {
  moment: string
  rows: number
  /** From the first row that was shown in any channel to the last one in all. */
  skewMs: number
  /** How long after the moment each channel showed its last row. */
  channels: Record<string, number>
}

const momentsShown = 20

/** The last moments at which prices changed by themselves, and how far apart the channels showed it. */
export async function lastMoments(sql: Sql, channels: readonly string[]): Promise<Moment[]> {
  return storage(
    () => sql<Moment[]>`
      select to_char(m.moment at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as moment, sum(m.rows)::integer as rows,
        (extract(epoch from max(m.last_at) - min(m.first_at)) * 1000)::bigint as "skewMs",
        json_object_agg(m.channel, (extract(epoch from m.last_at - m.moment) * 1000)::bigint) as channels
      from published_moments m where m.channel = any (${[...channels]}::text[])
      group by m.moment order by m.moment desc limit ${momentsShown}`,
  )
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
