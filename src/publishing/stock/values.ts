import { assertInvariant } from "../../base/errors.ts"
import { epochMs, instant } from "../../base/time.ts"
import type { Availability, AvailabilityReader } from "../../stock/availability.ts"
import type { Computed } from "../decide/judge.ts"
import type { StockChannel } from "../policies.ts"
import { keyOf, type StockWhy } from "../decide/row.ts"

/**
 * What a channel should show of SKUs, computed now from the promise, by key of the row. `unseen` is what the channel sold and Crossdock
 * has not reserved yet: it is promised already.
 */
export async function valuesOf(
  availability: Pick<AvailabilityReader, "query">,
  { channel, places }: Pick<StockChannel, "channel" | "places">,
  { skus, unseen, stepMilli }: { skus: readonly string[]; unseen: ReadonlyMap<string, number>; stepMilli: number },
): Promise<Map<string, Computed>> {
  const named = places.filter(({ shows }) => shows === "place")
  const asked = skus.flatMap((sku) => [
    { sku, channel },
    ...named.map(({ locationId }) => ({ sku, channel, locationId })),
  ])
  const answers = await availability.query(asked)
  const values = new Map<string, Computed>()
  const each = named.length + 1
  for (const [n, sku] of skus.entries()) {
    const [pool, ...atPlaces] = answers.slice(n * each, (n + 1) * each)
    assertInvariant(pool !== undefined, `no availability of ${sku}`)
    const unseenMilli = unseen.get(sku) ?? 0
    const room = Math.max(0, pool.availableToPromiseMilli - unseenMilli)
    const parts = sharedOut(
      atPlaces.map((one) => one.availableToPromiseMilli),
      room,
      stepMilli,
    )
    for (const { locationId, shows } of places) {
      const n2 = named.findIndex((one) => one.locationId === locationId)
      const from = shows === "pool" ? pool : (atPlaces[n2] ?? pool)
      const milli = shows === "pool" ? room : (parts[n2] ?? 0)
      const shown = Math.floor(milli / stepMilli) * stepMilli
      values.set(keyOf({ item: sku, scope: locationId }), { value: shown, why: whyOf(from, { shows, unseenMilli }) })
    }
  }
  return values
}

/**
 * What places show together is no more than the pool has: reservations without a place, safety stock and unseen sales are of the pool. The
 * places that have most give way first, so few rows change. All in steps of the channel.
 */
export function sharedOut(promises: readonly number[], room: number, stepMilli: number): number[] {
  const steps = promises.map((milli) => Math.floor(milli / stepMilli))
  let left = Math.floor(room / stepMilli)
  let most = Number.POSITIVE_INFINITY
  for (const [n, one] of steps.toSorted((a, b) => a - b).entries()) {
    const among = steps.length - n
    if (one * among > left) {
      most = Math.floor(left / among)
      left -= most * among
      break
    }
    left -= one
  }
  // What does not divide goes to the first places that gave way.
  return steps.map((one) => {
    if (one <= most) return one * stepMilli
    const extra = left > 0 ? 1 : 0
    left -= extra
    return (most + extra) * stepMilli
  })
}

/** A source that is heard again narrows nothing any more, and nobody says so of each article: what it narrowed is computed again soon. */
const narrowedAgainMs = 60_000

function nextOf({ nextChangeAt, bufferMilli, declaredBufferMilli, withheldMilli, asOf }: Availability): {
  nextAt?: string
} {
  const soon = epochMs(asOf) + narrowedAgainMs
  const isNarrowed = bufferMilli > declaredBufferMilli || withheldMilli > 0
  if (nextChangeAt === undefined) return isNarrowed ? { nextAt: instant(soon) } : {}
  return { nextAt: isNarrowed ? instant(Math.min(epochMs(nextChangeAt), soon)) : nextChangeAt }
}

function whyOf(from: Availability, { shows, unseenMilli }: { shows: "place" | "pool"; unseenMilli: number }): StockWhy {
  return {
    shows,
    onHandMilli: from.onHandMilli,
    reservedMilli: from.reservedMilli,
    safetyMilli: from.safetyStockMilli,
    bufferMilli: from.bufferMilli,
    backorderMilli: from.backorderLimitMilli,
    promiseMilli: from.availableToPromiseMilli,
    unseenMilli,
    ageMs: from.freshnessAgeMs,
    asOf: from.asOf,
    ...limitOf(from),
    ...nextOf(from),
  }
}

function limitOf({ madeOf }: Availability): Pick<StockWhy, "limitedBy" | "apartMilli"> {
  const part = madeOf?.parts.find(({ sku }) => sku === madeOf.limitedBy)
  if (!part) return {}
  const { sku, milli, availableToPromiseMilli: promiseMilli } = part
  return {
    limitedBy: { sku, milli, promiseMilli },
    ...(madeOf && madeOf.apartMilli > 0 ? { apartMilli: madeOf.apartMilli } : {}),
  }
}
