import { setTimeout as sleep } from "node:timers/promises"
import { openSql, type Sql } from "../../src/base/sql.ts"
import { instant } from "../../src/base/time.ts"
import { createReservations, type Reservations } from "../../src/stock/reservations.ts"
import type { ReserveRequest, ReserveResult } from "../../src/stock/reserve.ts"
import { createStockLedger } from "../../src/stock/stock-ledger.ts"
import { Latencies } from "../latencies.ts"
import { answerParent } from "./answer-parent.ts"

// Callers of the engine's own API in one process, all reserving the same SKU.

const locationId = "W1"
const holdMs = 15 * 60_000
const repeatShare = 0.01
// As many as a Crossdock process opens.
const connectionsMax = 12

interface Tally {
  decided: number
  granted: number
  refused: number
  repeats: number
  wrong: string[]
}

let sql: Sql
let reservations: Reservations
let count = 0

function emptyTally(): Tally {
  return { decided: 0, granted: 0, refused: 0, repeats: 0, wrong: [] }
}

function request(sku: string, milli: number): ReserveRequest {
  count += 1
  const key = `${sku}-${process.pid}-${count}`
  return {
    key,
    owner: key,
    channel: "web",
    kind: "soft",
    expiresAt: instant(Date.now() + holdMs),
    lines: [{ sku, milli }],
  }
}

/** One decision of one caller; sometimes the caller repeats its last request, as after a lost response. */
async function decide(
  sku: string,
  milli: number,
  caller: { tally: Tally; last?: ReserveRequest },
): Promise<ReserveResult> {
  const { tally } = caller
  const isRepeat = caller.last !== undefined && Math.random() < repeatShare
  const asked = isRepeat && caller.last ? caller.last : request(sku, milli)
  const result = await reservations.reserve(asked)
  tally.decided += 1
  if (isRepeat) {
    tally.repeats += 1
    if (!result.granted || !result.duplicate) tally.wrong.push(`repeat of ${asked.key}: ${JSON.stringify(result)}`)
  } else if (result.granted) {
    tally.granted += 1
    caller.last = asked
    if (result.duplicate || result.key !== asked.key)
      tally.wrong.push(`first of ${asked.key}: ${JSON.stringify(result)}`)
  } else tally.refused += 1
  return result
}

answerParent({
  connect: async ({ databaseUrl, sku, milli }: { databaseUrl: string; sku: string; milli: number }) => {
    sql ??= openSql(databaseUrl, { connectionsMax, name: "bench reserve" })
    reservations = createReservations(sql)
    await createStockLedger(sql).applyMovements([{ kind: "receipt", fact: `bench:${sku}`, sku, locationId, milli }])
  },

  /** Closed loop: every caller sends its next request as soon as it has a result. */
  run: async ({ sku, callers, seconds }: { sku: string; callers: number; seconds: number }) => {
    const tally = emptyTally()
    const latencies = new Latencies()
    const started = performance.now()
    const endsAt = started + seconds * 1000
    await Promise.all(
      Array.from({ length: callers }, async () => {
        const caller = { tally }
        for (let now = performance.now(); now < endsAt;) {
          await decide(sku, 1000, caller)
          const then = performance.now()
          latencies.add(then - now)
          now = then
        }
      }),
    )
    return { ...tally, perSecond: tally.decided / ((performance.now() - started) / 1000), ...latencies.summary() }
  },

  /** Open loop: requests come at fixed times and wait from that moment, whatever happens to earlier ones. */
  arrive: async ({ sku, perSecond, seconds }: { sku: string; perSecond: number; seconds: number }) => {
    const tally = emptyTally()
    const latencies = new Latencies()
    const caller = { tally }
    const started = performance.now()
    const all: Promise<void>[] = []
    for (let sent = 0; sent < perSecond * seconds;) {
      const due = Math.min(perSecond * seconds, ((performance.now() - started) / 1000) * perSecond)
      for (; sent < due; sent += 1) {
        const dueAt = started + (sent / perSecond) * 1000
        all.push(decide(sku, 1000, caller).then(() => latencies.add(performance.now() - dueAt)))
      }
      await sleep(1)
    }
    await Promise.all(all)
    return { ...tally, perSecond, ...latencies.summary() }
  },

  /** More demand than stock, in ones, twos and threes, from many callers at once. */
  sellOut: async ({ sku, pieces, callers }: { sku: string; pieces: number; callers: number }) => {
    const tally = emptyTally()
    let grantedMilli = 0
    let leastRefusedMilli = Number.POSITIVE_INFINITY
    let wantedMilli = 0
    await Promise.all(
      Array.from({ length: callers }, async () => {
        const caller = { tally }
        while (wantedMilli < pieces * 1300) {
          const milli = 1000 * (1 + Math.floor(Math.random() * 3))
          wantedMilli += milli
          const result = await decide(sku, milli, caller)
          if (result.granted && !result.duplicate) grantedMilli += milli
          if (!result.granted) leastRefusedMilli = Math.min(leastRefusedMilli, milli)
        }
      }),
    )
    return { ...tally, grantedMilli, leastRefusedMilli, wantedMilli }
  },
})
