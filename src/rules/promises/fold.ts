import type { Money } from "../../base/money.ts"
import {
  businessDate,
  dayAfter,
  durationMs,
  epochMs,
  instant,
  momentOf,
  type DayPlace,
  type Instant,
} from "../../base/time.ts"
import type { EventData, NewEvent } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { isLongPromise, levelsOf, type Dimension, type NamedPromise } from "./definition.ts"
import { outcomes, type Outcome, type Step } from "./outcomes.ts"

/** What promises are divided by, of one order. */
export interface OrderScope {
  orderId: string
  channel: string
  store?: string
  region?: string
  method: string
  total: Money
  placedAt: Instant
}

/** An outcome that is promised from now on. */
interface Begun {
  orderId?: string
  channel?: string
  store?: string
  region?: string
  method?: string
  /** The values that its promise is judged by, from narrow to wide. */
  scope: string[]
  money?: Money
  startedAt: Instant
  dueAt: Instant
}

/** What a batch of events says of one outcome, as a whole. */
export interface Change extends Partial<Begun> {
  promise: string
  subject: string
  /** It was promised no longer, before what else is said. */
  hasLapsed?: boolean
  /** How far it came since: `[stage, since]`, later and later. */
  moves?: [stage: string, since: Instant][]
  endedAt?: Instant
}

/** What ends the oldest outcome of an order, once. */
export interface EndOfOldest {
  promise: string
  orderId: string | undefined
  endedBy: string
  at: Instant
  money?: Money
}

type Told = Pick<NewEvent, "type" | "data" | "time">

/** What promises need to know of an order: where it was sold and goes to, and how the largest part of it is paid. */
function scopeOfOrder(order: Order): OrderScope {
  const { id: orderId, channel, source, lines, shippingAddress, billingAddress, tenders, total, placedAt } = order
  const pickup = lines.flatMap(({ fulfilment }) => (fulfilment.method === "pickup" ? [fulfilment.locationId] : []))
  const store = pickup[0] ?? source?.place
  const region = shippingAddress?.countryCode ?? billingAddress?.countryCode
  const paid = tenders
    .filter(({ state }) => state !== "failed")
    .toSorted((a, b) => b.amount.shop.amountMinor - a.amount.shop.amountMinor)[0]
  const method = paid === undefined ? "none" : paid.provider === "" ? paid.kind : paid.provider
  return {
    orderId,
    channel,
    ...(store === undefined ? {} : { store: store.slice(0, 64) }),
    ...(region === undefined ? {} : { region }),
    method: method.slice(0, 64),
    total: total.shop,
    placedAt,
  }
}

/** The orders that events say something of, so that what is known of them can be read at once. */
export function ordersNamed(promises: readonly NamedPromise[], events: readonly Told[]): Set<string> {
  return new Set(
    events.flatMap((event) =>
      promises.flatMap((promise) => stepsOf(promise, event).map(({ orderId }) => orderId ?? "")),
    ),
  )
}

/** What events, in the order of the log, say of promises. Pure: told twice it says the same. */
export function foldPromises(
  promises: readonly NamedPromise[],
  events: readonly Told[],
  { orders, placeOf }: { orders: ReadonlyMap<string, OrderScope>; placeOf: (store?: string) => DayPlace },
): { changes: Change[]; oldest: EndOfOldest[] } {
  const changes = new Map<string, Change>()
  const oldest: EndOfOldest[] = []
  const note = (promise: NamedPromise, step: Step) => {
    const { subject, orderId, at } = step
    if (step.step === "ends" && step.endedBy !== undefined) {
      const { endedBy, money } = step
      oldest.push({ promise: promise.name, orderId, endedBy, at, ...(money ? { money } : {}) })
      return
    }
    const order = orderId === undefined ? undefined : orders.get(orderId)
    const begun = step.step === "begins" ? begunOf(promise, step, { order, placeOf }) : undefined
    if (step.step === "begins" && !begun) return
    const key = JSON.stringify([promise.name, subject])
    const before = changes.get(key) ?? { promise: promise.name, subject }
    changes.set(key, begun ? { ...begun, ...before } : changedBy(before, step))
  }
  for (const event of events)
    for (const promise of promises) for (const step of stepsOf(promise, event)) note(promise, step)
  return { changes: [...changes.values()], oldest }
}

function changedBy(before: Change, step: Step): Change {
  if (before.endedAt !== undefined) return before
  switch (step.step) {
    case "ends":
      return { ...before, endedAt: step.at, ...(step.money ? { money: step.money } : {}) }
    case "lapses":
      return { promise: before.promise, subject: before.subject, hasLapsed: true }
    case "moves": {
      const { moves = [] } = before
      const last = moves.at(-1)?.[1]
      if (last !== undefined && epochMs(step.at) <= epochMs(last)) return before
      return { ...before, moves: [...moves, [step.stage, step.at]] }
    }
    default:
      return before
  }
}

function stepsOf(promise: NamedPromise, event: Told): Step[] {
  const outcome: Outcome = outcomes[promise.of]
  if (!outcome.types.includes(event.type)) return []
  const steps = outcome.steps(event)
  // How far it has come matters where there is time to act on it.
  return isLongPromise(promise) ? steps : steps.filter(({ step }) => step !== "moves")
}

function begunOf(
  promise: NamedPromise,
  { orderId, at, money, store: fromStore, channel: named }: Extract<Step, { step: "begins" }>,
  { order, placeOf }: { order: OrderScope | undefined; placeOf: (store?: string) => DayPlace },
): Begun | undefined {
  const values: Partial<Record<Dimension, string>> = {
    ...pick("channel", order?.channel ?? named),
    ...pick("store", fromStore ?? order?.store),
    ...pick("region", order?.region),
    ...pick("method", order?.method),
  }
  if (!isPromised(promise, values)) return undefined
  const amount = money ?? order?.total
  return {
    ...(orderId === undefined ? {} : { orderId }),
    ...values,
    scope: levelsOf(promise).map((dimension) => values[dimension] ?? ""),
    ...(amount === undefined ? {} : { money: amount }),
    startedAt: at,
    dueAt: dueOf(promise, at, placeOf(values.store)),
  }
}

function pick(dimension: Dimension, value: string | undefined): Partial<Record<Dimension, string>> {
  return value === undefined ? {} : { [dimension]: value }
}

function isPromised({ only = {} }: NamedPromise, values: Partial<Record<Dimension, string>>): boolean {
  const { channels, stores, regions, methods } = only
  const fits = (list: readonly string[] | undefined, value: string | undefined) =>
    list === undefined || (value !== undefined && list.includes(value))
  return (
    fits(channels, values.channel) &&
    fits(stores, values.store) &&
    fits(regions, values.region) &&
    fits(methods, values.method)
  )
}

/** When it has to have come true. */
function dueOf({ within, by }: Pick<NamedPromise, "within" | "by">, at: Instant, place: DayPlace): Instant {
  if (by !== undefined) return momentOf(dayAfter(businessDate(at, place), 1), by, place.timeZone)
  return instant(epochMs(at) + durationMs(within ?? { minutes: 0 }))
}

/** The order that an event places, as promises need it. */
export function placedBy(event: Told): OrderScope | undefined {
  // Checked by its type.
  return event.type === "order.placed" ? scopeOfOrder((event.data as EventData<"order.placed">).order) : undefined
}
