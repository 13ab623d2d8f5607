import { own } from "../base/lookup.ts"
import type { Sql } from "../base/sql.ts"
import { businessDate, instant, type Clock } from "../base/time.ts"
import { type EventData, type NewEvent } from "../canonical/events.ts"
import type { Order } from "../canonical/order.ts"
import type { Ref } from "../canonical/refs.ts"
import { viewRetries } from "../durable/retry/retries.ts"
import type { EstateFrame } from "../estate/frame.ts"
import { orderAccountRoutes, type Accounts } from "../gateway/routes/orders/order-account.ts"
import { orderLineageRoutes } from "../gateway/routes/orders/order-lineage.ts"
import { orderIntake, orderRoutes } from "../gateway/routes/orders/orders.ts"
import { shipmentIntake, shipmentRoutes } from "../gateway/routes/orders/shipments.ts"
import type { AnyBulkKind } from "../operations/bulk/kind.ts"
import { cancelOrders } from "../operations/bulk/kinds/cancel-orders.ts"
import { postOnDay } from "../operations/bulk/kinds/post-on-day.ts"
import type { ExceptionAction } from "../operations/exceptions/actions.ts"
import type { Count } from "../operations/figures.ts"
import { registerOrders } from "../operations/gauges.ts"
import { countByState, moneyFigures, readOrderKpis } from "../operations/live-figures.ts"
import { orderLineage } from "../operations/lineage/order-lineage.ts"
import { OrderBook } from "../operations/order-book.ts"
import { ordersNamed } from "../operations/search.ts"
import { traceOrder } from "../operations/trace/trace.ts"
import { OrderAccounts } from "../orders/accounts.ts"
import { paymentReportSubscriber } from "../orders/payment-reports.ts"
import { readAccount, type AccountReaders } from "../orders/read-account.ts"
import { skippedCheckSubscriber } from "../orders/skipped-checks.ts"
import { rebuildAccount } from "../orders/rebuild.ts"
import { lapseExceptionId } from "../rules/lapse.ts"
import type { ShippingLocation } from "../rules/route-order.ts"
import { createAvailability, openParcelsByLocation } from "../stock/availability.ts"
import { Articles } from "../stock/articles/articles.ts"
import { partsFinder } from "../stock/parts/find-parts.ts"
import type { Reservations } from "../stock/reservations.ts"
import { noteWait } from "../stock/waits/waits.ts"
import { fulfilOrder } from "../workflows/fulfil-order/fulfil-order.ts"
import { OrderPolicyBlock, type OrderPolicies } from "../workflows/fulfil-order/policies.ts"
import { defineArea, type AreaParts } from "./define-area.ts"
import { deskOf } from "./operations.ts"

const actions: readonly ExceptionAction[] = [
  {
    name: "cancel order",
    does: "Takes back what was done, in reverse, and tells shop and buyer.",
    effect: { kind: "wake" },
  },
  { name: "refuse order", does: "Refuses the order before anything is reserved or booked.", effect: { kind: "wake" } },
  {
    name: "take it over",
    does: "Fulfils an order that was placed before its channel was connected, as if it were new.",
    effect: { kind: "wake" },
  },
  {
    name: "ship on account",
    does: "Ships an order that is not paid; what is owed is posted as receivable.",
    effect: { kind: "wake" },
  },
  {
    name: "cancel the rest",
    does: "Stops waiting for goods nobody has; what shipped stays.",
    effect: { kind: "wake" },
  },
  {
    name: "apply",
    does: "Brings a released order to its edit, as far as nothing has shipped.",
    effect: { kind: "wake" },
  },
  { name: "keep", does: "Ships the order as it was released, without the edit.", effect: { kind: "wake" } },
  {
    name: "post on day",
    does: "Posts on the day that the decision names, because the period of the business date is closed.",
    asksFor: [{ name: "day", says: "the day to post on", takes: "day", isNeeded: true }],
    effect: { kind: "wake" },
  },
]

/** Money that left with goods, money the books have, and checks that were not made. */
function countsOf(event: NewEvent): Count[] {
  if (event.type === "order.state-changed") {
    const { state, amount } = event.data as EventData<"order.state-changed">
    if (!amount || !state.endsWith("shipped")) return []
    return [{ name: "money shipped", label: amount.currency, by: amount.amountMinor }]
  }
  if (event.type === "order.check-skipped")
    return [{ name: "checks skipped", label: (event.data as EventData<"order.check-skipped">).check, by: 1 }]
  if (event.type !== "entry.posted") return []
  const { kind, total } = event.data as EventData<"entry.posted">
  return kind === "invoice" ? [{ name: "money booked", label: total.currency, by: total.amountMinor }] : []
}

const backlogFreshForMs = 5000

/** The shipping locations with their remaining capacity today. The backlog is read from time to time, not for each order. */
function shippingLocations(
  { locations }: EstateFrame,
  { clock, openParcels }: { clock: Clock; openParcels: () => Promise<Map<string, number>> },
): () => Promise<ShippingLocation[]> {
  let known = { readAtMs: 0, byLocation: new Map<string, number>() }
  return async () => {
    if (clock.now() - known.readAtMs > backlogFreshForMs)
      known = { readAtMs: clock.now(), byLocation: await openParcels() }
    return locations.flatMap(({ id, kind, shipping }) => {
      if (!shipping) return []
      const { capacityPerDay, ...rest } = shipping
      const capacityLeft = Math.max(0, capacityPerDay - (known.byLocation.get(id) ?? 0))
      return [{ id, kind, ...rest, capacityLeft }]
    })
  }
}

/** Days of a place as the estate has them, and the company's for everything else. */
export function businessDays({ locations }: EstateFrame, timeZone: string): OrderPolicies["businessDay"] {
  const places = new Map(locations.map((location) => [location.id, location]))
  return (at, locationId = "") => businessDate(at, places.get(locationId) ?? { timeZone })
}

const orderFinals = ["closed", "cancelled", "refused", "not taken over"]

/** Accounts, read from the modules that own their parts. */
function accountReads(sql: Sql, { book, reservations }: { book: OrderBook; reservations: Reservations }): Accounts {
  const readers: AccountReaders = {
    accounts: new OrderAccounts(sql),
    order: async (id) => {
      const found = await book.find(id)
      // The log only takes orders that its catalogue's schema admitted.
      return found && { order: found.document as Order, isOver: found.finishedAt !== undefined }
    },
    allocated: async (id) => {
      const lines = (await reservations.find(id))?.lines ?? []
      return lines.flatMap(({ locationId, sku, heldMilli }) => (locationId === null ? [] : [{ sku, milli: heldMilli }]))
    },
  }
  return { read: (id) => readAccount(readers, id), rebuild: (id) => rebuildAccount(sql, id) }
}

/** What is done to many orders at once. */
function bulkOf({ sql, eventLog, clock, ...parts }: AreaParts): AnyBulkKind[] {
  const desk = deskOf({ sql, eventLog, clock, ...parts })
  const book = new OrderBook(sql)
  const exists = async (about: readonly Ref[]) => {
    const views = await viewRetries(
      sql,
      about.map((one) => ({ workflow: fulfilOrder.name, about: one })),
      { from: "failed step" },
    )
    return new Map(views.map((view) => [view.about, view.exists] as const))
  }
  const cancel = cancelOrders({ desk, clock, eventLog, orders: (ids) => book.many(ids), exists })
  return [postOnDay(desk) as AnyBulkKind, cancel as AnyBulkKind]
}

/** Orders from a channel to shipped, invoiced and paid. */
export const orders = defineArea({
  name: "orders",
  policies: { schema: OrderPolicyBlock, whenLeftOut: "refused" },
  workflows: [fulfilOrder],
  policiesFor(
    block: Omit<
      OrderPolicies,
      | "businessDay"
      | "locations"
      | "freeStock"
      | "captures"
      | "shippedFrom"
      | "seenRefund"
      | "firstDay"
      | "findArticles"
      | "takeApart"
      | "madeOf"
      | "noteWait"
      | "hasLapsed"
    >,
    { estate, sql, clock, connections, ...parts },
  ): OrderPolicies {
    const desk = deskOf({ estate, sql, clock, connections, ...parts })
    const availability = createAvailability(sql)
    const articles = new Articles(sql)
    const accounts = new OrderAccounts(sql)
    const book = new OrderBook(sql)
    return {
      ...block,
      businessDay: businessDays(estate, block.timeZone),
      locations: shippingLocations(estate, { clock, openParcels: () => openParcelsByLocation(sql) }),
      freeStock: (skus) => availability.freeByLocation(skus),
      findArticles: (channel, skus, barcodes) => articles.find(channel, skus, barcodes),
      takeApart: partsFinder({ sql, articles }),
      madeOf: (orderId) => book.madeOf(orderId),
      noteWait: (wait) => noteWait(sql, wait),
      captures: (channel) => own(estate.connections, channel)?.captures ?? "crossdock",
      shippedFrom: (orderId) => accounts.shippedFrom(orderId),
      seenRefund: (orderId, refund) => accounts.seen(orderId, refund),
      hasLapsed: async (orderId, paymentId) =>
        (await desk.find(lapseExceptionId(orderId, paymentId)))?.state === "open",
      firstDay: (channel) => {
        const connectedAtMs = connections.has(channel) ? connections.get(channel).connectedAtMs : undefined
        return connectedAtMs === undefined ? undefined : instant(connectedAtMs)
      },
    }
  },
  finalStates: { order: orderFinals },
  actions,
  intake: { ...orderIntake, ...shipmentIntake },
  figures: countsOf,
  kpis: async ({ sql }, { hours, figures }) => ({
    orders: await readOrderKpis(sql, { hours, finals: orderFinals }),
    money: moneyFigures(figures),
    checksSkipped: Object.fromEntries(figures.get("checks skipped") ?? []),
  }),
  routes({ core, sql, reservations }) {
    const book = new OrderBook(sql)
    const read = {
      find: (id: string) => book.find(id),
      list: (request: Parameters<OrderBook["list"]>[0]) => book.list(request),
      trace: (request: { id: string; after?: string }) => traceOrder(sql, book, request),
    }
    return [
      ...orderRoutes({ core, orders: read, articles: new Articles(sql) }),
      ...orderLineageRoutes(read, { read: (id) => orderLineage(sql, id) }),
      ...shipmentRoutes({ core, orders: read }),
      ...orderAccountRoutes({ orders: read, accounts: accountReads(sql, { book, reservations }) }),
    ]
  },
  bulk: bulkOf,
  subscribers: ({ sql, eventLog, clock }) => [
    paymentReportSubscriber({ eventLog, clock, ordersOf: (id) => ordersNamed(sql, id) }),
    skippedCheckSubscriber(eventLog),
  ],
  gauges: (registry, { sql }) => registerOrders(registry, () => countByState(sql, { hours: 24, finals: orderFinals })),
})
