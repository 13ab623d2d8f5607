import { own } from "../../base/lookup.ts"
import { derivedId } from "../../base/ids.ts"
import { cut } from "../../base/text.ts"
import { instant } from "../../base/time.ts"
import { newEvent, type EventData, type NewEvent } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { ref } from "../../canonical/refs.ts"
import { returnIntake } from "../../gateway/routes/returns/intake.ts"
import { returnRoutes, type Returns, type ReturnView } from "../../gateway/routes/returns/returns.ts"
import type { Decided, ExceptionAction } from "../../operations/exceptions/actions.ts"
import type { ExceptionRecord } from "../../operations/exceptions/record.ts"
import { OrderBook } from "../../operations/order-book.ts"
import { OrderAccounts } from "../../orders/accounts.ts"
import { returnsKeeper } from "../../orders/returns/keep.ts"
import { findReturn, listReturns } from "../../orders/returns/read.ts"
import { tillReturns } from "../../orders/returns/till-returns.ts"
import { hasLastGoods, shippingGiven, soldGoods, tendersLeft } from "../../orders/returns/sold.ts"
import { partsOf } from "../../stock/parts/read-parts.ts"
import { TillTakings } from "../../sales/takings/till-takings.ts"
import { objections, objectionText } from "../../rules/returns/eligible.ts"
import { uncovered } from "../../rules/returns/exchange.ts"
import { buyerState, wordsOf } from "../../rules/returns/words.ts"
import { Articles } from "../../stock/articles/articles.ts"
import { handleReturn } from "../../workflows/handle-return/handle-return.ts"
import {
  ReturnPolicyBlock,
  returnDefaults,
  type ReturnBlock,
  type ReturnPolicies,
} from "../../workflows/handle-return/policies.ts"
import { withArticles } from "../../workflows/fulfil-order/stock/articles.ts"
import { sellingOf } from "../sales/sales.ts"
import { businessDays } from "../orders.ts"
import { defineArea, type AreaParts } from "../define-area.ts"
import { tillLimits } from "./till-limits.ts"

const effect = { kind: "wake" } as const

const actions: readonly ExceptionAction[] = [
  {
    name: "open a return",
    does: "Requests a return of what the buyer has of the order (`return.requested`).",
    effect: { kind: "append", event: returnRequested },
  },
  { name: "approve the return", does: "Lets goods come back that the rules do not allow.", effect },
  { name: "decline the return", does: "Takes nothing back, and tells the buyer.", effect },
  {
    name: "approve the refund",
    does: "Gives the money back. Whoever asked for the return cannot approve it.",
    scope: "operations:approve",
    effect,
  },
  { name: "decline the refund", does: "Gives nothing back; the goods stay where they are.", effect },
  { name: "paid by hand", does: "Says that the buyer has the money, by another way than the tender's.", effect },
  { name: "store credit given", does: "Says that the buyer has it as store credit, and books a liability.", effect },
]

/** The return that a person asks for. One exception is one return, however often it is decided. */
function returnRequested({ id, about, orderId, summary }: ExceptionRecord, { by, at, reason }: Decided): NewEvent {
  const order = orderId ?? about.slice(about.indexOf("/") + 1)
  return newEvent({
    type: "return.requested",
    fact: `exception:${id}:return`,
    source: "crossdock:exceptions",
    time: at,
    data: {
      returnId: derivedId("ret", order, id),
      orderId: order,
      reason: cut(reason ?? summary, 500),
      requestedBy: by,
      requestedAt: at,
    },
  })
}

type Block = ReturnBlock

/** Orders as returns look at them, with the SKUs that the stock knows. */
function reader({ sql, eventLog }: Pick<AreaParts, "sql" | "eventLog">) {
  const [book, accounts, articles] = [new OrderBook(sql), new OrderAccounts(sql), new Articles(sql)]
  const orderOf = async (orderId: string): Promise<Order | undefined> => {
    // The log only takes orders that its catalogue's schema admitted.
    const order = (await book.find(orderId))?.document as Order | undefined
    if (!order) return undefined
    const skus = order.lines.map(({ sku }) => sku)
    return withArticles(order, (await articles.find(order.channel, skus)).mapped)
  }
  return { accounts, orderOf, sold: (orderId: string) => soldGoods({ accounts, eventLog, orderOf }, orderId) }
}

/** Takes in returns that tills ring up: of an order, of another receipt, or without a receipt. */
function takingsOf(parts: AreaParts): TillTakings {
  const [{ accounts, orderOf }, articles] = [reader(parts), new Articles(parts.sql)]
  const ours = (named: readonly { system: string; article: string }[]) => articles.ours(named)
  const { atTills } = (parts.policyOf("returns") ?? returnDefaults) as ReturnBlock
  const orders = tillReturns({ accounts, orderOf, eventLog: parts.eventLog, ours })
  return new TillTakings({
    ...sellingOf(parts),
    eventLog: parts.eventLog,
    ours,
    partsOf: (skus) => partsOf(parts.sql, skus),
    orders,
    ...(atTills ? { limits: tillLimits(parts, atTills) } : {}),
  })
}

/** A return that the list does not have yet: it was asked for a moment ago. */
async function requestedReturn(eventLog: AreaParts["eventLog"], returnId: string): Promise<ReturnView | undefined> {
  const facts = await eventLog.readKey(ref("return", returnId))
  const requested = facts.find(({ type }) => type === "return.requested")
  if (!requested) return undefined
  const { orderId, channel } = requested.data as EventData<"return.requested">
  return { returnId, orderId, ...(channel === undefined ? {} : { channel }), state: "requested" }
}

function viewsOf(parts: AreaParts, block: Block): Returns {
  const { sql, clock, eventLog } = parts
  const { sold } = reader(parts)
  return {
    list: (request) => listReturns(sql, request),
    find: async (returnId) => (await findReturn(sql, returnId)) ?? requestedReturn(eventLog, returnId),
    async read(returnId, language) {
      const found = await findReturn(sql, returnId)
      if (!found) return undefined
      const state = buyerState(found)
      const facts = await eventLog.readKey(ref("return", returnId))
      return {
        ...found,
        buyer: { state, words: wordsOf(language)[state] },
        facts: facts.map(({ type, data, time, source }) => ({ type, time, source, data })),
      }
    },
    async asked(returnId) {
      const facts = await eventLog.readKey(ref("return", returnId))
      return facts.find(({ type }) => type === "return.requested")?.data as EventData<"return.requested"> | undefined
    },
    async told(returnId, fact) {
      const facts = await eventLog.readKey(ref("return", returnId))
      return facts.find((one) => one.fact === fact)?.data as object | undefined
    },
    async check(orderId, lines) {
      const goods = await sold(orderId)
      if (!goods) return []
      const asked =
        lines ??
        goods.order.lines.map(({ id: lineId, quantity }) => ({
          lineId,
          quantity: { ...quantity, milli: own(goods.withBuyer, lineId) ?? 0 },
        }))
      return objections(goods, { lines: asked, at: instant(clock.now()) }, block)
    },
    words: (objections, language) =>
      objections.map((one) => ({
        code: one.code,
        text: objectionText(one),
        words: wordsOf(language)[one.code],
      })),
  }
}

/** Goods that come back: requested, received, given back and credited. */
export const returns = defineArea({
  name: "returns",
  policies: { schema: ReturnPolicyBlock, whenLeftOut: "defaults" },
  workflows: [handleReturn],
  policiesFor(block: Block | undefined, parts): ReturnPolicies {
    const { accounts, orderOf, sold } = reader(parts)
    const { timeZone, onClosedPeriod } = parts.policyOf("orders") as Pick<ReturnPolicies, "onClosedPeriod"> & {
      timeZone: string
    }
    return {
      ...(block ?? returnDefaults),
      onClosedPeriod,
      businessDay: businessDays(parts.estate, timeZone),
      soldGoods: sold,
      tendersLeft: (order) => tendersLeft(accounts, order),
      uncovered: async (orderId) => {
        const order = await orderOf(orderId)
        return order && uncovered(order)
      },
      hasLastGoods: (orderId, keys) => hasLastGoods(accounts, orderId, keys),
      shippingGiven: (orderId) => shippingGiven(parts.eventLog, orderId),
    }
  },
  finalStates: { return: ["closed", "declined", "cancelled"] },
  actions,
  intake: returnIntake,
  routes: ({ core, ...parts }, block: Block | undefined) =>
    returnRoutes({
      core,
      orders: { find: (id) => new OrderBook(parts.sql).find(id) },
      returns: viewsOf({ ...parts }, block ?? returnDefaults),
    }),
  subscribers: (parts) => [returnsKeeper, takingsOf(parts).subscriber()],
  upkeep: (parts) => takingsOf(parts).keep(),
})
