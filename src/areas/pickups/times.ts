import { own } from "../../base/lookup.ts"
import { businessDate, dayAfter, durationMs, epochMs, instant, momentOf, type Instant } from "../../base/time.ts"
import type { EstateLocation } from "../../estate/frame.ts"
import { afterOpenTime } from "../../rules/pickup/opening-hours.ts"
import { pickupDefaults, type PickupPolicies, type PickupPolicyBlock } from "../../workflows/prepare-pickup/policies.ts"

const dayMs = 86_400_000

/** When a place has goods ready that are asked of it at a moment: after so much opening time as the estate's policy says. */
export function readyByOf(
  locations: readonly EstateLocation[],
  { readyWithin, openingHours = {} }: PickupPolicyBlock = pickupDefaults,
): (locationId: string, at: Instant) => Instant {
  const zoneOf = zonesOf(locations)
  return (locationId, at) => {
    const hours = { timeZone: zoneOf(locationId), lines: own(openingHours, locationId) ?? [] }
    return afterOpenTime(hours, at, durationMs(readyWithin))
  }
}

/** Until when a place keeps goods that are ready. What is kept for days is kept for whole ones: a buyer is told a day, not an hour. */
export function keptAt(
  locations: readonly EstateLocation[],
  { keepFor }: PickupPolicyBlock,
): Pick<PickupPolicies, "keptUntil" | "lastDay"> {
  const zoneOf = zonesOf(locations)
  const keptMs = durationMs(keepFor)
  return {
    keptUntil: (locationId, readyAt) => {
      const until = instant(epochMs(readyAt) + keptMs)
      if (keptMs < dayMs) return until
      const timeZone = zoneOf(locationId)
      return momentOf(dayAfter(businessDate(until, { timeZone }), 1), "00:00", timeZone)
    },
    lastDay: (locationId, until) => businessDate(instant(epochMs(until) - 1), { timeZone: zoneOf(locationId) }),
  }
}

function zonesOf(locations: readonly EstateLocation[]): (locationId: string) => string {
  const zones = new Map(locations.map(({ id, timeZone }) => [id, timeZone]))
  return (locationId) => zones.get(locationId) ?? "UTC"
}
