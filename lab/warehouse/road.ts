import type { EventEmitter, ProtocolEvent } from "../http-json/standard-webhooks.ts"
import { randomStream } from "../random.ts"
import type { Range, Schedule } from "../schedule.ts"

/** Habits of the carriers; changeable while the simulator runs. */
export type RoadHabits = {
  /** From a shipment to its delivery; null: deliveries are not reported. */
  deliverAfterMs: Range | null
  /** True: every milestone is reported, false: only the last. */
  tellsTheWay: boolean
  /** Share of parcels with a mishap: nobody at home, refused, damaged, lost, without further reports. */
  mishapShare: number
}

/** A parcel under way; `fact` identifies it. */
export type RoadParcel = { fact: string; fields: { shipmentId: string; requestId: string; orderId: string } }

export type Road = {
  /** Takes a parcel over. Milestones reported before are not reported again. */
  take(parcel: RoadParcel, toldBefore?: ReadonlySet<string>): void
  /** Reports a milestone at once, for a control of the lab. */
  tell(parcel: RoadParcel, milestone: string, more?: Record<string, unknown>): ProtocolEvent
}

type RoadParts = { seed: number; habits(): RoadHabits; schedule: Schedule; emitter: EventEmitter }

const way = ["handed-over", "in-transit", "out-for-delivery"]

// docs/reference/http-json-systems.md, "Milestones".
const mishaps: readonly (readonly string[])[] = [
  [...way, "attempt-failed", "out-for-delivery", "delivered"],
  [...way, "attempt-failed", "attempt-failed", "ready-for-pickup", "delivered"],
  [...way, "attempt-failed", "returning", "returned"],
  ["handed-over", "in-transit", "damaged", "out-for-delivery", "delivered"],
  ["handed-over", "in-transit", "lost"],
  ["handed-over"],
]

/** Carries parcels to buyers. The seed and a parcel's id determine its course, so the order of parcels does not matter. */
export function createRoad(parts: RoadParts): Road {
  const tell: Road["tell"] = (parcel, milestone, more = {}) => {
    // A milestone may happen twice to one parcel; the number makes its events differ.
    const fact = `${parcel.fact}/${milestone}/${more["ordinal"] ?? 1}`
    const { ordinal: _ordinal, ...said } = more
    return parts.emitter.emit({ type: "shipment.milestone", fact, fields: { ...parcel.fields, milestone, ...said } })
  }
  const take: Road["take"] = (parcel, toldBefore = new Set()) => {
    const { deliverAfterMs, mishapShare, tellsTheWay } = parts.habits()
    if (deliverAfterMs === null) return
    const random = randomStream(parts.seed, `warehouse/road/${parcel.fact}`)
    const isMishap = random.chance(mishapShare)
    const whole = isMishap ? random.pick(mishaps) : [...way, "delivered"]
    const course = tellsTheWay || isMishap ? whole : whole.slice(-1)
    const totalMs = random.integer(deliverAfterMs.min, deliverAfterMs.max)
    for (const [n, milestone] of course.entries()) {
      const ordinal = course.slice(0, n + 1).filter((one) => one === milestone).length
      const isTold = toldBefore.has(milestone)
      const afterMs = (totalMs * (n + 1)) / course.length
      if (!isTold) parts.schedule.after(afterMs, () => tell(parcel, milestone, { ordinal }))
    }
  }
  return { take, tell }
}
