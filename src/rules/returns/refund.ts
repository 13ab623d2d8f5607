import { money, type Money } from "../../base/money.ts"
import type { EventData } from "../../canonical/events.ts"
import type { Order, OrderLine } from "../../canonical/order.ts"
import { taxMinor } from "../../canonical/order-invariants.ts"
import type { MoneyPair, RefundedLine } from "../../canonical/parts.ts"

/** Units of a line that are given back: thousandths, and how many of the line were given back before. */
export interface GivenUnits {
  lineId: string
  milli: number
  beforeMilli: number
}

/** What a retailer keeps of a refund, in the buyer's currency. */
export interface Fees {
  /** Per cent of the goods. */
  restockingPercent?: number
  /** Of the label, once for a return that is sent back. */
  labelMinor?: number
}

/** Shipping that was given back before, tax included, in minor units of both currencies. */
export interface ShippingGiven {
  shopMinor: number
  presentmentMinor: number
}

/** What is given back, or kept: signed, with its tax. */
export interface RefundLine {
  what: "goods" | "shipping" | "restocking fee" | "return label"
  lineId?: string
  milli?: number
  worth: MoneyPair
  tax: MoneyPair
}

/** What is due for goods that came back. */
export interface DueRefund {
  lines: readonly RefundLine[]
  amount: MoneyPair
}

/**
 * What is due for units that came back: the line as it was charged, net of its discounts, with its tax as charged. A part of a line is the
 * difference of two running totals, so all parts together are the line to the cent, in both currencies. Fees are lines of their own and
 * never more than the goods are worth. With `shipping`, what the buyer paid for it comes back too, as far as it was not given back before.
 */
export function dueRefund(
  order: Order,
  units: readonly GivenUnits[],
  { fees, shipping: given }: { fees: Fees; shipping: ShippingGiven | undefined },
): DueRefund {
  const goods = units.flatMap((given): RefundLine[] => {
    const line = order.lines.find(({ id }) => id === given.lineId)
    return line && given.milli > 0 ? [goodsLine(line, given)] : []
  })
  const shipping = given ? shippingLines(order, given) : []
  const lines = [...goods, ...shipping]
  const kept = feeLines(order, sum(goods), fees)
  const all = [...lines, ...kept]
  return { lines: all, amount: sum(all, order.currency) }
}

function goodsLine(line: OrderLine, { lineId, milli, beforeMilli }: GivenUnits): RefundLine {
  const part = (amountMinor: number) =>
    runningShare(amountMinor, beforeMilli + milli, line.quantity.milli) -
    runningShare(amountMinor, beforeMilli, line.quantity.milli)
  const { shop, presentment } = line.total
  const pair = (shopMinor: number, presentmentMinor: number): MoneyPair => ({
    shop: money(part(shopMinor), shop.currency),
    presentment: money(part(presentmentMinor), presentment.currency),
  })
  return {
    what: "goods",
    lineId,
    milli,
    worth: pair(shop.amountMinor, presentment.amountMinor),
    tax: pair(taxMinor(line, "shop"), taxMinor(line, "presentment")),
  }
}

function shippingLines({ charges }: Order, given: ShippingGiven): RefundLine[] {
  let [shopLeft, presentmentLeft] = [given.shopMinor, given.presentmentMinor]
  return charges
    .filter(({ kind }) => kind === "shipping")
    .flatMap((charge): RefundLine[] => {
      const { shop, presentment } = charge.total
      const [shopMinor, presentmentMinor] = [
        Math.max(0, shop.amountMinor - shopLeft),
        Math.max(0, presentment.amountMinor - presentmentLeft),
      ]
      shopLeft -= shop.amountMinor - shopMinor
      presentmentLeft -= presentment.amountMinor - presentmentMinor
      if (shopMinor === 0 || presentmentMinor === 0) return []
      return [
        {
          what: "shipping",
          worth: { shop: money(shopMinor, shop.currency), presentment: money(presentmentMinor, presentment.currency) },
          tax: {
            shop: money(share(taxMinor(charge, "shop"), shopMinor, shop.amountMinor), shop.currency),
            presentment: money(
              share(taxMinor(charge, "presentment"), presentmentMinor, presentment.amountMinor),
              presentment.currency,
            ),
          },
        },
      ]
    })
}

function feeLines({ currency }: Order, goods: MoneyPair | undefined, fees: Fees): RefundLine[] {
  if (!goods) return []
  const worth = goods.presentment.amountMinor
  const restocking = Math.min(worth, share(worth, Math.round((fees.restockingPercent ?? 0) * 100), 10_000))
  const label = Math.min(worth - restocking, fees.labelMinor ?? 0)
  const zero = { shop: money(0, currency.shop), presentment: money(0, currency.presentment) }
  const fee = (what: RefundLine["what"], minor: number): RefundLine[] =>
    minor <= 0
      ? []
      : [
          {
            what,
            worth: {
              shop: money(-share(goods.shop.amountMinor, minor, worth), currency.shop),
              presentment: money(-minor, currency.presentment),
            },
            tax: zero,
          },
        ]
  return [...fee("restocking fee", restocking), ...fee("return label", label)]
}

function sum(lines: readonly RefundLine[]): MoneyPair | undefined
function sum(lines: readonly RefundLine[], currency: Order["currency"]): MoneyPair
function sum(lines: readonly RefundLine[], currency?: Order["currency"]): MoneyPair | undefined {
  const [first] = lines
  const of = currency ?? (first && { shop: first.worth.shop.currency, presentment: first.worth.presentment.currency })
  if (!of) return undefined
  const total = (side: "shop" | "presentment"): Money =>
    money(
      lines.reduce((minor, { worth }) => minor + worth[side].amountMinor, 0),
      of[side],
    )
  return { shop: total("shop"), presentment: total("presentment") }
}

/** Floor of amount × part ÷ whole, exactly; no part is more than the whole. */
function runningShare(amountMinor: number, part: number, whole: number): number {
  return share(amountMinor, Math.min(part, whole), whole)
}

function share(amountMinor: number, part: number, whole: number): number {
  return whole === 0 ? 0 : Number((BigInt(amountMinor) * BigInt(part)) / BigInt(whole))
}

/** Money that went back for a return, by the tender it counts against. `asCredit`: the buyer has it as store credit. */
export interface PaidBack {
  tenderId: string
  amount: Money
  asCredit?: boolean
}

/**
 * A refund of ours in the words of one that a channel made, so that the books are told of both in one way. What was due and not paid is
 * owed to the buyer.
 */
export function refundFor(
  { lines, amount: due }: DueRefund,
  { refundId, at, paid }: { refundId: string; at: string; paid: readonly PaidBack[] },
): EventData<"order.refunded"> {
  const paidMinor = paid.reduce((total, { amount }) => total + amount.amountMinor, 0)
  const isWhole = paidMinor === due.presentment.amountMinor
  const amount = isWhole
    ? due
    : {
        shop: money(share(due.shop.amountMinor, paidMinor, due.presentment.amountMinor), due.shop.currency),
        presentment: money(paidMinor, due.presentment.currency),
      }
  return {
    refundId,
    amount,
    ...(isWhole ? {} : { worth: due }),
    at,
    ...named(lines),
    ...(paid.length > 0 ? { payments: [...paid] } : {}),
  }
}

function named(
  lines: readonly RefundLine[],
): Pick<EventData<"order.refunded">, "lines" | "charges"> & { orderId: string } {
  const goods = lines.flatMap(({ lineId, milli, worth, tax }): RefundedLine[] =>
    lineId === undefined || milli === undefined
      ? []
      : [{ lineId, quantity: { milli, unit: "" }, left: true, worth, tax }],
  )
  const charges = lines.flatMap(({ what, worth, tax }) => (what === "shipping" ? [{ kind: what, worth, tax }] : []))
  return { orderId: "", lines: goods, charges }
}
