import type { EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { ref } from "../../canonical/refs.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { SoldGoods } from "../../rules/returns/eligible.ts"
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

/** What each tender of an order can still give back: taken, less what went back, is about to, or was taken back by the bank. */
export async function tendersLeft(accounts: OrderAccounts, order: Order): Promise<TenderToRefund[]> {
  const rows = await accounts.read(order.id)
  return tendersOf(order, rows).map(({ tenderId, provider, reference, taken, refunds, disputes }) => {
    const gone = [...refunds, ...disputes].filter(({ state }) => state === "open" || state === "settled")
    const sold = order.tenders.find(({ id }) => id === tenderId)
    return {
      tenderId,
      kind: sold?.kind ?? "other",
      provider,
      currency: taken.currency,
      leftMinor: taken.amountMinor - gone.reduce((sum, { amount }) => sum + amount.amountMinor, 0),
      ...(reference === undefined ? {} : { paymentId: reference }),
    }
  })
}

/** Whether all goods that left have been given back, the last of them by this return: so one of several that end together says yes. */
export async function hasLastGoods(accounts: OrderAccounts, orderId: string, by: string): Promise<boolean> {
  const rows = await accounts.read(orderId)
  if (Object.values(unitsOut(rows).withBuyer).some((milli) => milli > 0)) return false
  const given = rows.claims.filter(({ kind, state }) => kind === "return" && (state === "open" || state === "settled"))
  return given.at(-1)?.by === by
}
