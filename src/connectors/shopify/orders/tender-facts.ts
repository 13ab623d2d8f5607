import type { Problem } from "../../../base/errors.ts"
import { newEvent, type NewEvent } from "../../../canonical/events.ts"
import type { Tender } from "../../../canonical/order.ts"
import { own } from "../../../base/lookup.ts"
import type { SnapshotTransaction } from "../payloads.ts"

// Gateway names that occur in `payment_gateway_names`. A shop's own gateways go into its connection's `gateways`.
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
  bank_deposit: "invoice",
  money_order: "invoice",
}

export interface TenderContext {
  system: string
  externalOrderId: string
  orderId: string
  gateways: Readonly<Record<string, Tender["kind"]>>
  problems: Problem[]
}

/** One fact per transaction and state; refunds have facts of their own. The tender's id is that of the first transaction. */
export function tenderFact(transaction: SnapshotTransaction, context: TenderContext): NewEvent | undefined {
  const state = stateOf(transaction)
  if (state === undefined) return undefined
  const kind = own(context.gateways, transaction.gateway) ?? own(tenderKinds, transaction.gateway.toLowerCase())
  if (kind === undefined) {
    context.problems.push({
      pointer: `/transactions/${transaction.id}/gateway`,
      code: "VENDOR_VALUE_UNKNOWN",
      message: `"${transaction.gateway}" is an unknown gateway: add its kind of tender to the connection's gateways`,
    })
    return undefined
  }
  return newEvent({
    type: "order.tender-changed",
    fact: `${context.system}:order:${context.externalOrderId}:transaction:${transaction.id}:${state}`,
    source: context.system,
    time: transaction.at,
    data: {
      orderId: context.orderId,
      tender: {
        id: transaction.parentId ?? transaction.id,
        kind,
        provider: transaction.gateway,
        state,
        amount: transaction.amount,
        ...(transaction.reference !== undefined && { reference: transaction.reference }),
      },
      at: transaction.at,
    },
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
