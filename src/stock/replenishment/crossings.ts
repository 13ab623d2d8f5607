import { newEvent, type NewEvent } from "../../canonical/events.ts"
import type { Instant } from "../../base/time.ts"

/** A threshold that a position has crossed, as `stock_cross` returns it. */
export interface Crossing {
  crossing: number
  name: string
  sku: string
  location_id: string
  is_below: boolean
  milli: number
  level_milli: number
  milli_per_day: number
}

/** What is told of a crossing. It is stored with what is below in one transaction, so its number names it once. */
export function crossedEvent(
  { crossing, name, sku, location_id, is_below, milli, level_milli, milli_per_day }: Crossing,
  at: Instant,
): NewEvent {
  const side = is_below ? "below" : "above"
  const cover = daysOfCover(milli, milli_per_day)
  return newEvent({
    type: "stock.threshold-crossed",
    fact: `crossdock:stock:threshold:${location_id}:${sku}:${crossing}`,
    source: "crossdock:stock",
    time: at,
    data: {
      threshold: name,
      sku,
      locationId: location_id,
      side,
      milli,
      levelMilli: level_milli,
      demandMilliPerDay: Math.round(milli_per_day),
      ...(cover === undefined ? {} : { daysOfCover: cover }),
      at,
    },
  })
}

/** For how many days it lasts; undefined where nothing sells. To a hundredth. */
export function daysOfCover(milli: number, milliPerDay: number): number | undefined {
  return milliPerDay <= 0 ? undefined : Math.round((Math.max(milli, 0) / milliPerDay) * 100) / 100
}
