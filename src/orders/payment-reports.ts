import { AppError } from "../base/errors.ts"
import { derivedId } from "../base/ids.ts"
import { moneyText, type Money } from "../base/money.ts"
import { epochMs, type Clock } from "../base/time.ts"
import { newEvent, type EventData, type NewEvent } from "../canonical/events.ts"
import { lapseExceptionId } from "../rules/lapse.ts"
import type { Reference } from "../canonical/parts.ts"
import { ref, type Ref } from "../canonical/refs.ts"
import type { EventLog, StoredEvent } from "../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../eventlog/subscriber.ts"

/** An order that a payment belongs to. */
interface PaidOrder {
  orderId: string
  number: string
  isOver: boolean
}

interface PaymentReportParts {
  eventLog: Pick<EventLog, "append">
  clock: Clock
  /** The orders that a provider's number of a payment names. */
  ordersOf: (paymentId: string) => Promise<PaidOrder[]>
}

/** An order may come after news of its payment, e.g. by a poll; after this time nobody waits for it. */
const orderComesWithinMs = 10 * 60_000

/**
 * What payment providers tell that no step of an order waits for: refunds by hand, refunds that failed, disputes, lapsed
 * authorisations. A report by the payment's number becomes a fact about its order, for the order's account; where money is at risk
 * finance gets an exception, also when no order is known. Every fact and exception has an identity, so a repeat adds nothing.
 */
export function paymentReportSubscriber(parts: PaymentReportParts): Subscriber {
  return {
    name: "payment reports",
    types: ["payment.reported", "payment.refund-reported", "payment.disputed"],
    // Enough tries, at most 30 seconds apart, for an order to come.
    attemptsMax: 40,
    async handle(events) {
      const failures: Failure[] = []
      const stopped = new Set<Ref>()
      for (const event of events) {
        if (stopped.has(event.key)) continue
        try {
          for (const follows of await followUps(event, parts)) await parts.eventLog.append(follows)
        } catch (error) {
          failures.push({ event, error })
          stopped.add(event.key)
        }
      }
      return failures
    },
  }
}

async function followUps(event: StoredEvent, parts: PaymentReportParts): Promise<NewEvent[]> {
  // The subscription has only these three types, and a type says what its data is.
  if (event.type === "payment.reported") return aboutPayment(event, event.data as EventData<"payment.reported">, parts)
  const { orderId } = event.data as EventData<"payment.disputed">
  const [order = { orderId, number: orderId, isOver: false }] = await parts.ordersOf(orderId)
  return event.type === "payment.disputed"
    ? disputed(event, event.data as EventData<"payment.disputed">, order)
    : refundFailed(event, event.data as EventData<"payment.refund-reported">, order)
}

/** Names the order of a report; raises an exception where money is at risk and no order is known in time. */
async function aboutPayment(
  event: StoredEvent,
  { payment, report, at }: EventData<"payment.reported">,
  { ordersOf, clock }: PaymentReportParts,
): Promise<NewEvent[]> {
  const [order, ...more] = await ordersOf(payment.id)
  if (order === undefined || more.length > 0) {
    if (order === undefined && clock.now() - epochMs(event.time) < orderComesWithinMs)
      throw new AppError("NOT_FOUND", `no order of payment ${payment.id} is known yet`)
    return unknownOrder(event, { payment, report, at })
  }
  const { orderId } = order
  const fact = { fact: event.fact, source: event.source, time: event.time }
  if (report.what === "lapse") return order.isOver ? [] : [lapsed(event, { payment, amount: report.amount, at, order })]
  if (report.what === "dispute") {
    const { what: _dispute, id: disputeId, ...rest } = report
    return [
      newEvent({ type: "payment.disputed", ...fact, data: { orderId, disputeId, paymentId: payment.id, ...rest, at } }),
    ]
  }
  const { what: _refund, id: refundId, ...rest } = report
  const data = { orderId, refundId, paymentId: payment.id, ...rest, at }
  return [newEvent({ type: "payment.refund-reported", ...fact, data })]
}

function refundFailed(event: StoredEvent, data: EventData<"payment.refund-reported">, order: PaidOrder): NewEvent[] {
  if (data.state !== "failed") return []
  const { amount, reason, refundId, at } = data
  return [
    opened(event, {
      id: `${order.orderId}:refund:${refundId}`,
      about: ref("order", order.orderId),
      cause: "refund came back",
      summary: `A refund of ${moneyText(amount)} for order ${order.number} failed: ${reason ?? "no reason given"}.`,
      ifNobodyActs: "the buyer does not get the money, and the account shows it as not given back",
      atRisk: amount,
      at,
    }),
  ]
}

function disputed(event: StoredEvent, data: EventData<"payment.disputed">, order: PaidOrder): NewEvent[] {
  const { disputeId, amount, state, reason, respondBy, at } = data
  const about = ref("order", order.orderId)
  const id = `${order.orderId}:dispute:${disputeId}`
  const money = moneyText(amount)
  const why = reason === undefined ? "" : ` (${reason})`
  if (state === "opened" || state === "withdrawn")
    return [
      opened(event, {
        id,
        about,
        cause: "payment disputed",
        summary: `The buyer's bank disputes ${money} of order ${order.number}${why}.${respondBy === undefined ? "" : ` The provider wants evidence by ${respondBy.slice(0, 10)}.`}`,
        ifNobodyActs: "the bank keeps the money",
        atRisk: amount,
        at,
      }),
    ]
  if (state !== "lost") return [decided(event, { id, about, reason: `the provider tells: ${state}`, at })]
  return [
    decided(event, { id, about, reason: "the dispute was lost", at }),
    opened(event, {
      id: `${id}:lost`,
      about,
      cause: "dispute lost",
      summary: `The dispute about ${money} of order ${order.number} was lost${why}.`,
      ifNobodyActs: "the money stays with the buyer, and the books still have it",
      atRisk: amount,
      at,
    }),
  ]
}

function lapsed(
  event: StoredEvent,
  { payment, amount, at, order }: { payment: Reference; amount: Money; at: string; order: PaidOrder },
): NewEvent {
  return opened(event, {
    id: lapseExceptionId(order.orderId, payment.id),
    about: ref("order", order.orderId),
    cause: "authorisation lapsed",
    summary: `The authorisation of ${moneyText(amount)} for order ${order.number} lapsed. Nothing can be captured of payment ${payment.id} any more.`,
    ifNobodyActs: "the goods ship, and their capture is refused",
    atRisk: amount,
    at,
  })
}

/** Nothing is at risk while money only moves as the provider was told; anything else somebody has to look up. */
function unknownOrder(event: StoredEvent, { payment, report, at }: EventData<"payment.reported">): NewEvent[] {
  const isHarmless = report.what === "lapse" || (report.what === "refund" && report.state !== "failed")
  if (isHarmless || (report.what === "dispute" && report.state !== "opened" && report.state !== "withdrawn")) return []
  const what = report.what === "refund" ? "A refund failed" : "The buyer's bank opened a dispute"
  return [
    opened(event, {
      id: `${payment.system}:${report.what}:${report.id}`,
      about: ref("document", payment.system, payment.type, payment.id),
      cause: "payment of no known order",
      summary: `${what}: ${moneyText(report.amount)} of payment ${payment.id}, which belongs to no order or to several.`,
      ifNobodyActs: "nobody looks after the money",
      atRisk: report.amount,
      named: [payment],
      at,
    }),
  ]
}

interface Opening {
  id: string
  about: Ref
  cause: string
  summary: string
  ifNobodyActs: string
  atRisk: Money
  named?: Reference[]
  at: string
}

const source = "crossdock:payment reports"

/** Providers' numbers may be long, and an exception's id has 64 characters. */
const exceptionIdOf = (id: string) => (id.length <= 64 ? id : derivedId("exc", id))

function opened({ correlation }: StoredEvent, { id, ...more }: Opening): NewEvent {
  const exceptionId = exceptionIdOf(id)
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}:opened`,
    source,
    time: more.at,
    correlation,
    data: {
      exceptionId,
      ...more,
      doneSoFar: [],
      owner: "finance",
      allowedActions: ["acknowledge"],
    },
  })
}

function decided(
  { correlation }: StoredEvent,
  { id, about, reason, at }: { id: string; about: Ref; reason: string; at: string },
): NewEvent {
  const exceptionId = exceptionIdOf(id)
  const data = { exceptionId, about, action: "acknowledge", decidedBy: "crossdock", reason, at }
  return newEvent({
    type: "exception.decided",
    fact: `exception:${exceptionId}:decided`,
    source,
    time: at,
    correlation,
    data,
  })
}
