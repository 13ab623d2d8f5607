import type { EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { ref } from "../../canonical/refs.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { SoldGoods } from "../../rules/returns/eligible.ts"
import type { ShippingGiven } from "../../rules/returns/refund.ts"
import type { TenderLeft } from "../../rules/returns/split.ts"
import { tendersOf } from "../account-view.ts"
import type { OrderAccounts } from "../accounts.ts"
import { unitsOut } from "../accounts.ts"

interface Readers {
  accounts: OrderAccounts
  eventLog: Pick<EventLog, "readKey">
  orderOf: (orderId: string) => Promise<Order | undefined>
}

/** An order with what the buyer has of it, and since when. */
export async function soldGoods(
  { accounts, eventLog, orderOf }: Readers,
  orderId: string,
): Promise<SoldGoods | undefined> {
  const order = await orderOf(orderId)
  if (!order) return undefined
  const [rows, facts] = await Promise.all([accounts.read(orderId), eventLog.readKey(ref("order", orderId))])
  const times = facts.flatMap(({ type, data, time }) => {
    if (type === "shipment.delivered") return [(data as EventData<"shipment.delivered">).deliveredAt]
    return type === "goods.shipped" ? [time] : []
  })
  const sinceAt = times.toSorted().at(-1)
  return { order, withBuyer: unitsOut(rows).withBuyer, sinceAt }
}

/** A tender that may give back, with the payment it took. */
interface TenderToRefund extends TenderLeft {
  provider: string
  currency: string
  paymentId?: string
}

/**
 * What each tender of an order can still give back: taken, less what went back, is about to, or was taken back by the bank. Money that
 * went back nobody knows by which tender may have been of each of them, as in the claim.
 */
export async function tendersLeft(accounts: OrderAccounts, order: Order): Promise<TenderToRefund[]> {
  const rows = await accounts.read(order.id)
  const counts = rows.claims.filter(
    ({ kind, state }) => (kind === "refund" || kind === "dispute") && (state === "open" || state === "settled"),
  )
  return tendersOf(order, rows).map(({ tenderId, provider, reference, taken }) => {
    const of = counts.filter(({ unit }) => unit === taken.currency)
    const inAllMinor = sum(rows.taken.filter(({ unit }) => unit === taken.currency)) - sum(of)
    const ownMinor = taken.amountMinor - sum(of.filter(({ part }) => part === tenderId))
    const sold = order.tenders.find(({ id }) => id === tenderId)
    return {
      tenderId,
      kind: sold?.kind ?? "other",
      provider,
      currency: taken.currency,
      leftMinor: Math.min(ownMinor, inAllMinor),
      ...(reference === undefined ? {} : { paymentId: reference }),
    }
  })
}

const sum = (items: readonly { amount: number }[]) => items.reduce((total, { amount }) => total + amount, 0)

/**
 * Whether all goods that left have been given back, the last of them by one of these claims: so one of several inspections that end
 * together says yes, be they of one return or of two.
 */
export async function hasLastGoods(
  accounts: OrderAccounts,
  orderId: string,
  keys: readonly string[],
): Promise<boolean> {
  const rows = await accounts.read(orderId)
  if (Object.values(unitsOut(rows).withBuyer).some((milli) => milli > 0)) return false
  const given = rows.claims.filter(({ kind, state }) => kind === "return" && (state === "open" || state === "settled"))
  const last = given.at(-1)?.key
  return keys.some((key) => last === `${key}:c`)
}

/** Shipping of an order that its shop has given back, by its own refunds. */
export async function shippingGiven(eventLog: Readers["eventLog"], orderId: string): Promise<ShippingGiven> {
  const given = { shopMinor: 0, presentmentMinor: 0 }
  for (const { type, data } of await eventLog.readKey(ref("order", orderId))) {
    if (type !== "order.refunded") continue
    for (const { kind, worth } of (data as EventData<"order.refunded">).charges ?? []) {
      if (kind !== "shipping") continue
      given.shopMinor += worth.shop.amountMinor
      given.presentmentMinor += worth.presentment.amountMinor
    }
  }
  return given
}
