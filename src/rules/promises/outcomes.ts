import type { Money } from "../../base/money.ts"
import type { EventData, EventName, NewEvent } from "../../canonical/events.ts"
import { leavesShelf } from "../../canonical/order.ts"
import type { CapabilityName } from "../../ports/capabilities.ts"
import type { OutcomeName } from "./outcome-names.ts"

/** What an event says of one promised outcome. `subject` is what it is promised for. */
export type Step = { subject: string; orderId: string | undefined; at: string } & (
  | { step: "begins"; money?: Money | undefined; store?: string; channel?: string }
  /** It came true; `money` is what it turned out to be about. `endedBy`: of several of an order it ends the oldest one, once. */
  | { step: "ends"; money?: Money; endedBy?: string }
  /** It is promised no longer: nobody expects it any more. */
  | { step: "lapses" }
  /** How far it has come. */
  | { step: "moves"; stage: string }
)

/** An outcome that can be promised: which events start and end it, and what it depends on. */
export interface Outcome {
  /** For people: "order released" is measured from … to …. */
  from: string
  to: string
  types: readonly EventName[]
  /** Connections of these capabilities being away explains misses. */
  needs: readonly CapabilityName[]
  steps(event: Pick<NewEvent, "type" | "data" | "time">): Step[]
}

const data = <Name extends EventName>(event: { data: unknown }): EventData<Name> =>
  // Only called for events of the type.
  event.data as EventData<Name>

/** What a `{kind}.state-changed` says; the name of its id differs by kind. */
interface Changed {
  id: string
  orderId: string | undefined
  state: string
  at: string
}

function changed(event: Pick<NewEvent, "type" | "data">): Changed {
  const kind = event.type.slice(0, event.type.indexOf("."))
  const { orderId, state, at, ...rest } = event.data as { orderId?: string; state: string; at: string }
  const id: unknown = kind === "order" ? orderId : Reflect.get(rest, `${kind}Id`)
  return { id: String(id), orderId, state, at }
}

const isAmong = (state: string, states: readonly string[]) => states.includes(state)
const lapsed = ["cancelling", "cancelled", "refused", "not taken over"]

/** An order from its placing until it has one of some states. While it is on hold, it waits for others. */
function orderReaches(states: readonly string[]): Pick<Outcome, "types" | "steps"> {
  return {
    types: ["order.placed", "order.state-changed"],
    steps(event) {
      if (event.type === "order.placed") {
        const { orderId, order } = data<"order.placed">(event)
        if (order.isTest || !order.lines.some(leavesShelf)) return []
        return [{ step: "begins", subject: orderId, orderId, at: order.placedAt, money: order.total.shop }]
      }
      const { id, state, at } = changed(event)
      const about = { subject: id, orderId: id, at }
      if (isAmong(state, states)) return [{ step: "ends", ...about }]
      if (state === "on hold" || isAmong(state, lapsed)) return [{ step: "lapses", ...about }]
      return [{ step: "moves", stage: state, ...about }]
    },
  }
}

const delivered: Pick<Outcome, "types" | "steps"> = {
  types: ["order.state-changed", "delivery.state-changed"],
  steps(event) {
    // A delivery is named after its order.
    const { id, state, at } = changed(event)
    const about = { subject: id, orderId: id, at }
    if (event.type === "order.state-changed") return state === "shipped" ? [{ step: "begins", ...about }] : []
    if (isAmong(state, ["delivered", "ready for collection"])) return [{ step: "ends", ...about }]
    return [{ step: "moves", stage: state, ...about }]
  },
}

const posted: Pick<Outcome, "types" | "steps"> = {
  types: ["shipment.confirmed", "entry.posted"],
  steps(event) {
    if (event.type === "shipment.confirmed") {
      const { orderId, shipment } = data<"shipment.confirmed">(event)
      const { id, shippedAt, locationId } = shipment
      return [{ step: "begins", subject: `${orderId}/${id}`, orderId, at: shippedAt, store: locationId }]
    }
    const { about, kind, entryId, total, at } = data<"entry.posted">(event)
    const orderId = /^order\/(.+)$/.exec(about)?.[1]
    if (kind !== "invoice" || orderId === undefined) return []
    // Invoices are numbered in the order of the shipments, and do not name them.
    return [{ step: "ends", subject: orderId, orderId, at, money: total, endedBy: entryId }]
  },
}

/** Money that goes back: posted in the books, with the buyer, or as a whole when a paid order is cancelled. */
const refunded: Pick<Outcome, "types" | "steps"> = {
  types: ["credit.due", "credit.state-changed", "payment.refunded", "payment.refund-reported"],
  steps(event) {
    switch (event.type) {
      case "credit.due": {
        const { creditId, orderId, amount, channel, at } = data<"credit.due">(event)
        return [{ step: "begins", subject: creditId, orderId, at, money: amount, channel }]
      }
      case "credit.state-changed": {
        const { id, orderId, state, at } = changed(event)
        return state === "closed" ? [{ step: "ends", subject: id, orderId, at }] : []
      }
      case "payment.refunded": {
        const { orderId, claim, amount, isPending = false, at } = data<"payment.refunded">(event)
        if (claim === undefined) return []
        const begins = { step: "begins", subject: `${orderId}/${claim}`, orderId, at, money: amount } as const
        return isPending ? [begins] : [begins, { step: "ends", subject: begins.subject, orderId, at }]
      }
      default: {
        const { orderId, claim, state, at } = data<"payment.refund-reported">(event)
        if (claim === undefined) return []
        const about = { subject: `${orderId}/${claim}`, orderId, at }
        return state === "succeeded" ? [{ step: "ends", ...about }] : [{ step: "moves", stage: state, ...about }]
      }
    }
  },
}

const shortage: Pick<Outcome, "types" | "steps"> = {
  types: ["exception.opened", "exception.decided"],
  steps(event) {
    if (event.type === "exception.opened") {
      const { exceptionId, about, missingMilli, atRisk, at } = data<"exception.opened">(event)
      if (missingMilli === undefined) return []
      const orderId = /ord_[0-9a-z]{16}/.exec(about)?.[0]
      return [{ step: "begins", subject: exceptionId, orderId, at, ...(atRisk ? { money: atRisk } : {}) }]
    }
    const { exceptionId, about, at } = data<"exception.decided">(event)
    return [{ step: "ends", subject: exceptionId, orderId: /ord_[0-9a-z]{16}/.exec(about)?.[0], at }]
  },
}

/** Every outcome by its name. */
export const outcomes = {
  "order released": {
    from: "the order is placed",
    to: "a warehouse or store has it to ship",
    needs: ["booksOrders", "releasesFulfilment", "screensFraud", "authorisesPayments"],
    ...orderReaches(["released", "partly shipped", "shipped", "closed"]),
  },
  "order shipped": {
    from: "the order is placed",
    to: "all of it has left",
    needs: ["booksOrders", "releasesFulfilment"],
    ...orderReaches(["shipped", "closed"]),
  },
  "order delivered": {
    from: "all of the order has left",
    to: "the buyer has it, or can collect it",
    needs: [],
    ...delivered,
  },
  "sale posted": {
    from: "goods leave",
    to: "their invoice is in the books",
    needs: ["postsJournals", "recordsDeliveries"],
    ...posted,
  },
  "refund closed": {
    from: "a refund is due",
    to: "the buyer has the money, and the books have the credit",
    needs: ["refundsPayments", "postsCredits"],
    ...refunded,
  },
  "shortage ended": {
    from: "sold goods are found missing",
    to: "the shortage is over or decided",
    needs: [],
    ...shortage,
  },
} as const satisfies Readonly<Record<OutcomeName, Outcome>>
