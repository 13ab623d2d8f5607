import type { EventData } from "../../canonical/events.ts"
import type { OrderLine } from "../../canonical/order.ts"
import type { Signal } from "../../effects/ledger-rows.ts"
import { shrinkInErp } from "./cancellation.ts"
import type { OrderFulfilment } from "./fulfilment.ts"
import { routeOnce } from "./stock.ts"

/** Goods of a released order that a location has to be found for. */
export interface Sought {
  label: string
  reservation: string
  wanted: { line: OrderLine; milli: number }[]
  /** Locations that said they have nothing. */
  without: string[]
  attempts: number
}

const quickAttemptsMax = 5

/** A location does not have what it was asked for: an exception (P-10), and the rest is sought elsewhere. */
export async function seekElsewhere(fulfilment: OrderFulfilment, signal: Signal): Promise<void> {
  const { shortage } = signal.data as EventData<"shipment.short">
  const { step, order } = fulfilment
  const wanted = shortage.lines.flatMap(({ lineId, quantity }) => {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    const milli = Math.min(quantity.milli, fulfilment.openMilli(lineId))
    return line && milli > 0 ? [{ line, milli }] : []
  })
  const [first] = wanted
  if (!first) return
  await step.raise(`location is short#${shortage.id}`, {
    summary: `${shortage.locationId} has too little for order ${order.number}: missing ${wanted.map(({ line, milli }) => `${milli / 1000} × ${line.sku}`).join(", ")}.`,
    ifNobodyActs: "another location is asked, as soon as one has it",
    owner: "operations",
    allowedActions: ["acknowledge"],
    atRisk: order.total.shop,
    sku: first.line.sku,
    missingMilli: wanted.reduce((sum, { milli }) => sum + milli, 0),
  })
  const reservation = takeOffLegs(fulfilment, shortage.locationId, wanted)
  await seek(fulfilment, { label: `${shortage.id}:`, reservation, wanted, without: [shortage.locationId], attempts: 0 })
}

/** The location no longer answers for what it does not have. Answers the reservation that holds those goods. */
function takeOffLegs(fulfilment: OrderFulfilment, locationId: string, missing: Sought["wanted"]): string {
  let reservation = fulfilment.order.id
  for (const { line, milli } of missing) {
    let left = milli
    for (const leg of fulfilment.legs.filter((candidate) => candidate.locationId === locationId))
      leg.lines = leg.lines.flatMap((part) => {
        if (part.lineId !== line.id || left === 0) return [part]
        reservation = leg.reservation
        const taken = Math.min(left, part.quantity.milli)
        left -= taken
        const milliLeft = part.quantity.milli - taken
        return milliLeft > 0 ? [{ ...part, quantity: { ...part.quantity, milli: milliLeft } }] : []
      })
  }
  return reservation
}

/** Looks for a location now, and again from time to time as long as none has the goods. */
export async function seek(fulfilment: OrderFulfilment, sought: Sought): Promise<void> {
  const { step, order, context, legs } = fulfilment
  for (let quick = 1; quick <= quickAttemptsMax; quick += 1) {
    sought.attempts += 1
    const { label, reservation, wanted, without } = sought
    const standing = legs.filter((leg) => leg.reservation === reservation).flatMap((leg) => leg.lines)
    const request = { name: `${label}${sought.attempts}`, reservation, wanted, without, standing }
    const { routing, isPlaced } = await routeOnce(step, order, { ...context, request })
    if (isPlaced) {
      fulfilment.sought.delete(sought)
      for (const leg of fulfilment.addLegs(routing, reservation)) await fulfilment.release(leg)
      return
    }
    if (routing.unfilled.length > 0) break
  }
  fulfilment.sought.add(sought)
  await tellNowhere(fulfilment, sought)
}

export async function seekAgain(fulfilment: OrderFulfilment): Promise<void> {
  for (const sought of Array.from(fulfilment.sought)) {
    const wanted = sought.wanted.flatMap(({ line, milli }) => {
      const open = Math.min(milli, fulfilment.openMilli(line.id))
      return open > 0 ? [{ line, milli: open }] : []
    })
    if (wanted.length === 0) fulfilment.sought.delete(sought)
    else await seek(fulfilment, Object.assign(sought, { wanted }))
  }
}

const nowhere = (sought: Sought) => `goods are nowhere#${sought.label}`

async function tellNowhere({ step, order }: OrderFulfilment, sought: Sought): Promise<void> {
  const [first] = sought.wanted
  await step.raise(nowhere(sought), {
    summary: `No location has what order ${order.number} still needs: ${sought.wanted.map(({ line, milli }) => `${milli / 1000} × ${line.sku}`).join(", ")}.`,
    ifNobodyActs: "it is looked for again from time to time",
    owner: "operations",
    allowedActions: ["acknowledge", "cancel the rest"],
    atRisk: order.total.shop,
    ...(first ? { sku: first.line.sku, missingMilli: first.milli } : {}),
  })
}

/** A person gives up on goods nobody has: the order shrinks to the rest. */
export async function decideSought(
  fulfilment: OrderFulfilment,
  decided: EventData<"exception.decided">,
): Promise<void> {
  const given = [...fulfilment.sought].find(
    (sought) => fulfilment.step.exceptionId(nowhere(sought)) === decided.exceptionId,
  )
  if (!given || decided.action !== "cancel the rest") return
  fulfilment.sought.delete(given)
  for (const { line, milli } of given.wanted) fulfilment.cancel(line.id, Math.min(milli, fulfilment.openMilli(line.id)))
  if (!fulfilment.isAllDone || fulfilment.isAnythingShipped) await shrinkInErp(fulfilment, given.label)
}
