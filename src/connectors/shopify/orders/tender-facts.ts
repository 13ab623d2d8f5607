import { money } from "../../../base/money.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { Tender } from "../../../canonical/order.ts"
import type { MoneyPair } from "../../../canonical/parts.ts"
import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import type { OddPart } from "../../../protocols/odd-parts.ts"
import type { SnapshotTransaction } from "../payloads.ts"

// Gateway names that occur in `payment_gateway_names`. Shopify's manual methods are written as people read them, "Cash on Delivery
// (COD)": case and punctuation do not count. A shop's own gateways go into its connection's `gateways`.
const tenderKinds: Readonly<Record<string, Tender["kind"]>> = {
  shopify_payments: "card",
  stripe: "card",
  adyen: "card",
  mollie: "card",
  braintree: "card",
  authorize_net: "card",
  worldpay: "card",
  bogus: "card",
  gift_card: "giftCard",
  shopify_store_credit: "giftCard",
  cash: "cash",
  paypal: "wallet",
  apple_pay: "wallet",
  google_pay: "wallet",
  amazon_payments: "wallet",
  shop_pay_installments: "wallet",
  klarna: "other",
  manual: "invoice",
  // Names that Shopify gives its own manual methods: help.shopify.com/manual/payments/additional-payment-methods/manual-payments,
  // read 2026-11. Older shops have the names without blanks.
  cash_on_delivery: "cash",
  cash_on_delivery_cod: "cash",
  cod: "cash",
  bank_deposit: "invoice",
  bank_transfer: "invoice",
  money_order: "invoice",
  payment_terms: "invoice",
}

function kindOf(gateway: string, gateways: TenderContext["gateways"]): Tender["kind"] | undefined {
  const plain = gateway
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^_|_$/g, "")
  return own(gateways, gateway) ?? own(tenderKinds, plain)
}

export interface TenderContext {
  system: string
  externalOrderId: string
  orderId: string
  gateways: Readonly<Record<string, Tender["kind"]>>
  /** What the order is worth. */
  value: MoneyPair
  told: { events: NewEvent[]; odd: OddPart[] }
}

/** One fact per transaction and state; refunds have facts of their own. The tender's id is that of the first transaction. */
export function tenderFacts(transactions: readonly SnapshotTransaction[], context: TenderContext): void {
  for (const transaction of withoutChange(transactions, context.value)) tell(transaction, context)
}

function tell(transaction: SnapshotTransaction, context: TenderContext): void {
  const state = stateOf(transaction)
  if (state === undefined) return
  // What failed moved no money, so it makes no difference what kind of payment it was to be.
  const kind = kindOf(transaction.gateway, context.gateways) ?? (state === "failed" ? "other" : undefined)
  if (kind === undefined) {
    const message = `"${transaction.gateway}" is an unknown gateway: add its kind of tender to the connection's gateways`
    const pointer = `/transactions/${transaction.id}/gateway`
    const problems = [{ pointer, code: "VENDOR_VALUE_UNKNOWN" as const, message }]
    const { id, amount } = transaction
    context.told.odd.push({ kind: "transaction", id: `${id}:${state}`, pointer, problems, money: amount.presentment })
    return
  }
  context.told.events.push(
    newEvent({
      type: "order.tender-changed",
      fact: `${context.system}:order:${context.externalOrderId}:transaction:${transaction.id}:${state}`,
      source: context.system,
      time: transaction.at,
      data: {
        orderId: context.orderId,
        tender: {
          id: transaction.parentId ?? transaction.id,
          kind,
          provider: cut(transaction.gateway, 255),
          state,
          amount: transaction.amount,
          ...(transaction.reference !== undefined && { reference: cut(transaction.reference, 256) }),
        },
        at: transaction.at,
      },
    }),
  )
}

/**
 * Cash that was more than the order costs comes with a transaction for the change. The tender is what stayed in the till. Where the
 * payments alone already sum to the order, the change is not part of them.
 */
function withoutChange(transactions: readonly SnapshotTransaction[], value: MoneyPair): readonly SnapshotTransaction[] {
  const changes = transactions.filter(({ kind, status }) => kind === "change" && status === "success")
  const isPayment = ({ kind, status }: SnapshotTransaction) => kind === "sale" && status === "success"
  const paid = transactions.filter(isPayment).reduce((sum, { amount }) => sum + amount.presentment.amountMinor, 0)
  if (changes.length === 0 || paid <= value.presentment.amountMinor) return transactions
  const less = new Map<string, SnapshotTransaction[]>()
  for (const change of changes) {
    const till = transactions.find((one) => isPayment(one) && one.gateway === change.gateway)
    const of = change.parentId ?? till?.id ?? ""
    less.set(of, [...(less.get(of) ?? []), change])
  }
  return transactions.map((transaction) => {
    const back = (view: "shop" | "presentment") =>
      (less.get(transaction.id) ?? []).reduce((sum, { amount }) => sum + Math.abs(amount[view].amountMinor), 0)
    const { shop, presentment } = transaction.amount
    const amount = {
      shop: money(shop.amountMinor - back("shop"), shop.currency),
      presentment: money(presentment.amountMinor - back("presentment"), presentment.currency),
    }
    return { ...transaction, amount }
  })
}

/** The state of a tender after a transaction; undefined when the transaction does not change it. */
function stateOf({ kind, status }: SnapshotTransaction): Tender["state"] | undefined {
  if (kind === "refund" || kind === "change" || kind === "suggested_refund") return undefined
  if (status === "pending" || status === "awaiting_response") return kind === "void" ? undefined : "pending"
  // A failed capture or void leaves the authorisation unchanged.
  if (status !== "success") return kind === "capture" || kind === "void" ? undefined : "failed"
  if (kind === "void") return "failed"
  return kind === "authorization" || kind === "emv_authorization" ? "authorised" : "captured"
}
