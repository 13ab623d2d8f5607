import { AppError } from "../../../base/errors.ts"
import { money, sumMoney, type Money } from "../../../base/money.ts"
import type { Payment, RefundsPayments } from "../../../ports/capabilities/payments.ts"
import type { FoundDocument, LinksOf } from "../../../ports/write.ts"
import { gid, type UpdateOptions } from "../client.ts"
import { readRefunds } from "../graph/refunds.ts"
import type { Reader } from "../orders/reader.ts"

/** A refund of the order that somebody linked, by its number in the shop. Its note carries the key of the step that made it. */
export function refundLinks({ client, system }: UpdateOptions): LinksOf<RefundsPayments["refund"]> {
  const given = (id: string, { paymentId, amount }: { paymentId: string; amount: Money }): Payment => {
    return { paymentId, amount, state: "refunded", reference: { system, type: "refund", id } }
  }
  return {
    document: "refund",
    asks: ({ amount, inChannel }) => ({
      worth: amount,
      ...(inChannel === undefined ? {} : { of: paymentName(inChannel.tenderId) }),
    }),
    async read({ number, order, key }, call) {
      const id = numberOf(number)
      const data = await client.read({ document: readRefunds, variables: { id: gid("Order", order.externalId) }, call })
      if (!data.has("order")) throw new AppError("VENDOR_REJECTED", `the shop has no order ${order.externalId}`)
      const refund = data
        .object("order")
        .list("refunds")
        .find((one) => one.id("id") === id)
      if (refund === undefined) return undefined
      return found(refund, { key, given: (paid) => given(id, paid) })
    },
    named(typed, { worth, of }) {
      if (worth === undefined) throw new AppError("VENDOR_REJECTED", "the amount that was asked is not known")
      return given(numberOf(typed), { paymentId: of?.slice(paymentName("").length) ?? "", amount: worth })
    },
  }
}

type Paid = { paymentId: string; amount: Money }

function found(
  refund: Reader,
  { key, given }: { key: string; given: (paid: Paid) => Payment },
): FoundDocument<Payment> {
  const parts = refund
    .nodes("transactions")
    .filter((one) => one.text("kind") === "REFUND")
    .map((one) => ({
      status: one.text("status"),
      amount: one.pair("amountSet").presentment,
      of: one.optionalObject("parentTransaction")?.id("id"),
    }))
  // `Crossdock refund {what for} ({key})`; whatever else is a remark of somebody.
  const mark = /^Crossdock refund .*\(([^()]+)\)$/.exec(refund.optionalText("note") ?? "")?.[1] ?? ""
  refund.settleAnswer("the refund")
  const paid = parts.filter(({ status }) => status === "SUCCESS")
  const [first] = paid
  const isOneCurrency = paid.every(({ amount }) => amount.currency === first?.amount.currency)
  const amounts = paid.map(({ amount }) => amount)
  // "XXX" is ISO 4217 for no currency: what paid nothing back cannot be the outcome anyhow.
  const total = first && isOneCurrency ? sumMoney(amounts, first.amount.currency) : money(0, "XXX")
  const payments = [...new Set(paid.flatMap(({ of }) => (of === undefined ? [] : [of])))].sort()
  const isOthers = mark !== "" && mark !== key
  const why = isOthers
    ? `it carries ${mark}, the reference of another step`
    : (whyNot(parts) ?? (isOneCurrency ? undefined : "it paid back in several currencies"))
  return {
    output: given({ paymentId: payments[0] ?? "", amount: total }),
    reference: mark,
    ...(first && isOneCurrency ? { total } : {}),
    ...(payments.length === 0 ? {} : { of: payments.map(paymentName).join(" and ") }),
    state: paid.length === parts.length ? "paid back" : "not paid back",
    ...(why === undefined ? {} : { cannotBe: why }),
  }
}

/** OrderTransactionStatus, Admin API 2026-10. What is on its way may still fail, and the shop tells how it ends. */
function whyNot(parts: readonly { status: string }[]): string | undefined {
  const open = parts.filter(({ status }) => status !== "SUCCESS")
  if (open.length > 0) return `its payment is ${open.map(({ status }) => status.toLowerCase()).join(" and ")}`
  return parts.length === 0 ? "it paid nothing back" : undefined
}

const paymentName = (id: string) => `payment ${id}`

// People copy the whole id, or the number at its end.
const numberOf = (typed: string) => typed.trim().replace(/^gid:\/\/shopify\/Refund\//, "")
