import { epochMs } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import { shipmentMilestones, type Shipment, type ShipmentMilestone } from "../../canonical/shipment.ts"

/** One milestone of a parcel, without the ids that name the parcel. */
export type Told = Pick<
  EventData<"shipment.milestone">,
  "milestone" | "at" | "place" | "text" | "signedBy" | "expectedAt" | "carrier"
>

/** What a person decided about a trouble of a parcel. `round` tells repeats of one kind of trouble apart. */
export interface Decided {
  kind: TroubleKind
  round: number
  action: string
  at: string
}

/** Why people are told about a parcel. */
export type TroubleKind =
  | "parcel is late"
  | "parcel is presumed lost"
  | "parcel is not collected"
  | "carrier could not deliver"
  | "carrier reports damage"
  | "carrier lost it"
  | "parcel is coming back"
  | "delivered to whom"
  | "parcel came back"
  | "lost parcel arrived"

/** How a parcel ended. */
export type ParcelEnd = "delivered" | "came back" | "lost" | "closed"

/** One parcel. What was told of it is a set: in which order it came does not matter. */
export interface Parcel {
  /** All ids it was named by: `shipment:SH-1`, `tracking:JVGL1`, `fulfilment:gid://…`. The first names its exceptions. */
  ids: readonly string[]
  /** Usually one; two under one tracking number travel together. */
  shipments: readonly Shipment[]
  told: readonly Told[]
  decided: readonly Decided[]
}

/** Takes news of the parcel of some ids in. Parcels that turn out to be one become one. */
export function withParcel(
  parcels: readonly Parcel[],
  ids: readonly string[],
  more: Partial<Omit<Parcel, "ids">>,
): readonly Parcel[] {
  const isSame = (parcel: Parcel) => parcel.ids.some((id) => ids.includes(id))
  const first = parcels.find(isSame)
  const news: Parcel = { ids, shipments: [], told: [], decided: [], ...more }
  if (!first) return [...parcels, news]
  const joined = [...parcels.filter(isSame), news].reduce(join)
  return parcels.flatMap((parcel) => (parcel === first ? [joined] : isSame(parcel) ? [] : [parcel]))
}

function join(one: Parcel, other: Parcel): Parcel {
  return {
    ids: [...new Set([...one.ids, ...other.ids])],
    shipments: [
      ...one.shipments,
      ...other.shipments.filter(({ id }) => !one.shipments.some((known) => known.id === id)),
    ],
    told: [...one.told, ...other.told.filter((told) => !one.told.some((known) => isSameTold(known, told)))],
    decided: [...one.decided, ...other.decided],
  }
}

/** Two systems may tell one milestone with different details; both are kept. */
function isSameTold(one: Told, other: Told): boolean {
  const fields = ["milestone", "at", "place", "text", "signedBy", "expectedAt", "carrier"] as const
  return fields.every((field) => one[field] === other[field])
}

/** The milestones of these kinds, oldest first. Equal times, which carriers that round produce, go by the usual course. */
export function toldOf({ told }: Parcel, ...kinds: readonly ShipmentMilestone[]): readonly Told[] {
  return told
    .filter(({ milestone }) => kinds.length === 0 || kinds.includes(milestone))
    .toSorted((a, b) => epochMs(a.at) - epochMs(b.at) || rank(a) - rank(b) || estimate(a) - estimate(b))
}

const rank = ({ milestone }: Told) => shipmentMilestones.indexOf(milestone)

const estimate = ({ expectedAt }: Told) => (expectedAt === undefined ? 0 : epochMs(expectedAt))

/** How often a milestone happened: reports of one moment are one. */
export function timesOf(parcel: Parcel, milestone: ShipmentMilestone): number {
  return new Set(toldOf(parcel, milestone).map(({ at }) => epochMs(at))).size
}

/** Whether a person decided one of these actions about the parcel. */
export function hasDecided({ decided }: Parcel, action: string): boolean {
  return decided.some((one) => one.action === action)
}

/**
 * How a parcel ended; undefined while it is on its way. By what is known, not by what came last: clocks of carriers differ, and a
 * scan that is reported late must not take a delivery back. Come back counts above delivered, because carriers also report
 * the delivery to the sender as one; both count above what people decided while nobody knew.
 */
export function endOf(parcel: Parcel): ParcelEnd | undefined {
  if (toldOf(parcel, "returned to sender").length > 0 || hasDecided(parcel, "it came back")) return "came back"
  if (toldOf(parcel, "delivered").length > 0 && !isDeliveryInDoubt(parcel)) return "delivered"
  if (hasDecided(parcel, "treat as lost")) return "lost"
  return hasDecided(parcel, "close") ? "closed" : undefined
}

/** A parcel that was on its way back when it was delivered: to the buyer, or to the sender? */
export function isDeliveryInDoubt(parcel: Parcel): boolean {
  const [turned] = toldOf(parcel, "returning to sender")
  const delivered = toldOf(parcel, "delivered").at(-1)
  if (!turned || !delivered || hasDecided(parcel, "it arrived")) return false
  return epochMs(delivered.at) >= epochMs(turned.at)
}

const remarks = new Set<ShipmentMilestone>(["delayed", "damaged"])

/** The newest milestone that says where the parcel is. */
export function whereIs(parcel: Parcel): ShipmentMilestone | undefined {
  return toldOf(parcel).findLast(({ milestone }) => !remarks.has(milestone))?.milestone
}

/** When the parcel left, as far as anybody told. */
export function leftAtMs(parcel: Parcel): number {
  const moments = [...parcel.shipments.map(({ shippedAt }) => shippedAt), ...parcel.told.map(({ at }) => at)]
  return Math.min(...moments.map(epochMs))
}

/** When anything was last told of it. */
export function lastNewsMs(parcel: Parcel): number {
  const moments = [...parcel.shipments.map(({ shippedAt }) => shippedAt), ...parcel.told.map(({ at }) => at)]
  return Math.max(...moments.map(epochMs))
}

/** When the carrier expects to deliver it, by its newest estimate. */
export function expectedAtMs(parcel: Parcel): number | undefined {
  const told = toldOf(parcel).findLast(({ expectedAt }) => expectedAt !== undefined)
  return told?.expectedAt === undefined ? undefined : epochMs(told.expectedAt)
}

const sameAttemptMs = 6 * 3_600_000

/** How often the carrier tried to deliver it. Two systems may report one attempt by two clocks, so reports of some hours are one. */
export function attemptsOf(parcel: Parcel): number {
  let [count, lastMs] = [0, -Infinity]
  for (const { at } of toldOf(parcel, "attempt failed")) {
    if (epochMs(at) - lastMs < sameAttemptMs) continue
    count += 1
    lastMs = epochMs(at)
  }
  return count
}

/** What people call the parcel. */
export function nameOf({ ids, shipments, told }: Parcel): string {
  const [shipment] = shipments
  const carrier = shipment?.carrier ?? told.find((one) => one.carrier !== undefined)?.carrier
  const id = shipment?.trackingNumber ?? shipment?.id ?? localId(ids[0])
  return carrier === undefined ? `parcel ${id}` : `parcel ${id} (${carrier})`
}

const localId = (id = "") => id.slice(id.indexOf(":") + 1)
