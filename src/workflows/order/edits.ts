import { money } from "../../base/money.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Signal } from "../../effects/ledger-rows.ts"
import { editDifference, type EditDifference } from "../../rules/order-edit.ts"
import { mergeLines } from "../../rules/apportion.ts"
import { amendInErp, earlyEdit, openLines, openOnLeg, stopLeg } from "./cancellation.ts"
import type { OrderFulfilment } from "./fulfilment.ts"
import type { Step } from "../step.ts"
import { seek } from "./shortage.ts"
import { routeAndAllocate, stockLines } from "./stock.ts"
import { withTenders } from "./tenders.ts"

/** Edits that came while the order was being booked: the newest is applied before anything is released. */
export async function applyEarlyEdit(fulfilment: OrderFulfilment): Promise<void> {
  const { step, order } = fulfilment
  const { edited, facts } = await step.decide("look for late facts#edits", () => {
    const signals = step.untaken("order.edited")
    return { edited: newestEdit(order, signals), facts: signals.map((signal) => signal.fact) }
  })
  fulfilment.knownEdits = facts
  if (edited) await apply(fulfilment, edited, earlyEdit)
}

/** Of edits of one moment the one that was told last stands: a shop that counts in seconds gives no better order. */
function newestEdit(order: Order, signals: readonly Signal[]): Order | null {
  const edits = signals
    .map((signal) => (signal.data as EventData<"order.edited">).order)
    .filter((edit) => edit.version >= order.version)
  const newest = edits.reduce<Order | null>(
    (latest, edit) => (!latest || edit.version >= latest.version ? edit : latest),
    null,
  )
  return newest && isOther(editDifference(order, newest)) ? newest : null
}

function isOther(difference: EditDifference): boolean {
  return difference.quantities.length > 0 || difference.isAddressChanged || difference.totalMinor !== 0
}

const changed = (fact: string) => `changed after release#${fact}`

/**
 * An edit after release (P-16): held for a person by policy, with the difference in lines and money in front of them. The
 * order goes on meanwhile; a newer edit takes the place of one that still waits.
 */
export async function holdLateEdit(fulfilment: OrderFulfilment, signal: Signal): Promise<void> {
  const { step, order, context, heldEdits } = fulfilment
  const edited = (signal.data as EventData<"order.edited">).order
  if (fulfilment.knownEdits.includes(signal.fact) || edited.version < order.version) return
  if ([...heldEdits.values()].some((held) => held.version > edited.version)) return
  const difference = editDifference(order, edited)
  if (!isOther(difference)) return
  const isAsked = context.policies.onLateEdit === "ask"
  await step.raise(changed(signal.fact), {
    summary: `Order ${order.number} was changed in the shop after it was released: ${difference.summary}.`.slice(
      0,
      1000,
    ),
    ifNobodyActs: "the order ships as it was released",
    owner: "customer service",
    atRisk: money(Math.abs(difference.totalMinor), order.currency.shop),
    allowedActions: isAsked ? ["apply", "keep"] : ["acknowledge"],
  })
  if (!isAsked) return
  for (const exceptionId of heldEdits.keys()) step.settle(exceptionId, { action: "keep", reason: "a later edit came" })
  heldEdits.clear()
  heldEdits.set(step.exceptionId(changed(signal.fact)), edited)
}

/** What a person decided about an edit that waits; decisions about anything else change nothing here. */
export async function decideLateEdit(
  fulfilment: OrderFulfilment,
  decided: EventData<"exception.decided">,
): Promise<void> {
  const edited = fulfilment.heldEdits.get(decided.exceptionId)
  if (!edited) return
  fulfilment.heldEdits.delete(decided.exceptionId)
  if (decided.action === "apply") await apply(fulfilment, edited, edited.version)
}

/** Brings locations, stock and ERP to the edited order: less is stopped, more is reserved, routed and released in its own leg. */
async function apply(fulfilment: OrderFulfilment, edit: Order, label: string): Promise<void> {
  const edited = withTenders(edit, fulfilment.order)
  const difference = editDifference(fulfilment.order, edited)
  const isReleased = fulfilment.legs.some((leg) => leg.isReleased || leg.suspended !== undefined)
  const kept = await stopWhatIsLess(fulfilment, difference, label)
  const turned = difference.isAddressChanged && isReleased ? await stopForNewAddress(fulfilment, label) : []
  fulfilment.order = edited
  // What was stopped is no longer part of the edited order, so it is not "cancelled" of it either.
  for (const { lineId, fromMilli, toMilli } of difference.quantities)
    if (toMilli < fromMilli)
      fulfilment.cancelled.set(lineId, Math.max(0, (fulfilment.cancelled.get(lineId) ?? 0) - (fromMilli - toMilli)))
  if (kept.length > 0) await tellKept(fulfilment, kept, label)
  for (const leg of turned) await fulfilment.release(fulfilment.addLegAgain(leg))
  await addWhatIsMore(fulfilment, difference, { label, isReleased })
  await amendInErp(fulfilment, { label, order: edited })
}

/** Answers what could not be stopped any more. */
async function stopWhatIsLess(
  fulfilment: OrderFulfilment,
  difference: EditDifference,
  label: string,
): Promise<LineQuantity[]> {
  const kept: LineQuantity[] = []
  for (const { lineId, fromMilli, toMilli, unit } of difference.quantities) {
    let lessMilli = fromMilli - toMilli
    for (const leg of fulfilment.legs) {
      const milli = Math.min(lessMilli, openOnLeg(fulfilment, leg, lineId))
      if (milli <= 0) continue
      const refused = await stopLeg(fulfilment, leg, {
        label: `${label}:${lineId}`,
        lines: [{ lineId, quantity: { milli, unit } }],
      })
      lessMilli -= milli - refused.reduce((sum, line) => sum + line.quantity.milli, 0)
    }
    if (lessMilli > 0) kept.push({ lineId, quantity: { milli: lessMilli, unit } })
  }
  return kept
}

async function tellKept({ step, order }: OrderFulfilment, kept: LineQuantity[], label: string): Promise<void> {
  await step.raise(`too late to change#${label}`, {
    summary: `Order ${order.number} was made smaller, but part of it has gone too far: ${kept.map(({ lineId, quantity }) => `${quantity.milli / 1000} of line ${lineId}`).join(", ")}. It ships and has to come back.`,
    ifNobodyActs: "the buyer gets more than was ordered in the end",
    owner: "customer service",
    allowedActions: ["open a return", "acknowledge"],
    atRisk: order.total.shop,
  })
}

/** Requests carry the address they were made with: they are stopped, and made again for what could be stopped. */
async function stopForNewAddress(fulfilment: OrderFulfilment, label: string) {
  const { step, order, legs } = fulfilment
  const turned: { locationId: string; reservation: string; lines: OrderFulfilment["legs"][number]["lines"] }[] = []
  const refused: LineQuantity[] = []
  for (const leg of legs) {
    const before = openLines(fulfilment, leg)
    const left = await stopLeg(fulfilment, leg, { label: `${label}:address`, lines: before })
    refused.push(...left)
    const moving = mergeLines(left)
    const lines = before.flatMap(({ lineId, quantity }) => {
      const milli = quantity.milli - (moving.get(lineId) ?? 0)
      const sku = order.lines.find((line) => line.id === lineId)?.sku
      if (milli <= 0 || sku === undefined) return []
      fulfilment.cancelled.set(lineId, (fulfilment.cancelled.get(lineId) ?? 0) - milli)
      return [{ lineId, sku, quantity: { ...quantity, milli }, locationId: leg.locationId }]
    })
    if (lines.length > 0) turned.push({ locationId: leg.locationId, reservation: leg.reservation, lines })
  }
  if (refused.length > 0)
    await step.raise(`ships to the old address#${label}`, {
      summary: `Order ${order.number} got another address, but ${refused.length} of its lines are too far to be turned round.`,
      ifNobodyActs: "they go to the old address",
      owner: "customer service",
      allowedActions: ["acknowledge"],
      atRisk: order.total.shop,
    })
  return turned
}

async function addWhatIsMore(
  fulfilment: OrderFulfilment,
  difference: EditDifference,
  edit: { label: string; isReleased: boolean },
): Promise<void> {
  const { step, order, context } = fulfilment
  const wanted = difference.quantities.flatMap(({ lineId, fromMilli, toMilli }) => {
    const line = order.lines.find((candidate) => candidate.id === lineId)
    return line && toMilli > fromMilli && line.fulfilment.method !== "digital"
      ? [{ line, milli: toMilli - fromMilli }]
      : []
  })
  if (wanted.length === 0) return
  const stock = context.use("reservesStock")
  const reservation = `${order.id}:${edit.label}`
  const answer = await step.effect(`reserve stock#${edit.label}`, {
    write: stock.reserve,
    input: {
      reservation,
      orderId: order.id,
      channel: order.channel,
      lines: wanted.flatMap(({ line, milli }) => stockLines(line, milli)),
    },
    undo: { write: stock.release, input: { reservation, reason: "order taken back" } },
  })
  if (!answer.granted) {
    await step.raise(`no stock for the edit#${edit.label}`, {
      summary: `Order ${order.number} was changed to more than there is: ${answer.short.map(({ sku, missingMilli }) => `${missingMilli / 1000} × ${sku}`).join(", ")}.`,
      ifNobodyActs: "the added goods are not shipped",
      owner: "operations",
      allowedActions: ["acknowledge"],
      atRisk: money(Math.abs(difference.totalMinor), order.currency.shop),
    })
    for (const { line, milli } of wanted) fulfilment.cancel(line.id, milli)
    return
  }
  if (edit.isReleased)
    return seek(fulfilment, { label: `${edit.label}:`, reservation, wanted, without: [], attempts: 0 })
  const request = { label: `${edit.label}:`, reservation, wanted }
  fulfilment.addLegs(await routeAndAllocate(step, order, { ...context, request }), reservation)
}

/**
 * The fact of the edit that holds, or null when the order is as it was placed. A fact is short; the ledger has the order once.
 * Some shops count time in seconds: an edit of the second in which the order was placed is later than the order.
 */
export function latestEdit(placed: Order, step: Step): string | null {
  let latest: { fact: string | null; version: string } = { fact: null, version: placed.version }
  for (const { fact, data } of step.untaken("order.edited")) {
    const { version } = (data as EventData<"order.edited">).order
    if (version >= latest.version) latest = { fact, version }
  }
  return latest.fact
}

/** An order as an edit left it; what is known of its payments stays. */
export function asEdited(placed: Order, step: Step, edit: string | null): Order {
  const signal = step.heard("order.edited").find(({ fact }) => fact === edit)
  return signal ? withTenders((signal.data as EventData<"order.edited">).order, placed) : placed
}
