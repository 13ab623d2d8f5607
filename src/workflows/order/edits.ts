import { money } from "../../base/money.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import type { Signal } from "../../effects/ledger.ts"
import { editDifference, type EditDifference } from "../../rules/order-edit.ts"
import { stopLeg } from "./cancellation.ts"
import type { OrderFulfilment } from "./fulfilment.ts"
import { withTenders } from "./tenders.ts"
import { routeAndAllocate, stockLines } from "./stock.ts"

/** Edits that came while the order was being booked: the newest is applied before anything is released. */
export async function applyEarlyEdit(fulfilment: OrderFulfilment): Promise<void> {
  const { step, order } = fulfilment
  const edited = await step.decide("look for late facts#edits", () => newestEdit(order, step.untaken("order.edited")))
  if (edited) await apply(fulfilment, edited, "early")
}

/** An edit after release (P-16): held for a person by policy, with the difference in lines and money in front of them. */
export async function decideLateEdit(fulfilment: OrderFulfilment, signal: Signal): Promise<void> {
  const { step, order, context } = fulfilment
  const edited = (signal.data as EventData<"order.edited">).order
  if (edited.version <= order.version) return
  const difference = editDifference(order, edited)
  if (difference.quantities.length === 0 && !difference.isAddressChanged && difference.totalMinor === 0) return
  const text = {
    summary: `Order ${order.number} was changed in the shop after it was released: ${difference.summary}.`,
    ifNobodyActs: "the order ships as it was released",
    owner: "customer service",
    atRisk: money(Math.abs(difference.totalMinor), order.currency.shop),
  }
  if (context.policies.onLateEdit === "keep")
    return step.raise(`changed after release#${edited.version}`, { ...text, allowedActions: ["acknowledge"] })
  const decision = await step.ask(`changed after release#${edited.version}`, {
    ...text,
    allowedActions: ["apply", "keep"],
  })
  if (decision.action === "apply") await apply(fulfilment, edited, edited.version)
}

function newestEdit(order: Order, signals: readonly Signal[]): Order | null {
  const edits = signals
    .map((signal) => (signal.data as EventData<"order.edited">).order)
    .filter((edit) => edit.version > order.version)
  return edits.reduce<Order | null>((newest, edit) => (!newest || edit.version > newest.version ? edit : newest), null)
}

/** Brings locations, stock and ERP to the edited order: less is stopped, more is reserved, routed and released in its own leg. */
async function apply(fulfilment: OrderFulfilment, edit: Order, label: string): Promise<void> {
  const edited = withTenders(edit, fulfilment.order)
  const difference = editDifference(fulfilment.order, edited)
  await stopWhatIsLess(fulfilment, difference, label)
  const isReleased = fulfilment.legs.some((leg) => leg.isReleased)
  fulfilment.order = edited
  // What was stopped is no longer part of the edited order, so it is not "cancelled" of it either.
  for (const { lineId, fromMilli, toMilli } of difference.quantities)
    if (toMilli < fromMilli)
      fulfilment.cancelled.set(lineId, Math.max(0, (fulfilment.cancelled.get(lineId) ?? 0) - (fromMilli - toMilli)))
  await addWhatIsMore(fulfilment, difference, { label, isReleased })
  await fulfilment.step.effect(`amend order in ERP#${label}`, {
    write: fulfilment.context.use("booksOrders", { channel: edited.channel }).amendOrder,
    input: {
      order: edited,
      routing: fulfilment.legs.flatMap((leg) => leg.lines),
      documentNumber: fulfilment.documentNumber,
    },
  })
}

async function stopWhatIsLess(fulfilment: OrderFulfilment, difference: EditDifference, label: string): Promise<void> {
  for (const { lineId, fromMilli, toMilli, unit } of difference.quantities) {
    let lessMilli = fromMilli - toMilli
    for (const leg of fulfilment.legs) {
      const onLeg = leg.lines
        .filter((line) => line.lineId === lineId)
        .reduce((sum, line) => sum + line.quantity.milli, 0)
      const milli = Math.min(lessMilli, onLeg, fulfilment.openMilli(lineId))
      if (milli <= 0) continue
      const refused = await stopLeg(fulfilment, leg, {
        label: `${label}:${lineId}`,
        lines: [{ lineId, quantity: { milli, unit } }],
      })
      lessMilli -= milli - refused.reduce((sum, line) => sum + line.quantity.milli, 0)
    }
  }
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
    for (const { line, milli } of wanted)
      fulfilment.cancelled.set(line.id, (fulfilment.cancelled.get(line.id) ?? 0) + milli)
    return
  }
  const routing = await routeAndAllocate(step, order, {
    ...context,
    request: { label: `${edit.label}:`, reservation, wanted },
  })
  const legs = fulfilment.addLegs(routing, reservation)
  if (edit.isReleased) for (const leg of legs) await fulfilment.release(leg)
}
