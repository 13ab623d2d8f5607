import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { moneyToDecimal, type Money } from "../../base/money.ts"
import { sleep } from "../../base/time.ts"
import type {
  CancelsChannelOrders,
  ChannelUpdate,
  ReadsHolds,
  RefundsChannelOrders,
} from "../../ports/capabilities/channels.ts"
import type { Payment, PaymentAt, RefundsPayments } from "../../ports/capabilities/payments.ts"
import type { LineQuantity } from "../../canonical/parts.ts"
import type { Call } from "../../ports/write.ts"
import { gid, throwForUserErrors, type UpdateOptions } from "./client.ts"
import { refundLinks } from "./links/refund.ts"
import { readHolds } from "./fulfilment/open-work.ts"
import { cancelOrder, createRefund, readCancellation, readOrder } from "./graph/operations.ts"
import type { Reader } from "./orders/reader.ts"

export function cancelsChannelOrders(options: UpdateOptions): CancelsChannelOrders {
  return { cancelOrder: cancelOrderOf(options) }
}

export function refundsChannelOrders(options: UpdateOptions): RefundsChannelOrders {
  return { refundOrder: refundOrderOf(options) }
}

export function readsHolds(options: UpdateOptions): ReadsHolds {
  return { readHolds: ({ order }, call) => readHolds(order.externalId, { ...options, call }) }
}

async function orderNow(externalId: string, call: Omit<Call, "key">, { client }: UpdateOptions): Promise<Reader> {
  const data = await client.read({ document: readOrder, variables: { id: gid("Order", externalId) }, call })
  if (!data.has("order")) throw new AppError("VENDOR_REJECTED", `the shop has no order ${externalId}`)
  return data.object("order")
}

// OrderCancelReason, Admin API 2026-10. Our reasons are sentences; their topic chooses the shop's value.
const reasonWords = [
  [/fraud/i, "FRAUD"],
  [/stock|inventory|short/i, "INVENTORY"],
  [/declin|payment/i, "DECLINED"],
  [/customer|buyer/i, "CUSTOMER"],
  [/staff/i, "STAFF"],
] as const

// `orderCancel` returns a job. We wait this long for its end, then leave it to the probe.
const jobChecksMs = [50, 100, 200, 400, 800, 1_500, 2_000]

function cancelOrderOf(options: UpdateOptions): CancelsChannelOrders["cancelOrder"] {
  const cancelled = async (externalId: string, call: Omit<Call, "key">): Promise<ChannelUpdate | undefined> => {
    const order = await orderNow(externalId, call, options)
    if (!order.has("cancelledAt")) return undefined
    return { channelId: externalId, reference: { system: options.system, type: "order", id: externalId } }
  }
  return {
    settleMs: 10_000,
    probe: ({ order }, call) => cancelled(order.externalId, call),
    async send({ order, reason, refund }, call) {
      const before = await cancelled(order.externalId, call)
      if (before) return before
      const word = reasonWords.find(([pattern]) => pattern.test(reason))?.[1] ?? "OTHER"
      const data = await options.client.write({
        document: cancelOrder,
        variables: {
          orderId: gid("Order", order.externalId),
          reason: word,
          refund: { originalPaymentMethodsRefund: refund },
          note: cut(`${reason} (${call.key})`, 255),
        },
        call,
      })
      try {
        throwForUserErrors(data.object("orderCancel"), "orderCancelUserErrors")
      } catch (refusal) {
        // If another user cancelled it a moment ago, there is nothing to refuse.
        const meanwhile = await cancelled(order.externalId, call)
        if (meanwhile) return meanwhile
        throw refusal
      }
      const job = data.object("orderCancel").optionalObject("jobResult")?.text("id")
      for (const waitMs of jobChecksMs) {
        // Read before the order, so that a job that failed because somebody else cancelled it is no refusal.
        const refusal = job === undefined ? undefined : await refusalOf(job, { ...options, call })
        const after = await cancelled(order.externalId, call)
        if (after) return after
        if (refusal) throw refusal
        await sleep(waitMs, call.signal)
      }
      throw new AppError("VENDOR_UNCERTAIN", `order ${order.number}: the shop's cancellation job has not ended yet`)
    },
  }
}

/** Why a job failed although it was accepted: a fulfilment, a return or a pending authorisation came between. */
async function refusalOf(
  job: string,
  { client, call }: UpdateOptions & { call: Omit<Call, "key"> },
): Promise<AppError | undefined> {
  const data = await client.read({ document: readCancellation, variables: { id: job }, call })
  const result = data.optionalObject("node")
  if (result?.optionalText("status") !== "FAILED") return undefined
  const words = result.list("errors").map((error) => error.optionalText("message") ?? "")
  return new AppError("VENDOR_REJECTED", words.join("; ") || "the shop's cancellation failed and does not say why")
}

function refundOrderOf(options: UpdateOptions): RefundsChannelOrders["refundOrder"] {
  const answer = (id: string): ChannelUpdate => {
    return { channelId: id, reference: { system: options.system, type: "refund", id } }
  }
  return {
    async probe({ order }, call) {
      const id = refundOf(await orderNow(order.externalId, call, options), call.key)
      return id === undefined ? undefined : answer(id)
    },
    async send({ order, amount, lines, refundId }, call) {
      const { presentment } = amount
      const { externalId } = order
      return answer(await refundOnce({ externalId, refundId, lines, amount: presentment }, call, options))
    },
  }
}

/** Gives back money of a payment that the shop itself holds: of its captures, or of the sale that it is. */
export function refundsPayments(options: UpdateOptions): RefundsPayments {
  const given = (at: PaymentAt & { amount: Money }, id: string): Payment => {
    const reference = { system: options.system, type: "refund", id }
    return { paymentId: at.paymentId, amount: at.amount, state: "refunded", reference }
  }
  return {
    refund: {
      links: refundLinks(options),
      async probe(at, call) {
        const id = refundOf(await orderNow(demandInChannel(at).orderId, call, options), call.key)
        return id === undefined ? undefined : given(at, id)
      },
      async send(at, call) {
        const { orderId: externalId, tenderId } = demandInChannel(at)
        const what = {
          externalId,
          refundId: at.orderId,
          lines: [],
          amount: at.amount,
          of: gid("OrderTransaction", tenderId),
        }
        return given(at, await refundOnce(what, call, options))
      },
    },
  }
}

function demandInChannel({ inChannel }: PaymentAt): NonNullable<PaymentAt["inChannel"]> {
  if (inChannel === undefined)
    throw new AppError("VENDOR_REJECTED", "the shop's own number of the payment is not known")
  return inChannel
}

/** The refund that carries a key in its note; undefined when there is none. */
function refundOf(shop: Reader, key: string): string | undefined {
  const marked = shop.list("refunds").filter((refund) => refund.optionalText("note")?.includes(`(${key})`))
  const found = marked.map((refund) => refund.id("id"))
  shop.settleAnswer("the order's refunds")
  if (found.length > 1)
    throw new AppError("VENDOR_MISBEHAVED", `refunds ${found.join(" and ")} both carry the key ${key}`)
  return found[0]
}

interface Wanted {
  externalId: string
  /** What it is for, in the note. */
  refundId: string
  lines: readonly LineQuantity[]
  amount: Money
  /** Only of this payment; otherwise of whichever holds money. */
  of?: string
}

/** Makes a refund, or finds the one that was made with this key; its number. */
async function refundOnce(
  { externalId, refundId, lines, amount, of }: Wanted,
  call: Call,
  options: UpdateOptions,
): Promise<string> {
  const shop = await orderNow(externalId, call, options)
  // After a refund the payments hold less, so a repeat would send other amounts under the same key and be refused.
  const before = refundOf(shop, call.key)
  if (before !== undefined) return before
  const orderId = gid("Order", externalId)
  const transactions = payBack(shop, amount, of).map((part) => ({ ...part, kind: "REFUND", orderId }))
  const input = {
    orderId,
    currency: amount.currency,
    note: `Crossdock refund ${refundId} (${call.key})`,
    // Crossdock owns stock levels; the shop must not add units by itself.
    refundLineItems: lines.map((line) => ({
      lineItemId: gid("LineItem", line.lineId),
      quantity: line.quantity.milli / 1000,
      restockType: "NO_RESTOCK",
    })),
    transactions,
  }
  const data = await options.client.write({ document: createRefund, variables: { key: call.key, input }, call })
  const payload = data.object("refundCreate")
  throwForUserErrors(payload)
  return payload.object("refund").id("id")
}

/** Splits a refund over the payments that still hold money, oldest first. VENDOR_REJECTED when they hold too little. */
function payBack(
  order: Reader,
  amount: { amountMinor: number; currency: string },
  of?: string,
): { amount: string; gateway: string; parentId: string }[] {
  const held = new Map<string, { gateway: string; leftMinor: number }>()
  for (const transaction of order.list("transactions")) {
    if (transaction.text("status") !== "SUCCESS") continue
    const kind = transaction.text("kind")
    const { amountMinor } = transaction.pair("amountSet").presentment
    const parent = transaction.optionalObject("parentTransaction")?.text("id")
    const isMeant = of === undefined || of === transaction.text("id") || of === parent
    if (isMeant && (kind === "SALE" || kind === "CAPTURE"))
      held.set(transaction.text("id"), { gateway: transaction.text("gateway"), leftMinor: amountMinor })
    const payment = kind === "REFUND" && parent !== undefined ? held.get(parent) : undefined
    if (payment) payment.leftMinor -= amountMinor
  }
  order.settleAnswer("the order's payments")
  let wantedMinor = amount.amountMinor
  const parts: { amount: string; gateway: string; parentId: string }[] = []
  for (const [parentId, { gateway, leftMinor }] of held) {
    const partMinor = Math.min(wantedMinor, leftMinor)
    if (partMinor <= 0) continue
    wantedMinor -= partMinor
    parts.push({ amount: moneyToDecimal({ amountMinor: partMinor, currency: amount.currency }), gateway, parentId })
  }
  if (wantedMinor > 0)
    throw new AppError("VENDOR_REJECTED", `the order's payments are ${wantedMinor} minor units short of the refund`)
  return parts
}
