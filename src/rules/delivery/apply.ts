import { epochMs, instant } from "../../base/time.ts"
import type { EventData } from "../../canonical/events.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { deliveryStates } from "../../canonical/states.ts"
import { endOf, toldOf, whereIs, withParcel, type Parcel, type ParcelEnd, type TroubleKind } from "./parcel.ts"
import { troubleText, type TroubleText } from "./texts.ts"
import { nextDeadlineMs, troubleOf, type DeliveryTerms } from "./trouble.ts"

/** A state of a delivery, in a shopkeeper's words. */
export type DeliveryState = (typeof deliveryStates)[number]

/** One piece of news of a delivery. */
export type News =
  | { type: "shipment.confirmed"; data: EventData<"shipment.confirmed"> }
  | { type: "shipment.milestone"; data: EventData<"shipment.milestone"> }
  | { type: "decided"; question: Question; action: string; at: string }
  /** The deadline that `dueAt` named has passed. */
  | { type: "time passed"; at: string }

/** The name of a step: the kind of trouble, or what is told, and what tells repeats apart. */
export interface Name {
  step: string
  part: string
}

/** An exception that was opened about a parcel. */
export interface Question {
  name: Name
  kind: TroubleKind
  round: number
  /** One of the ids of the parcel. */
  parcel: string
}

type EndFact =
  | { type: "shipment.delivered"; data: EventData<"shipment.delivered"> }
  | {
      type: "shipment.came-back" | "shipment.lost"
      data: EventData<"shipment.came-back">
    }

/** What is to be done; everything is said at once and needs no other system. */
export type Action =
  | { do: "announce"; name: Name; state: DeliveryState }
  | { do: "tell"; name: Name; fact: EndFact }
  /** `lines` are the goods that are at risk. */
  | { do: "raise"; name: Name; text: TroubleText; lines: readonly LineQuantity[] }
  | { do: "settle"; name: Name; reason: string }

/** Everything known of the delivery of an order's goods: plain data, rebuilt by every run from the same news. */
export interface Delivery {
  orderId: string
  parcels: readonly Parcel[]
  /** The last deadline that passed. */
  passedMs: number
  /** Exceptions nobody has decided and nothing has answered. */
  open: readonly Question[]
  /** Names of facts and exceptions that were told, so that none is told twice. */
  told: readonly string[]
  /** The states announced so far. */
  states: readonly DeliveryState[]
}

/** A delivery of which nothing is known. */
export function beginDelivery(orderId: string): Delivery {
  return { orderId, parcels: [], passedMs: -Infinity, open: [], told: [], states: [] }
}

/** Whether every parcel has come to an end. News may still come: of another parcel, or of a lost one that turns up. */
export function isOver({ parcels }: Delivery): boolean {
  return parcels.length > 0 && parcels.every((parcel) => endOf(parcel) !== undefined)
}

/** When somebody has to be told unless news come before; undefined: nobody waits for a time. */
export function dueAt({ parcels, passedMs }: Delivery, terms: DeliveryTerms): string | undefined {
  const dueMs = Math.min(...parcels.map((parcel) => nextDeadlineMs(parcel, { nowMs: passedMs, terms })))
  return dueMs === Infinity ? undefined : instant(dueMs)
}

/**
 * Takes one piece of news into what is known of a delivery, and says what follows. Pure. What is known of parcels is a set, so the
 * same news in any order end in the same state; only what people were told on the way there may differ.
 */
export function apply(before: Delivery, news: News, terms: DeliveryTerms): { state: Delivery; actions: Action[] } {
  const actions: Action[] = []
  let state = take(before, news)
  state = closeWhatIsAnswered(state, { actions, terms })
  for (const parcel of state.parcels) {
    state = tellEnd(state, parcel, actions)
    state = raiseTrouble(state, parcel, { actions, terms })
  }
  const now = stateOf(state)
  if (now === state.states.at(-1)) return { state, actions }
  const name = { step: "delivery is", part: `${state.states.length + 1}` }
  actions.push({ do: "announce", name, state: now })
  return { state: { ...state, states: [...state.states, now] }, actions }
}

function take(state: Delivery, news: News): Delivery {
  const { parcels } = state
  switch (news.type) {
    case "shipment.confirmed": {
      const { shipment } = news.data
      return { ...state, parcels: withParcel(parcels, shipmentIds(shipment), { shipments: [shipment] }) }
    }
    case "shipment.milestone": {
      const { orderId: _order, shipmentId, trackingNumber, fulfilmentId, ...told } = news.data
      const ids = idsOf({ shipmentId, trackingNumber, fulfilmentId })
      return { ...state, parcels: withParcel(parcels, ids, { told: [told] }) }
    }
    case "decided": {
      const { question, action, at } = news
      const { kind, round, parcel } = question
      const open = state.open.filter((one) => one !== question)
      return { ...state, open, parcels: withParcel(parcels, [parcel], { decided: [{ kind, round, action, at }] }) }
    }
    case "time passed":
      return { ...state, passedMs: Math.max(state.passedMs, epochMs(news.at)) }
  }
}

const shipmentIds = ({ id, trackingNumber }: { id: string; trackingNumber?: string }) =>
  idsOf({ shipmentId: id, trackingNumber, fulfilmentId: undefined })

function idsOf(given: Record<"shipmentId" | "trackingNumber" | "fulfilmentId", string | undefined>): string[] {
  const named = { shipment: given.shipmentId, tracking: given.trackingNumber, fulfilment: given.fulfilmentId }
  return Object.entries(named).flatMap(([kind, id]) => (id === undefined ? [] : [`${kind}:${id}`]))
}

/** Exceptions that are not true any more: the parcel arrived, something graver is told, or it is the parcel of another one. */
function closeWhatIsAnswered(state: Delivery, work: { actions: Action[]; terms: DeliveryTerms }): Delivery {
  const kept: Question[] = []
  for (const question of state.open) {
    const parcel = state.parcels.find(({ ids }) => ids.includes(question.parcel))
    const trouble = parcel && troubleOf(parcel, { nowMs: state.passedMs, terms: work.terms })
    const isTrue = trouble?.kind === question.kind && trouble.round === question.round
    if (isTrue && !kept.some((other) => parcel?.ids.includes(other.parcel))) {
      kept.push(question)
      continue
    }
    const reason = trouble ? `see "${trouble.kind}"` : `the parcel is ${(parcel && endOf(parcel)) ?? "on its way"}`
    work.actions.push({ do: "settle", name: question.name, reason })
  }
  return { ...state, open: kept }
}

function raiseTrouble(state: Delivery, parcel: Parcel, work: { actions: Action[]; terms: DeliveryTerms }): Delivery {
  const trouble = troubleOf(parcel, { nowMs: state.passedMs, terms: work.terms })
  const [id = ""] = parcel.ids
  if (!trouble || state.open.some(({ parcel: about }) => parcel.ids.includes(about))) return state
  const repeats = state.told.filter((one) => one.startsWith(`${trouble.kind}#${id}:`)).length
  const name = { step: trouble.kind, part: `${id}:${repeats + 1}` }
  const text = troubleText(parcel, trouble.kind, endOf(parcel) !== undefined)
  work.actions.push({ do: "raise", name, text, lines: parcel.shipments.flatMap(({ lines }) => lines) })
  return {
    ...state,
    open: [...state.open, { name, ...trouble, parcel: id }],
    told: [...state.told, `${name.step}#${name.part}`],
  }
}

/** Facts that others build on: each end of each shipment once, however often and by whomever it is reported. */
function tellEnd(state: Delivery, parcel: Parcel, actions: Action[]): Delivery {
  const end = endOf(parcel)
  if (end === undefined || end === "closed") return state
  let { told } = state
  for (const { id, lines } of parcel.shipments) {
    const name = { step: "tell how the parcel ended", part: `${id}:${end}` }
    const key = `${name.step}#${name.part}`
    if (told.includes(key)) continue
    told = [...told, key]
    const shipment = { orderId: state.orderId, shipmentId: id }
    actions.push({ do: "tell", name, fact: endFact(parcel, { end, shipment, lines }) })
  }
  return { ...state, told }
}

function endFact(
  parcel: Parcel,
  about: {
    end: Exclude<ParcelEnd, "closed">
    shipment: { orderId: string; shipmentId: string }
    lines: LineQuantity[]
  },
): EndFact {
  const { end, shipment, lines } = about
  if (end === "delivered") {
    const [first] = toldOf(parcel, "delivered")
    const signed = first?.signedBy === undefined ? {} : { signedBy: first.signedBy }
    return { type: "shipment.delivered", data: { ...shipment, ...signed, deliveredAt: first?.at ?? "" } }
  }
  if (end === "lost") {
    const at = parcel.decided.find(({ action }) => action === "treat as lost")?.at ?? ""
    return { type: "shipment.lost", data: { ...shipment, lines, at } }
  }
  const [back] = toldOf(parcel, "returned to sender")
  const turned = toldOf(parcel, "returning to sender")[0]
  const at = back?.at ?? parcel.decided.find(({ action }) => action === "it came back")?.at ?? ""
  const reason = turned?.text ?? back?.text
  return { type: "shipment.came-back", data: { ...shipment, lines, ...(reason === undefined ? {} : { reason }), at } }
}

/** Where the delivery as a whole stands. */
export function stateOf({ parcels, open }: Delivery): DeliveryState {
  const ends = parcels.map(endOf)
  const has = (end: ParcelEnd) => ends.includes(end)
  if (!ends.includes(undefined)) {
    if (has("delivered")) return ends.every((end) => end === "delivered") ? "delivered" : "partly delivered"
    return has("came back") ? "came back" : has("lost") ? "lost" : "closed"
  }
  const underWay = parcels.filter((_parcel, n) => ends[n] === undefined)
  const troubles = open.filter(({ parcel }) => underWay.some(({ ids }) => ids.includes(parcel))).map(({ kind }) => kind)
  if (troubles.some((kind) => kind !== "parcel is late" && kind !== "parcel is coming back")) return "needs a person"
  const where = underWay.map(whereIs)
  if (where.includes("returning to sender")) return "coming back"
  if (troubles.length > 0) return "late"
  if (where.includes("ready for collection")) return "ready for collection"
  if (where.includes("out for delivery")) return "out for delivery"
  if (has("delivered")) return "partly delivered"
  const isWaiting = underWay.every(({ shipments }, n) => shipments.length === 0 && where[n] === "announced")
  return isWaiting ? "waiting for the carrier" : "on its way"
}
