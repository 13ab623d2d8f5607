import { durationMs, type Instant } from "../../base/time.ts"
import { own } from "../../base/lookup.ts"
import type { Estate } from "../../estate.ts"
import { afterOpenTime } from "../../rules/pickup/opening-hours.ts"
import { pickupDefaults } from "../../workflows/prepare-pickup/policies.ts"

/** When a place has goods ready that are asked of it at a moment: after so much opening time as the estate's policy says. */
export function readyByOf({ locations, policies }: Estate): (locationId: string, at: Instant) => Instant {
  const { readyWithin, openingHours = {} } = policies.pickups ?? pickupDefaults
  const zones = new Map(locations.map(({ id, timeZone }) => [id, timeZone]))
  return (locationId, at) => {
    const hours = { timeZone: zones.get(locationId) ?? "UTC", lines: own(openingHours, locationId) ?? [] }
    return afterOpenTime(hours, at, durationMs(readyWithin))
  }
}
