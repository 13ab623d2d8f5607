import type { Sql } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import type { AvailabilityReader } from "../../stock/availability.ts"
import { isWithdrawn, type Computed } from "../decide/judge.ts"
import { keyOf, type PublishedRow } from "../decide/row.ts"
import type { StockChannel } from "../policies.ts"
import type { Target } from "../target.ts"
import { lookAt } from "./look.ts"
import type { StockInChannel } from "./stock-in-channel.ts"
import { valuesOf } from "./values.ts"

/** Channels read some fifty articles of a place at once. */
const skusOfOneLook = 50

interface StockParts {
  sql: Sql
  clock: Clock
  stock: StockInChannel
  availability: Pick<AvailabilityReader, "query">
}

/** The stock that a channel shows: computed from the promise, written by compare-and-set. */
export function stockTarget(channel: StockChannel, { sql, clock, stock, availability }: StockParts): Target<number> {
  return {
    aspect: "stock",
    connection: stock.connection,
    get isClosed() {
      return stock.isClosed
    },
    itemsMax: stock.itemsMax,
    skusOfLook: Math.max(skusOfOneLook, Math.floor(stock.itemsMax / channel.places.length)),
    settleMs: stock.settleMs,
    readsBack: false,
    look: (rows, { nowMs, isBackground }) => {
      const { losesCount } = stock
      const read = (asked: readonly PublishedRow[]) => stock.read(asked, { isBackground })
      return lookAt(sql, rows, { channel: channel.channel, read, losesCount, nowMs })
    },
    async values(rows, sight) {
      const unseen = new Map(rows.map(({ item, why }) => [item, why?.unseenMilli ?? 0]))
      for (const [sku, milli] of sight.unseen) unseen.set(sku, milli)
      const skus = [...unseen.keys()]
      const values = await valuesOf(availability, channel, { skus, unseen, stepMilli: stock.stepMilli })
      for (const row of rows)
        if (isWithdrawn(row) && !values.has(keyOf(row))) values.set(keyOf(row), nothingShown(row, clock.now()))
      return values
    },
    async publish(rows, key) {
      const outcomes = await stock.publish(rows, key)
      return outcomes.map((outcome) => {
        const taken = <Level extends { available: { milli: number } }>({ available, ...rest }: Level) => {
          return { value: available.milli, ...rest }
        }
        if (outcome.kind === "done") return { kind: "done", outcome: taken(outcome.outcome) }
        return outcome.kind === "stale" ? { kind: "stale", holds: taken(outcome.holds) } : outcome
      })
    },
    foreignRule: () => channel.foreign,
  }
}

/** What is withdrawn from a place that is not declared any more has no promise. */
function nothingShown({ why }: PublishedRow, nowMs: number): Computed {
  const none = { onHandMilli: 0, reservedMilli: 0, safetyMilli: 0, bufferMilli: 0, backorderMilli: 0 }
  const empty = { shows: "place", ...none, promiseMilli: 0, unseenMilli: 0, ageMs: null, asOf: instant(nowMs) }
  return { value: 0, why: why ?? empty }
}
