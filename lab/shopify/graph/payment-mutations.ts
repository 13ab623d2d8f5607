import { capture, voidAuthorisation } from "../changes/cancel.ts"
import type { UserError } from "../changes/requests.ts"
import { minorFromText, share } from "../orders/money.ts"
import { totalsOf } from "../orders/totals.ts"
import type { ShopStore } from "../store.ts"
import type { Call } from "../../simulator.ts"
import { idOf } from "./paging.ts"
import { orderOf } from "./queries.ts"
import type { View } from "./views/part-views.ts"
import { transactionView } from "./views/part-views.ts"

type CaptureInput = { id: string; parentTransactionId: string; amount: string }

/** `orderCapture` and `transactionVoid`: authorisations that the shop itself holds. */
export function paymentMutations(store: ShopStore): View {
  return {
    orderCapture: (args: { input: CaptureInput }, context: { call: Call }) => orderCapture(store, args.input, context),
    transactionVoid: (args: { parentTransactionId: string }, context: { call: Call }) =>
      transactionVoid(store, args.parentTransactionId, context),
  }
}

function orderCapture(store: ShopStore, input: CaptureInput, { call }: { call: Call }): View {
  const refused = (field: string, message: string): View => {
    const userErrors: UserError[] = [{ field: [field], message }]
    return { transaction: null, userErrors }
  }
  const order = orderOf(store, input.id)
  const parentId = idOf("OrderTransaction", input.parentTransactionId) ?? 0
  const parent = order?.transactions.find((item) => item.id === parentId)
  if (order === undefined || parent === undefined) return refused("parentTransactionId", "Transaction does not exist")
  // OrderTransaction.multiCapturable: only on Plus, which the lab's shop is not; the first capture ends the authorisation.
  if (order.transactions.some((one) => one.parentId === parentId && one.kind === "CAPTURE" && one.status === "SUCCESS"))
    return refused("parentTransactionId", "Transaction has already been captured")
  const presentment = minorFromText(input.amount, order.currencies.presentment) ?? 0
  const [shop = 0] = share(parent.amount.shop, [presentment, Math.max(parent.amount.presentment - presentment, 0)])
  const { capturable } = totalsOf(order)
  if (presentment <= 0 || presentment > capturable.presentment)
    return refused("amount", "Amount exceeds the authorized amount")
  const transaction = call.commit(() => capture(store, order, { parentId, amount: { shop, presentment } }))
  return { transaction: transaction ? transactionView(order, transaction) : null, userErrors: [] }
}

function transactionVoid(store: ShopStore, parent: string, { call }: { call: Call }): View {
  const parentId = idOf("OrderTransaction", parent) ?? 0
  const order = [...store.orders.values()].find((one) => one.transactions.some(({ id }) => id === parentId))
  const refused = (code: string, message: string): View => {
    return { transaction: null, userErrors: [{ code, field: ["parentTransactionId"], message }] }
  }
  if (order === undefined) return refused("TRANSACTION_NOT_FOUND", "Transaction does not exist")
  const children = order.transactions.filter((one) => one.parentId === parentId && one.status === "SUCCESS")
  if (children.length > 0) return refused("AUTH_NOT_VOIDABLE", "Authorization transaction cannot be voided")
  const transaction = call.commit(() => voidAuthorisation(store, order, parentId))
  return { transaction: transaction ? transactionView(order, transaction) : null, userErrors: [] }
}
