import type { LineItem, Money, Order, PaymentRefund } from "./records.ts"
import type { Ids } from "./register.ts"
import { halfEven } from "./register.ts"

/** A refund of an order: either some pieces of its lines, each line by its index, or an amount. */
export type GiveBack = {
  orderId: string
  lines?: { line: number; quantity: number }[]
  amount?: number
  /** Where the money goes; default: to where it came from. */
  destination?: string
  status?: string
  at?: string
}

/**
 * The order that a refund makes. Itemised it has the lines that came back, with their parts of taxes and discounts; an amount is one line of
 * CUSTOM_AMOUNT (docs/orders-api/order-returns-exchanges). Its `total_money` is absent, and `return_amounts` positive.
 */
export function giveBack(
  sold: Order,
  wanted: GiveBack,
  { nextId, sourceType }: { nextId: Ids; sourceType: string },
): { order: Order; refund: PaymentRefund } {
  const currency = sold.total_money?.currency ?? "EUR"
  const money = (amount: number): Money => ({ amount, currency })
  const at = wanted.at ?? new Date().toISOString()
  const [tender] = sold.tenders ?? []
  if (!tender) throw new Error("nothing was paid for this order")
  const lines = wanted.lines
    ? wanted.lines.map(({ line, quantity }) => itemBack(sold.line_items?.[line], { quantity, money, nextId }))
    : [amountBack(wanted.amount ?? 0, { money, nextId })]
  const sum = (name: "total_money" | "total_tax_money" | "total_discount_money") =>
    lines.reduce((all, one) => all + one[name].amount, 0)
  const total = sum("total_money")
  const id = nextId(27)
  const refundId = `${tender.payment_id}_${nextId(40)}`
  const amounts = {
    total_money: money(total),
    tax_money: money(sum("total_tax_money")),
    discount_money: money(sum("total_discount_money")),
    tip_money: money(0),
    service_charge_money: money(0),
  }
  const status = wanted.status ?? "COMPLETED"
  const order = orderBack(sold, { id, refundId, lines, amounts, status, at, tenderId: tender.id, nextId })
  const refund: PaymentRefund = {
    id: refundId,
    order_id: id,
    payment_id: tender.payment_id,
    location_id: sold.location_id,
    status,
    amount_money: money(total),
    destination_type: wanted.destination ?? sourceType,
    created_at: at,
    updated_at: at,
  }
  return { order, refund }
}

interface Back {
  id: string
  refundId: string
  tenderId: string
  lines: ReturnLine[]
  amounts: Record<string, Money>
  status: string
  at: string
  nextId: Ids
}

function orderBack(sold: Order, { id, refundId, tenderId, lines, amounts, status, at, nextId }: Back): Order {
  const negative = ({ amount, currency }: Money): Money => ({ amount: -amount, currency })
  const uids = <Of extends { uid: string }>(of: readonly Of[] | undefined, source: string) =>
    (of ?? []).map((one) => ({ ...one, [source]: one.uid }))
  return {
    id,
    location_id: sold.location_id,
    source: sold.source,
    returns: [
      {
        uid: nextId(22),
        source_order_id: sold.id,
        return_line_items: lines,
        return_taxes: uids(sold.taxes, "source_tax_uid"),
        return_discounts: uids(sold.discounts as { uid: string }[] | undefined, "source_discount_uid"),
        return_amounts: amounts,
      },
    ],
    return_amounts: amounts,
    net_amounts: Object.fromEntries(
      Object.entries(amounts).map(([name, { amount, currency }]) => [name, negative({ amount, currency })]),
    ),
    refunds: [
      {
        id: refundId,
        location_id: sold.location_id,
        transaction_id: sold.id,
        tender_id: tenderId,
        created_at: at,
        reason: "Returned goods",
        amount_money: amounts["total_money"] ?? { amount: 0, currency: "" },
        status: orderStatus(status),
      },
    ],
    created_at: at,
    updated_at: at,
    closed_at: at,
    state: "COMPLETED",
  }
}

/** RefundStatus, of an order's refunds, for the status of a PaymentRefund. */
export const orderStatus = (status: string) => (status === "COMPLETED" ? "APPROVED" : status)

type ReturnLine = Omit<LineItem, "gross_sales_money" | "modifiers"> & Record<string, unknown>
type Making = { money: (amount: number) => Money; nextId: Ids }

function itemBack(sold: LineItem | undefined, { quantity, money, nextId }: Making & { quantity: number }): ReturnLine {
  if (!sold) throw new Error("the order has no such line")
  const { modifiers = [], gross_sales_money: _gross, uid, ...line } = sold
  const part = (amount: number) => halfEven((amount * quantity) / Number(sold.quantity))
  const applied = <Of extends { applied_money: Money }>(of: readonly Of[]) =>
    of.map((one) => ({ ...one, applied_money: money(part(one.applied_money.amount)) }))
  return {
    ...line,
    uid: nextId(22),
    source_line_item_uid: uid,
    quantity: String(quantity),
    return_modifiers: modifiers.map((one) => ({
      ...one,
      source_modifier_uid: one.uid,
      total_price_money: money(part(one.total_price_money.amount)),
    })),
    applied_taxes: applied(sold.applied_taxes ?? []),
    applied_discounts: applied(sold.applied_discounts ?? []),
    variation_total_price_money: money(part(sold.variation_total_price_money.amount)),
    gross_return_money: money(part(sold.gross_sales_money.amount)),
    total_tax_money: money(part(sold.total_tax_money.amount)),
    total_discount_money: money(part(sold.total_discount_money.amount)),
    total_money: money(part(sold.total_money.amount)),
  }
}

function amountBack(amount: number, { money, nextId }: Making): ReturnLine {
  return {
    uid: nextId(22),
    name: "Custom Amount",
    quantity: "1",
    item_type: "CUSTOM_AMOUNT",
    base_price_money: money(amount),
    variation_total_price_money: money(amount),
    gross_return_money: money(amount),
    total_tax_money: money(0),
    total_discount_money: money(0),
    total_service_charge_money: money(0),
    total_money: money(amount),
  }
}
