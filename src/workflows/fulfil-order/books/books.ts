import { money, moneyText } from "../../../base/money.ts"
import type { Order } from "../../../canonical/order.ts"
import type { BookedOrder } from "../../../ports/capabilities/books.ts"
import type { RoutedLine } from "../../../ports/capabilities/goods.ts"
import type { EffectOf } from "../../../rules/fulfilment/actions.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { WorkNow } from "../work.ts"
import { entryPosted, orderBooked, paidBy } from "../facts.ts"
import { notifyBuyer } from "../notify.ts"
import { onOpenDay } from "../../posting/on-open-day.ts"
import { ifBooksRefuse, refusedText, type OrderPolicies } from "../policies.ts"

type Context = RunContext<OrderPolicies>

/** Books the order in the ERP. While the ERP is unavailable the order waits and the buyer is notified. */
export async function bookInErp(
  step: Step,
  order: Order,
  context: Context & { routing: RoutedLine[] },
): Promise<BookedOrder> {
  const { routing } = context
  const scope = { channel: order.channel }
  const write = context.use("booksOrders", scope).bookOrder
  const booked = await step.effect("book order in ERP", {
    write,
    input: { order, routing, businessDate: context.policies.businessDay(order.placedAt) },
    key: order.id,
    undo: {
      write: context.use("cancelsOrders", scope).cancelOrder,
      input: { orderId: order.id, reason: "taken back" },
      key: cancelKey(order),
    },
    tells: (booked) => orderBooked({ step, order, name: "first" }, booked),
    ifWaiting: async () => {
      step.announce("waiting for the books", "waiting for the books", {
        reason: "the ERP is away; the order is booked when it is back",
      })
      await notifyBuyer(step, "tell customer it is booked later", {
        ...context,
        message: { order, kind: "posted later" },
      })
    },
    ...ifBooksRefuse(order, context.policies, write.connection.id),
  })
  step.announce("in the books", "in the books", { references: booked.reference ? [booked.reference] : [] })
  if (booked.total && booked.total.amountMinor !== order.total.shop.amountMinor)
    await step.raise("ERP total differs", {
      summary: `The ERP booked order ${order.number} with a total of ${moneyText(booked.total)}. The buyer was charged ${moneyText(order.total.shop)}.`,
      ifNobodyActs: "the invoice posts what was charged",
      owner: "finance",
      allowedActions: ["acknowledge"],
      atRisk: money(Math.abs(booked.total.amountMinor - order.total.shop.amountMinor), order.currency.shop),
    })
  return booked
}

// An order is cancelled once, by the undo of its booking or at its end.
const cancelKey = (order: Order) => `${order.id}-undo`

/** Brings a booked order to what holds now. */
export async function amendOrder(
  amendment: EffectOf<"amend in ERP">,
  { step, context, documentNumber }: WorkNow,
): Promise<undefined> {
  const { label, order, routing, isEarly } = amendment
  const write = context.use("amendsOrders", { channel: order.channel }).amendOrder
  await step.effect(part("amend order in ERP", label), {
    write,
    input: { order, routing, documentNumber },
    tells: (booked) => orderBooked({ step, order, name: label }, booked),
    ...(isEarly ? ifBooksRefuse(order, context.policies, write.connection.id) : {}),
  })
}

/** Cancels an order of which nothing shipped. */
export async function cancelOrder(
  { reason }: EffectOf<"cancel in ERP">,
  { step, order, context, documentNumber }: WorkNow,
): Promise<undefined> {
  await step.effect("cancel order in ERP", {
    write: context.use("cancelsOrders", { channel: order.channel }).cancelOrder,
    input: { orderId: order.id, reason, documentNumber },
    key: cancelKey(order),
  })
}

/** Books that goods of a shipment left. */
export async function recordDelivery(
  { shipment, lines, n, businessDate }: EffectOf<"record delivery">,
  work: WorkNow,
): Promise<undefined> {
  const { step, order, context, documentNumber } = work
  const posting = { step: "record delivery in ERP", part: shipment.id, businessDate, locationId: shipment.locationId }
  await onOpenDay(
    work,
    // Its invoice has the money: of both documents together it is at risk once.
    { ...posting, what: `the delivery of order ${order.number}` },
    (name, postingDate) =>
      step.effect(name, {
        write: context.use("recordsDeliveries", { channel: order.channel }).recordDelivery,
        input: { orderId: order.id, documentNumber, shipment, lines, postingDate },
        key: `${order.id}-d${n}`,
        ifRejected: {
          ask: refusedText(order, `The ERP refused the delivery of order ${order.number}`),
          except: ["PERIOD_CLOSED"],
        },
      }),
  )
}

/** Posts the invoice of a shipment to the general ledger. */
export async function postInvoice(
  { shipmentId, locationId, entry: due }: EffectOf<"post invoice">,
  work: WorkNow,
): Promise<undefined> {
  const { step, order, context } = work
  const posting = { step: "post invoice", part: shipmentId, businessDate: due.businessDate, locationId }
  await onOpenDay(
    work,
    { ...posting, atRisk: paidBy(due), what: `the invoice of order ${order.number}` },
    (name, postingDate) => {
      const entry = postingDate === due.businessDate ? due : { ...due, postingDate }
      return step.effect(name, {
        write: context.use("postsJournals", { channel: order.channel }).postEntry,
        input: { entry },
        tells: (posted) => entryPosted({ step, order, name: entry.number }, entry, posted),
        key: entry.number,
        lane: "finance",
        ifRejected: {
          ask: refusedText(order, `The general ledger refused the invoice of order ${order.number}`),
          except: ["PERIOD_CLOSED"],
        },
      })
    },
  )
}
