import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { moneyToDecimal } from "../../base/money.ts"
import { sleep } from "../../base/time.ts"
import type {
  CancelsChannelOrders,
  ChannelUpdate,
  ReadsHolds,
  RefundsChannelOrders,
} from "../../ports/capabilities/channels.ts"
import type { Call } from "../../ports/write.ts"
import { gid, throwForUserErrors, type UpdateOptions } from "./client.ts"
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
  const { client, system } = options
  const answer = (id: string): ChannelUpdate => ({ channelId: id, reference: { system, type: "refund", id } })
  const earlier = (shop: Reader, key: string): ChannelUpdate | undefined => {
    const marked = shop.list("refunds").filter((refund) => refund.optionalText("note")?.includes(`(${key})`))
    const found = marked.map((refund) => refund.id("id"))
    shop.settleAnswer("the order's refunds")
    if (found.length > 1)
      throw new AppError("VENDOR_MISBEHAVED", `refunds ${found.join(" and ")} both carry the key ${key}`)
    return found[0] === undefined ? undefined : answer(found[0])
  }
  return {
    async probe({ order }, call) {
      return earlier(await orderNow(order.externalId, call, options), call.key)
    },
    async send(input, call) {
      const { order, amount, lines, refundId } = input
      const shop = await orderNow(order.externalId, call, options)
      // After a refund the payments hold less, so a repeat would send other amounts under the same key and be refused.
      const before = earlier(shop, call.key)
      if (before) return before
      const orderGid = gid("Order", order.externalId)
      const data = await client.write({
        document: createRefund,
        variables: {
          key: call.key,
          input: {
            orderId: orderGid,
            currency: order.currency.presentment,
            note: `Crossdock refund ${refundId} (${call.key})`,
            // Crossdock owns stock levels; the shop must not add units by itself.
            refundLineItems: lines.map((line) => ({
              lineItemId: gid("LineItem", line.lineId),
              quantity: line.quantity.milli / 1000,
              restockType: "NO_RESTOCK",
            })),
            transactions: payBack(shop, amount.presentment).map((part) => ({
              ...part,
              kind: "REFUND",
              orderId: orderGid,
            })),
          },
        },
        call,
      })
      const payload = data.object("refundCreate")
      throwForUserErrors(payload)
      return answer(payload.object("refund").id("id"))
    },
  }
}

/** Splits a refund over the payments that still hold money, oldest first. VENDOR_REJECTED when they hold too little. */
function payBack(
  order: Reader,
  amount: { amountMinor: number; currency: string },
): { amount: string; gateway: string; parentId: string }[] {
  const held = new Map<string, { gateway: string; leftMinor: number }>()
  for (const transaction of order.list("transactions")) {
    if (transaction.text("status") !== "SUCCESS") continue
    const kind = transaction.text("kind")
    const { amountMinor } = transaction.pair("amountSet").presentment
    if (kind === "SALE" || kind === "CAPTURE")
      held.set(transaction.text("id"), { gateway: transaction.text("gateway"), leftMinor: amountMinor })
    const parent = transaction.optionalObject("parentTransaction")?.text("id")
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
