import { AppError } from "../../base/errors.ts"
import { moneyText } from "../../base/money.ts"
import { table } from "../table.ts"
import { pageOf, withApi, word, type Page } from "../with-api.ts"

interface Channel {
  channel: string
  aspect: string
  connection: string
  dryRun: boolean
  states: Record<string, number>
  freshness: { shown: number; p50Ms?: number; p99Ms?: number }
  load?: { began: string; rows: number; left: number; endsAt?: string }
}

/** Pieces of stock in thousandths; a price; the text of a field. */
interface Shown {
  milli?: number
  value?: string | { amountMinor: number; compareAtMinor?: number; currency: string }
}

interface Row {
  aspect: string
  sku: string
  locationId?: string
  market?: string
  field?: string
  state: string
  desired: (Shown & { why: StockWhy | { text?: string } }) | null
  sent: Shown | null
  observed: (Shown & { by: string | null }) | null
  cause: string | null
}

interface StockWhy {
  onHandMilli: number
  reservedMilli: number
  safetyMilli: number
  bufferMilli: number
  unseenMilli: number
  limitedBy?: { sku: string; milli: number; promiseMilli: number }
  apartMilli?: number
}

/** States in which a channel shows what it should. */
const right = new Set(["live", "gone"])

/** `crossdock channel [diff <channel>]`: how channels stand, and what they show otherwise than they should. */
export function runChannel(args: string[]): Promise<number> {
  const options = {
    state: { type: "string" },
    sku: { type: "string" },
    aspect: { type: "string" },
    all: { type: "boolean", default: false },
  } as const
  return withApi(args, options, async (api, { values, positionals: [action, channel] }) => {
    if (action === undefined) {
      const { items } = await api.get<Page<Channel>>("/v1/channels")
      return {
        data: { items },
        text: () => (items.length > 0 ? channelsText(items) : "nothing is published to any channel"),
      }
    }
    if (action !== "diff" || channel === undefined)
      throw new AppError("REQUEST_INVALID", "say: crossdock channel, or crossdock channel diff <channel>")
    const query = {
      state: word(values["state"]),
      sku: word(values["sku"]),
      aspect: word(values["aspect"]),
      ...pageOf(values),
      limit: "500",
    }
    const showsAll = values["all"] === true || query.state !== undefined || query.sku !== undefined
    const items: Row[] = []
    let cursor = query.cursor
    do {
      const page = await api.get<Page<Row>>(`/v1/channels/${encodeURIComponent(channel)}/published`, {
        ...query,
        cursor,
      })
      items.push(...page.items.filter(({ state }) => showsAll || !right.has(state)))
      ;({ cursor } = page)
    } while (cursor !== undefined)
    return { data: { items }, text: () => (items.length > 0 ? rowsText(items) : `${channel} shows what it should`) }
  })
}

function channelsText(items: readonly Channel[]): string {
  const row = ({ channel, aspect, connection, dryRun, states, freshness, load }: Channel) => [
    channel,
    aspect,
    connection,
    Object.entries(states)
      .map(([state, count]) => `${count} ${state}`)
      .join(", ") || "all as it should be",
    freshness.p50Ms === undefined ? "" : `${freshness.p50Ms / 1000} s, ${(freshness.p99Ms ?? 0) / 1000} s`,
    load
      ? `${load.rows - load.left} of ${load.rows} done${load.endsAt === undefined ? "" : `, all at ${load.endsAt}`}`
      : "",
    dryRun ? "dry run" : "",
  ]
  return table(["channel", "aspect", "connection", "rows", "p50, p99 of a day", "load", ""], items.map(row))
}

function rowsText(items: readonly Row[]): string {
  const row = ({ aspect, sku, locationId, market, field, state, desired, sent, observed, cause }: Row) => [
    sku,
    aspect,
    locationId ?? market ?? field ?? "",
    state,
    shownText(desired),
    shownText(sent),
    observed ? `${shownText(observed)}${observed.by === null ? "" : ` by ${observed.by}`}` : "",
    desired ? whyText(desired.why) : "",
    cause ?? "",
  ]
  return table(
    ["SKU", "of", "place, market, field", "state", "desired", "sent", "observed", "why", "cause"],
    items.map(row),
  )
}

function shownText(shown: Shown | null): string {
  if (shown?.milli !== undefined) return String(shown.milli / 1000)
  const value = shown?.value
  if (value === undefined || value === null) return ""
  if (typeof value === "string") return value.slice(0, 40)
  const { currency, compareAtMinor } = value
  const was = compareAtMinor === undefined ? "" : ` instead of ${moneyText({ amountMinor: compareAtMinor, currency })}`
  return `${moneyText({ amountMinor: value.amountMinor, currency })}${was}`
}

/** `40 on hand - 3 reserved - 2 buffer` */
function whyText(why: StockWhy | { text?: string }): string {
  if (!("onHandMilli" in why)) return why.text ?? ""
  const less = [
    [why.reservedMilli, "reserved"],
    [why.safetyMilli, "safety stock"],
    [why.bufferMilli, "buffer"],
    [why.unseenMilli, "sold and not heard of yet"],
  ] as const
  const { limitedBy, apartMilli = 0 } = why
  if (limitedBy)
    return [
      `${limitedBy.promiseMilli / 1000} × ${limitedBy.sku} may be promised, ${limitedBy.milli / 1000} in each`,
      ...(apartMilli > 0 ? [`- ${apartMilli / 1000} at different places`] : []),
      ...(why.unseenMilli > 0 ? [`- ${why.unseenMilli / 1000} sold and not heard of yet`] : []),
    ].join(" ")
  const parts = less.flatMap(([milli, what]) => (milli === 0 ? [] : [`- ${milli / 1000} ${what}`]))
  return [`${why.onHandMilli / 1000} on hand`, ...parts].join(" ")
}
