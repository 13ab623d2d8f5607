import type { EventData, EventName } from "../../canonical/events.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { PickupState } from "../../canonical/states.ts"

/** One line that a store gets ready. Thousandths of its unit. */
export interface PickupLine {
  lineId: string
  sku: string
  title: string
  unit: string
  /** A kit's components, for all of the quantity asked; missing where the article itself lies on the shelf. Titles are for people. */
  parts?: readonly { sku: string; title?: string; quantity: { milli: number; unit: string } }[]
  askedMilli: number
  foundMilli: number
  missingMilli: number
  /** Not wanted any more: first what was not found yet, then what was. */
  stoppedMilli: number
  takenMilli: number
  putBackMilli: number
}

/** Goods that a store gets ready for a buyer or a carrier: what its facts say, in the order of the log. */
export interface Pickup {
  pickupId: string
  orderId: string
  locationId: string
  channel: string
  number: string
  method: "pickup" | "ship"
  requestedAt: string
  readyBy?: string
  acceptedBy?: string
  /** When the last of it was found. */
  readyAt?: string
  keptUntil?: string
  isExpired: boolean
  lines: readonly PickupLine[]
}

/** Facts about a pickup besides its request. */
export const pickupNews = [
  "pickup.accepted",
  "pickup.picked",
  "pickup.rejected",
  "pickup.ready",
  "pickup.handed-over",
  "pickup.kept-longer",
  "pickup.expired",
  "pickup.stopped",
  "pickup.put-back",
] as const satisfies readonly EventName[]
/** See `pickupNews`. */
export type PickupNewsName = (typeof pickupNews)[number]
/** One fact about a pickup. */
export type PickupNews = { [Name in PickupNewsName]: { type: Name; data: EventData<Name> } }[PickupNewsName]

/** A pickup as it was requested. */
export function beginPickup(requested: EventData<"pickup.requested">): Pickup {
  const { lines, ...rest } = requested
  return {
    ...rest,
    isExpired: false,
    lines: lines.map(({ quantity: { milli, unit }, ...line }) => ({
      ...line,
      unit,
      askedMilli: milli,
      foundMilli: 0,
      missingMilli: 0,
      stoppedMilli: 0,
      takenMilli: 0,
      putBackMilli: 0,
    })),
  }
}

/**
 * A pickup after one more fact. Counts never exceed what is there to be counted: of two reports of the same goods the first in the
 * log counts, so that everybody who reads the log sees the same.
 */
export function withNews(before: Pickup, { type, data }: PickupNews): Pickup {
  switch (type) {
    case "pickup.accepted":
      return { ...before, acceptedBy: before.acceptedBy ?? data.by }
    case "pickup.picked": {
      const found = onLines(before, data.found ?? [], (line, milli) => {
        return { foundMilli: line.foundMilli + Math.min(milli, toFind(line)) }
      })
      const picked = onLines(found, data.missing ?? [], (line, milli) => {
        return { missingMilli: line.missingMilli + Math.min(milli, toFind(line)) }
      })
      return readyOnce({ ...picked, acceptedBy: picked.acceptedBy ?? data.by }, data.at)
    }
    case "pickup.rejected":
      return readyOnce(
        onAll(before, (line) => ({ missingMilli: line.missingMilli + toFind(line) })),
        data.at,
      )
    case "pickup.ready":
      // Somebody may have asked to keep it longer before that was said.
      return data.keptUntil === undefined ? before : { keptUntil: data.keptUntil, ...before }
    case "pickup.handed-over":
      return onLines(before, data.lines, (line, milli) => {
        return { takenMilli: line.takenMilli + Math.min(milli, toHandOver(line)) }
      })
    case "pickup.kept-longer":
      return { ...before, keptUntil: data.until, isExpired: false }
    case "pickup.expired":
      return { ...before, isExpired: true }
    case "pickup.stopped":
      return readyOnce(
        onLines(before, data.lines, (line, milli) => {
          return { stoppedMilli: line.stoppedMilli + Math.min(milli, stoppable(line)) }
        }),
        data.at,
      )
    case "pickup.put-back":
      return onLines(before, data.lines, (line, milli) => {
        return { putBackMilli: line.putBackMilli + Math.min(milli, toPutBack(before, line)) }
      })
  }
}

/** What the store has still to look for. */
export function toFind({ askedMilli, foundMilli, missingMilli, ...line }: PickupLine): number {
  const notStopped = askedMilli - foundMilli - missingMilli - line.stoppedMilli
  return Math.max(0, notStopped)
}

/** What is ready and was neither taken nor put back, also when nobody wants it any more. */
export function waiting({ foundMilli, takenMilli, putBackMilli }: PickupLine): number {
  return foundMilli - takenMilli - putBackMilli
}

/** What can still be stopped: all that is not with the buyer, not missing, not stopped already, and not back on its shelf. */
function stoppable({ askedMilli, missingMilli, takenMilli, stoppedMilli, putBackMilli }: PickupLine): number {
  return Math.max(0, askedMilli - missingMilli - takenMilli - Math.max(stoppedMilli, putBackMilli))
}

/** What the buyer may take, also when his time is over and it still lies there; never what was stopped, for he has that money back. */
export function toHandOver(line: PickupLine): number {
  const { askedMilli, missingMilli, stoppedMilli, takenMilli, putBackMilli } = line
  // What was put back because it was stopped is counted once.
  const wanted = askedMilli - missingMilli - takenMilli - Math.max(stoppedMilli, putBackMilli)
  return Math.max(0, Math.min(waiting(line), wanted))
}

/** What has to go back to its shelf: all that waits once the buyer's time is over, otherwise what was stopped. */
export function toPutBack({ isExpired }: Pick<Pickup, "isExpired">, line: PickupLine): number {
  return isExpired ? waiting(line) : waiting(line) - toHandOver(line)
}

/** Where a pickup stands, in a storekeeper's words. */
export function pickupState(pickup: Pickup): PickupState {
  const sum = (count: (line: PickupLine) => number) => pickup.lines.reduce((milli, line) => milli + count(line), 0)
  const [open, here, taken] = [sum(toFind), sum(waiting), sum(({ takenMilli }) => takenMilli)]
  if (open === 0 && here === 0) {
    if (taken > 0) return "handed over"
    if (sum(({ putBackMilli }) => putBackMilli) > 0) return "put back"
    return sum(({ stoppedMilli }) => stoppedMilli) > 0 ? "stopped" : "not there"
  }
  if (sum((line) => toPutBack(pickup, line)) === here && here > 0 && open === 0) return "to put back"
  if (open === 0) return taken > 0 ? "partly handed over" : "ready"
  if (here > 0 || taken > 0 || sum(({ missingMilli }) => missingMilli) > 0) return "picking"
  return pickup.acceptedBy === undefined ? "requested" : "accepted"
}

/** Whether nothing of it is to be done any more. */
export function isOver(pickup: Pickup): boolean {
  return pickup.lines.every((line) => toFind(line) === 0 && waiting(line) === 0)
}

/** What one fact added to a count of each line: nothing for a repeat, or for more than there was. */
export function added(
  before: Pickup,
  after: Pickup,
  count: "missingMilli" | "takenMilli" | "putBackMilli" | "stoppedMilli",
): LineQuantity[] {
  return after.lines.flatMap((line, index) => {
    const milli = line[count] - (before.lines[index]?.[count] ?? 0)
    return milli > 0 ? [{ lineId: line.lineId, quantity: { milli, unit: line.unit } }] : []
  })
}

function readyOnce(pickup: Pickup, at: string): Pickup {
  const isReady = pickup.lines.every((line) => toFind(line) === 0) && pickup.lines.some((line) => waiting(line) > 0)
  return isReady && pickup.readyAt === undefined ? { ...pickup, readyAt: at } : pickup
}

type Change = Partial<Pick<PickupLine, "foundMilli" | "missingMilli" | "stoppedMilli" | "takenMilli" | "putBackMilli">>

function onAll(pickup: Pickup, change: (line: PickupLine) => Change): Pickup {
  return { ...pickup, lines: pickup.lines.map((line) => ({ ...line, ...change(line) })) }
}

/** Changes the lines that are named, each by all that is named of it; all lines as far as they go, where none is named. */
function onLines(
  pickup: Pickup,
  named: readonly LineQuantity[] | undefined,
  change: (line: PickupLine, milli: number) => Change,
): Pickup {
  return onAll(pickup, (line) => {
    const milli = named?.reduce((sum, one) => sum + (one.lineId === line.lineId ? one.quantity.milli : 0), 0)
    return milli === 0 ? {} : change(line, milli ?? Number.POSITIVE_INFINITY)
  })
}
