import { instant } from "../../base/time.ts"
import type { Sql } from "../../base/sql.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { ShownLevel } from "../../ports/capabilities/stock.ts"
import { heldForChannel } from "../../stock/views/held-for-channel.ts"
import type { Seen } from "../decide/judge.ts"
import { keyOf, type PublishedRow } from "../decide/row.ts"
import { notAnswered, type Answer, type Sight } from "../target.ts"

/** Reservations of a sale may be older than the moment at which the sale was seen in the channel. */
const slackMs = 60_000
/** A look at what changed since long ago asks no further back than this. */
const backMaxMs = 86_400_000

interface LookOptions {
  channel: string
  read(rows: readonly PublishedRow[]): Promise<readonly ItemOutcome<ShownLevel>[]>
  /** Whether what the channel shows changes by itself. */
  losesCount: boolean
  nowMs: number
}

/**
 * Looks at rows in the channel, all rows of each SKU.
 *
 * What the channel's own open orders hold and Crossdock does not is sold and unseen: the order is on its way. A channel that does not
 * say what its orders hold has no such figure, and 0 stands for it.
 */
export async function lookAt(sql: Sql, rows: readonly PublishedRow[], options: LookOptions): Promise<Sight> {
  const { channel, read, losesCount, nowMs } = options
  const found = await read(rows)
  const seen = rows.map((_row, n) => seenIn(found[n]))
  const held = await heldForChannel(
    sql,
    channel,
    rows.map((row, n) => ({
      sku: row.item,
      place: row.scope,
      since: instant(Math.max(Date.parse(row.observedAt ?? "") - slackMs || 0, nowMs - backMaxMs)),
      asksGivenBack: (seen[n]?.value ?? 0) > (row.observed ?? Number.POSITIVE_INFINITY),
    })),
  )
  // Below zero where the channel has lost count.
  const unheld = new Map<string, number>()
  for (const [sku, places] of Map.groupBy(rows.keys(), (n) => rows[n]?.item ?? "")) {
    const committed = places.reduce((sum, n) => sum + (seen[n]?.committedMilli ?? 0), 0)
    unheld.set(sku, committed - (held[places[0] ?? 0]?.heldMilli ?? 0))
  }
  const unseen = new Map([...unheld].map(([sku, milli]) => [sku, Math.max(0, milli)]))
  return {
    answers: new Map(rows.map((row, n) => [keyOf(row), answerOf(found[n], withUnheld(seen[n], unheld.get(row.item)))])),
    unseen,
    explanations: new Map(
      rows.map((row, n) => {
        if (losesCount) return [keyOf(row), everything]
        const { newMilli = 0, givenBackMilli = 0, leftElsewhereMilli = 0 } = held[n] ?? {}
        // Orders that Crossdock never reserved for give back what the channel alone had taken off: they were refused, and cancelled.
        const isSaid = row.token?.unheldMilli !== undefined && seen[n]?.committedMilli !== undefined
        const refusedMilli = isSaid ? Math.max(0, (row.token?.unheldMilli ?? 0) - (unheld.get(row.item) ?? 0)) : 0
        // What was sent from elsewhere is held here no more: a channel that places orders itself moves them when it hears of the parcel.
        const letGoMilli = (row.token?.committedMilli ?? 0) - (seen[n]?.committedMilli ?? Infinity)
        const movedMilli = Math.max(0, Math.min(leftElsewhereMilli, letGoMilli))
        const unseenMilli = unseen.get(row.item) ?? 0
        return [keyOf(row), { unseenMilli, newMilli, givenBackMilli: givenBackMilli + refusedMilli + movedMilli }]
      }),
    ),
  }
}

/** Where a channel loses count by itself, no difference can be told from an edit. */
const everything = { unseenMilli: Infinity, newMilli: Infinity, givenBackMilli: Infinity }

function withUnheld(seen: Seen | undefined, unheldMilli: number | undefined): Seen | undefined {
  return seen?.committedMilli === undefined || unheldMilli === undefined ? seen : { ...seen, unheldMilli }
}

function answerOf(outcome: ItemOutcome<ShownLevel> | undefined, seen: Seen | undefined): Answer<number> {
  if (seen) return { kind: "done", seen }
  return outcome?.kind === "rejected" || outcome?.kind === "unknown" ? outcome : notAnswered
}

/** The level of an answer that has one. */
function seenIn(answer: ItemOutcome<ShownLevel> | undefined): Seen | undefined {
  if (answer?.kind !== "done") return undefined
  const { available, committed, reference } = answer.outcome
  return {
    value: available.milli,
    ...(committed === undefined ? {} : { committedMilli: committed.milli }),
    ...(reference === undefined ? {} : { ref: reference.id }),
  }
}
