import { storage, type Sql } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { Condition } from "../../rules/alerts/condition.ts"
import { judgeSilence, type Counted, type Silence } from "../../rules/promises/silence.ts"
import { outageKey } from "./sources.ts"
import type { AlertSource } from "./watch.ts"

const weeks = 8
const hourMs = 3_600_000
const weekMs = 7 * 24 * hourMs
const spans = [1, 2, 4, 8, 24]

/** Channels from which fewer orders come than chance explains. */
export function silenceSource({ sql, clock }: { sql: Sql; clock: Clock }, channels: readonly string[]): AlertSource {
  let firstMs: number | undefined
  return {
    rules: ["silence"],
    async read() {
      if (channels.length === 0) return []
      // The first order stays the first: it is looked up until there is one.
      firstMs ??= await firstOrderMs(sql)
      const known = firstMs === undefined ? 0 : Math.min(weeks, Math.floor((clock.now() - firstMs) / weekMs))
      const conditions: Condition[] = []
      let open = channels
      for (const hours of spans) {
        const counts = await countOrders(sql, { hours, nowMs: clock.now(), channels: open, known })
        const judged = open.map((channel) => ({ channel, silence: judgeSilence(counts(channel)) }))
        conditions.push(
          ...judged.flatMap(({ channel, silence }) =>
            silence.says === "silent" ? [silenceOf(channel, silence, clock.now())] : [],
          ),
        )
        // A longer span is read only for channels of which the shorter one says nothing.
        open = judged.flatMap(({ channel, silence }) => (silence.says === "not enough data" ? [channel] : []))
        if (open.length === 0 || known === 0) break
      }
      return conditions
    },
  }
}

function silenceOf(
  channel: string,
  { hours, now, expected }: Extract<Silence, { says: "silent" }>,
  nowMs: number,
): Condition {
  return {
    key: `silence:${channel}`,
    rule: "silence",
    subject: { channel },
    severity: "page",
    owner: "operations",
    title: `Hardly any orders come from ${channel}`,
    detail: [`In the same hours of earlier weeks there were ${expected.toFixed(0)} on average.`],
    count: now,
    counted: `orders in ${hours === 1 ? "the last hour" : `the last ${hours} hours`}`,
    money: [],
    since: instant(nowMs - hours * hourMs),
    path: `/orders?channel=${encodeURIComponent(channel)}`,
    ifNobodyActs: "what is sold there may not reach us, or nobody can buy there",
    explainedBy: [outageKey(channel)],
  }
}

async function firstOrderMs(sql: Sql): Promise<number | undefined> {
  const [first] = await storage(
    () => sql<{ at: Date | null }[]>`select min(opened_at) as at from objects where kind = 'order'`,
  )
  return first?.at?.getTime()
}

/** Orders of channels in the last hours, and in the same hours of the earlier weeks that are known. */
async function countOrders(
  sql: Sql,
  { hours, nowMs, channels, known }: { hours: number; nowMs: number; channels: readonly string[]; known: number },
): Promise<(channel: string) => Counted> {
  const rows = await storage(
    () => sql<{ week: number; channel: string; count: number }[]>`
      select w.week, o.channel, count(*) as count
      from generate_series(0, ${known}::integer) as w(week)
      join objects o on o.kind = 'order' and o.opened_at > ${instant(nowMs - hours * hourMs)}::timestamptz - w.week * interval '7 days'
        and o.opened_at <= ${instant(nowMs)}::timestamptz - w.week * interval '7 days'
      where o.channel = any(${[...channels]})
      group by 1, 2`,
  )
  return (channel) => {
    const byWeek = new Map(rows.filter((row) => row.channel === channel).map(({ week, count }) => [week, count]))
    const weeksBefore = Array.from({ length: known }, (_, n) => byWeek.get(n + 1) ?? 0)
    return { hours, now: byWeek.get(0) ?? 0, weeksBefore }
  }
}
