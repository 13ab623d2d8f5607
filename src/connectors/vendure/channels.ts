import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import type { CancelsChannelOrders, ChannelUpdate, RefundsChannelOrders } from "../../ports/capabilities/channels.ts"
import { reference, type Call } from "../../ports/write.ts"
import { toShop, type ShopAmounts } from "./orders/amounts.ts"
import type { VendureOrder, VendurePayment } from "./payloads.ts"
import type { UpdateOptions } from "./confirms-fulfilment.ts"

type Options = UpdateOptions & { settledByUs: readonly string[]; amounts: ShopAmounts }

const cancel = `mutation ($i: CancelOrderInput!) { answer: cancelOrder(input: $i) {
  __typename ... on Order { id state } ... on ErrorResult { errorCode message } } }`
const refund = `mutation ($i: RefundOrderInput!) { answer: refundOrder(input: $i) {
  __typename ... on Refund { id state total } ... on ErrorResult { errorCode message } } }`
const settle = `mutation ($i: SettleRefundInput!) { answer: settleRefund(input: $i) {
  __typename ... on Refund { id state } ... on ErrorResult { errorCode message } } }`

/** Every cancellation and refund has our key in its reason, where a repeat finds it. */
export function cancelsChannelOrders(options: Options): CancelsChannelOrders {
  return { cancelOrder: cancelOrderOf(options) }
}

export function refundsChannelOrders(options: Options): RefundsChannelOrders {
  return { refundOrder: refundOrderOf(options) }
}

/**
 * Cancelling alone refunds nothing, so it takes two documents: the cancelled order, then a refund of whatever its
 * payments still hold. Done means both. The shop would also cancel a delivered order, so its state is checked first.
 */
function cancelOrderOf(options: Options): CancelsChannelOrders["cancelOrder"] {
  const { client, system } = options
  const ended = (order: VendureOrder, isRefundWanted: boolean): ChannelUpdate | undefined => {
    const isDone = order.state === "Cancelled" && !(isRefundWanted && isMoneyLeft(order, options))
    return isDone ? { channelId: order.id, reference: reference(system, "order", order.id) } : undefined
  }
  return {
    probe: async (input, call) => ended(await client.order(input.order.externalId, call), input.refund),
    async send(input, call) {
      const id = input.order.externalId
      const reason = reasonOf(input.reason, call.key)
      const before = await client.order(id, call)
      if (/Shipped|Delivered/.test(before.state))
        throw new AppError("VENDOR_REJECTED", `order ${before.code} is ${before.state} in the shop`)
      let refusal: string | undefined
      if (before.state !== "Cancelled")
        refusal = (
          await client.write({ query: cancel, variables: { i: { orderId: id, cancelShipping: true, reason } }, call })
        ).refusal
      const cancelled = await client.order(id, call)
      if (cancelled.state !== "Cancelled")
        throw new AppError("VENDOR_REJECTED", refusal ?? `order ${cancelled.code} stayed ${cancelled.state}`)
      if (input.refund)
        for (const payment of cancelled.payments) {
          const amountMinor = heldMinor(payment)
          if (amountMinor > 0) await giveBack(options, { paymentId: payment.id, amountMinor, reason, call })
        }
      const after = await settleOurs(options, id, call)
      const update = ended(after, input.refund)
      if (update) return update
      throw new AppError("VENDOR_UNCERTAIN", `order ${after.code}: its payments still hold money after the refund`)
    },
  }
}

/** The amount of a payment that is not refunded. */
function heldMinor(payment: VendurePayment): number {
  if (payment.state !== "Settled") return 0
  const givenMinor = payment.refunds
    .filter(({ state }) => state !== "Failed")
    .reduce((sum, { total }) => sum + total, 0)
  return payment.amount - givenMinor
}

function isMoneyLeft(order: VendureOrder, { settledByUs }: Options): boolean {
  return order.payments.some(
    (payment) =>
      heldMinor(payment) > 0 ||
      (settledByUs.includes(payment.method) && payment.refunds.some(({ state }) => state === "Pending")),
  )
}

async function giveBack(
  { client }: Options,
  part: {
    paymentId: string
    amountMinor: number
    reason: string
    lines?: { orderLineId: string; quantity: number }[]
    call: Call
  },
): Promise<void> {
  const { paymentId, amountMinor, reason, lines = [], call } = part
  const input = { paymentId, amount: amountMinor, lines, shipping: 0, adjustment: 0, reason }
  const { refusal } = await client.write({ query: refund, variables: { i: input }, call })
  if (refusal !== undefined) throw new AppError("VENDOR_REJECTED", refusal)
}

/** Settles refunds with our key where the payment method leaves that to people; returns the order afterwards. */
async function settleOurs(options: Options, orderId: string, call: Call): Promise<VendureOrder> {
  const { client, settledByUs } = options
  const order = await client.order(orderId, call)
  const open = order.payments
    .filter(({ method }) => settledByUs.includes(method))
    .flatMap(({ refunds }) => refunds.filter((one) => one.state === "Pending" && isOurs(one.reason, call.key)))
  for (const { id } of open)
    await client.write({ query: settle, variables: { i: { id, transactionId: call.key } }, call })
  return open.length === 0 ? order : client.order(orderId, call)
}

const reasonOf = (reason: string, key: string) => `${cut(reason, 200)} (${key})`

const isOurs = (reason: string | null, key: string) => reason?.endsWith(`(${key})`) === true

/** The shop has no field for our key. A refund is recognised by its reason, which carries the key, and is not sent again. */
function refundOrderOf(options: Options): RefundsChannelOrders["refundOrder"] {
  const { client, system, amounts } = options
  const ours = (order: VendureOrder, key: string) =>
    order.payments.flatMap(({ refunds }) =>
      refunds.filter(({ reason, state }) => isOurs(reason, key) && state !== "Failed"),
    )
  const answer = (id: string): ChannelUpdate => ({ channelId: id, reference: reference(system, "refund", id) })
  const complete = (order: VendureOrder, key: string, amountMinor: number): ChannelUpdate | undefined => {
    const found = ours(order, key)
    const givenMinor = found.reduce((sum, { total }) => sum + total, 0)
    if (givenMinor > amountMinor)
      throw new AppError("VENDOR_MISBEHAVED", `refunds of ${givenMinor} carry the key ${key} of one of ${amountMinor}`)
    return found[0] && givenMinor === amountMinor ? answer(found[0].id) : undefined
  }
  return {
    probe: async ({ order, amount }, call) =>
      complete(await client.order(order.externalId, call), call.key, toShop(amount.presentment, amounts)),
    async send({ order, amount, lines, refundId }, call) {
      const shop = await client.order(order.externalId, call)
      const wholeMinor = toShop(amount.presentment, amounts)
      let leftMinor = wholeMinor - ours(shop, call.key).reduce((sum, { total }) => sum + total, 0)
      const heldAllMinor = shop.payments.reduce((sum, payment) => sum + heldMinor(payment), 0)
      if (heldAllMinor < leftMinor)
        throw new AppError("VENDOR_REJECTED", `the payments hold ${heldAllMinor}, the refund needs ${leftMinor}`)
      for (const payment of shop.payments) {
        const amountMinor = Math.min(leftMinor, heldMinor(payment))
        if (amountMinor <= 0) continue
        await giveBack(options, {
          paymentId: payment.id,
          amountMinor,
          reason: reasonOf(`refund ${refundId}`, call.key),
          lines: lines.map(({ lineId, quantity }) => ({ orderLineId: lineId, quantity: quantity.milli / 1000 })),
          call,
        })
        leftMinor -= amountMinor
      }
      const update = complete(await settleOurs(options, shop.id, call), call.key, wholeMinor)
      if (update) return update
      throw new AppError("VENDOR_UNCERTAIN", `order ${shop.code}: the refund is not there yet`)
    },
  }
}
