import { epochMs } from "../../base/time.ts"
import type { EventName } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { orderIdIn, parseRef, ref } from "../../canonical/refs.ts"
import { own } from "../../base/lookup.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Count } from "../figures.ts"
import type { Sheet } from "./sheet.ts"
import type { Tally } from "./tally.ts"

/** What the reader is told by the areas. */
export interface CountRules {
  finalStates: Readonly<Record<string, readonly string[]>>
  /** What areas count of an event. */
  counts: (event: StoredEvent) => readonly Count[]
}

/** Events that say something about figures. */
export const countedTypes = [
  "order.placed",
  "order.edited",
  "order.state-changed",
  "order.cancellation-requested",
  "order.refunded",
  "order.check-skipped",
  "shipment.confirmed",
  "shipment.short",
  "return.requested",
  "return.state-changed",
  "credit.due",
  "credit.state-changed",
  "delivery.state-changed",
  "payment.refunded",
  "entry.posted",
  "exception.opened",
  "exception.decided",
  "stock.counted",
] as const satisfies readonly EventName[]

/** Decisions that people made; what closes by itself is decided by this name. */
const ourselves = "crossdock"
/** Causes that mean: it was sold, and is not there. */
const soldWithoutStock = ["stock is short", "goods are nowhere"]

/** The objects whose sheets an event needs: its own, and its order's. */
export function sheetsOf({ key, data }: StoredEvent): string[] {
  const orderId = orderIdOf(key, data)
  const exceptionId: unknown = Reflect.get(data, "exceptionId")
  const creditId: unknown = Reflect.get(data, "creditId")
  const { kind = "" } = parseRef(key) ?? {}
  return [
    ...(orderId === undefined ? [] : [ref("order", orderId)]),
    ...(typeof exceptionId === "string" ? [ref("exception", exceptionId)] : []),
    ...(typeof creditId === "string" ? [ref("credit", creditId)] : []),
    ...(["return", "credit", "delivery"].includes(kind) ? [key] : []),
  ]
}

function orderIdOf(key: string, data: object): string | undefined {
  const named: unknown = Reflect.get(data, "orderId")
  return typeof named === "string" ? named : orderIdIn(key)
}

/** Counts an event. */
export function countEvent(tally: Tally, event: StoredEvent, { finalStates: finals, counts }: CountRules): void {
  const orderId = orderIdOf(event.key, event.data)
  const order = orderId === undefined ? undefined : tally.sheet(ref("order", orderId), "order", event.time)
  // Each handler takes the data of its own type.
  const handle = own(handlers, event.type) as Handler | undefined
  handle?.({ tally, event, order, finals })
  for (const { name, label, by } of counts(event)) tally.count(name, { at: event.time, of: order, label, by })
}

interface Handling<Name extends EventName = EventName> {
  tally: Tally
  event: StoredEvent<Name>
  order: Sheet | undefined
  finals: CountRules["finalStates"]
}
type Handler = (handling: Handling) => void

const handlers: { [Name in (typeof countedTypes)[number]]?: (handling: Handling<Name>) => void } = {
  "order.placed": ({ tally, event, order }) => order && takeOrder(tally, { sheet: order, event, isPlaced: true }),
  "order.edited": ({ tally, event, order }) => order && takeOrder(tally, { sheet: order, event, isPlaced: false }),
  "order.state-changed": ({ tally, event, order, finals }) =>
    order && changeOrder(tally, { sheet: order, event, finals }),
  "order.cancellation-requested": ({ event, order }) => void (order && (order.askedAt ??= event.time)),
  "order.refunded": ({ event, order }) => void (order && (order.askedAt ??= event.time)),
  "shipment.confirmed": ({ tally, event, order }) => {
    if (!order) return
    const { shippedAt, locationId } = event.data.shipment
    if (order.place === "") order.place = locationId
    order.leftAt ??= shippedAt
    tally.took("leaving time", { from: placedAt(order), to: shippedAt, of: order })
  },
  "shipment.short": ({ tally, event, order }) => {
    // What nobody came for was there.
    if (order && event.data.shortage.because !== "not collected") tally.once(order, "oversold")
  },
  "return.requested": ({ tally, event, order }) => {
    if (order) order.askedAt ??= event.time
    const sheet = tally.part(event.key, { kind: "return", at: event.time, of: order })
    sheet.state ??= "requested"
  },
  "return.state-changed": changePart,
  "credit.state-changed": changePart,
  "delivery.state-changed": changePart,
  "credit.due": ({ tally, event, order }) => {
    const { creditId, at, amount } = event.data
    const sheet = tally.part(ref("credit", creditId), { kind: "credit", at, of: order })
    Object.assign(sheet, { currency: amount.currency, valueMinor: amount.amountMinor, state: sheet.state ?? "due" })
  },
  "payment.refunded": ({ tally, event, order }) => {
    if (!order || order.askedAt === null) return
    const { at } = event.data
    tally.span("refund time", { ms: epochMs(at) - epochMs(order.askedAt), at, of: order, label: order.payment })
  },
  "entry.posted": ({ tally, event, order }) => {
    if (event.data.kind === "invoice" && order)
      tally.took("posting time", { from: order.leftAt, to: event.data.at, of: order })
  },
  "exception.opened": ({ tally, event, order }) => openCase(tally, { event, order }),
  "exception.decided": ({ tally, event, order }) => decideCase(tally, { event, order }),
  "stock.counted": ({ tally, event }) => {
    const { countedAt, locationId } = event.data
    const ms = epochMs(event.recordedAt) - epochMs(countedAt)
    tally.span("age of counts", { ms, at: event.recordedAt, of: { channel: "", place: locationId } })
  },
}

function takeOrder(
  tally: Tally,
  { sheet, event, isPlaced }: { sheet: Sheet; event: StoredEvent<"order.placed" | "order.edited">; isPlaced: boolean },
): void {
  const { order } = event.data
  if (sheet.version !== null && sheet.version > order.version) return
  const { amountMinor, currency } = order.total.shop
  const isNew = !sheet.counted.includes("placed")
  const moreMinor = amountMinor - (isNew ? 0 : sheet.valueMinor)
  Object.assign(sheet, {
    channel: order.channel,
    place: sheet.place === "" ? placeOf(order) : sheet.place,
    soldAt: isNew ? placeOf(order) : sheet.soldAt,
    payment: paymentOf(order),
    currency,
    valueMinor: amountMinor,
    openedAt: order.placedAt,
    version: order.version,
    state: sheet.state ?? "accepted",
  })
  tally.once(sheet, "placed")
  if (moreMinor !== 0)
    tally.count("order value", { at: order.placedAt, of: soldAt(sheet), label: currency, by: moreMinor })
  if (!isNew || !isPlaced) return
  sheet.since = order.placedAt
  tally.count("orders by payment", { at: order.placedAt, of: soldAt(sheet), label: sheet.payment })
  const ms = epochMs(event.recordedAt) - epochMs(order.placedAt)
  tally.span("hearing time", { ms, at: event.recordedAt, of: sheet })
}

function changeOrder(
  tally: Tally,
  {
    sheet,
    event,
    finals,
  }: { sheet: Sheet; event: StoredEvent<"order.state-changed">; finals: CountRules["finalStates"] },
): void {
  const { state, at, place } = event.data
  enter(sheet, { state, at, finals })
  if (sheet.isFinal) tally.once(sheet, state)
  if (sheet.place === "" && place !== undefined) sheet.place = place
  if (state === "released") tally.took("release time", { from: placedAt(sheet), to: at, of: sheet })
  if (state === "shipped") tally.took("shipping time", { from: placedAt(sheet), to: at, of: sheet })
}

function changePart({
  tally,
  event,
  order,
  finals,
}: Handling<"return.state-changed" | "credit.state-changed" | "delivery.state-changed">) {
  const { kind = "" } = parseRef(event.key) ?? {}
  const { state, at } = event.data
  const sheet = tally.part(event.key, { kind, at, of: order })
  enter(sheet, { state, at, finals })
  if (sheet.isFinal) tally.took(`${kind} time`, { from: sheet.openedAt, to: at, of: sheet })
}

function enter(
  sheet: Sheet,
  { state, at, finals }: { state: string; at: string; finals: CountRules["finalStates"] },
): void {
  if (sheet.state !== state) sheet.since = at
  sheet.state = state
  sheet.isFinal = own(finals, sheet.kind)?.includes(state) ?? false
}

function openCase(
  tally: Tally,
  { event, order }: { event: StoredEvent<"exception.opened">; order: Sheet | undefined },
): void {
  const { exceptionId, about, because, cause, at } = event.data
  const kind = because?.kind ?? "flow"
  const sheet = tally.part(ref("exception", exceptionId), { kind: "exception", at, of: order })
  if (sheet.counted.includes("opened")) return
  sheet.counted.push("opened")
  const [named, channel] = [about.slice(0, about.indexOf("/")), parseRef(about as never)?.parts[0]]
  if (named === "channel" && channel !== undefined) sheet.channel = channel
  // A decision that came first has decided it.
  if (sheet.state === null) Object.assign(sheet, { state: "open", openedAt: at, since: at })
  tally.count("exceptions opened", { at, of: sheet, label: kind })
  if (!order) return
  tally.span("detection time", { ms: epochMs(at) - epochMs(order.since), at, of: order })
  if (kind !== "outage") tally.once(order, "fallen out")
  if (soldWithoutStock.includes(cause)) tally.once(order, "oversold")
}

function decideCase(
  tally: Tally,
  { event, order }: { event: StoredEvent<"exception.decided">; order: Sheet | undefined },
): void {
  const { exceptionId, decidedBy, at } = event.data
  const sheet = tally.part(ref("exception", exceptionId), { kind: "exception", at, of: order })
  if (sheet.isFinal) return
  Object.assign(sheet, { state: "decided", isFinal: true, since: at })
  tally.took("resolution time", { from: sheet.openedAt, to: at, of: sheet })
  if (decidedBy === ourselves) return
  tally.count("exceptions decided by people", { at, of: sheet })
  if (order) tally.once(order, "touched")
}

const soldAt = ({ channel, soldAt: place }: Sheet) => ({ channel, place })

/** When an order was placed; null when its placing was never heard. */
const placedAt = ({ counted, openedAt }: Sheet) => (counted.includes("placed") ? openedAt : null)

/** Where it was sold or is collected; shipments say the rest. */
function placeOf({ lines }: Order): string {
  const collected = lines.flatMap(({ fulfilment }) => (fulfilment.method === "pickup" ? [fulfilment.locationId] : []))
  return collected[0] ?? ""
}

function paymentOf({ tenders }: Order): string {
  const [largest] = tenders.toSorted((a, b) => b.amount.shop.amountMinor - a.amount.shop.amountMinor)
  return largest?.kind ?? "not known"
}
