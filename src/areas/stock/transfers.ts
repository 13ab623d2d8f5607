import { transferIntake, transferRoutes } from "../../gateway/routes/stock/transfers.ts"
import type { ExceptionAction } from "../../operations/exceptions/actions.ts"
import { AdjustmentPolicies, adjustStock } from "../../workflows/adjust-stock/adjust-stock.ts"
import { TransferPolicies, transferStock } from "../../workflows/transfer-stock/transfer-stock.ts"
import { defineArea } from "../define-area.ts"

const effect = { kind: "wake" } as const

const transferActions: readonly ExceptionAction[] = [
  { name: "it is lost", does: "Books what is still in transit as gone.", effect },
  { name: "it never left", does: "Books what is still in transit as lying where it was sent from.", effect },
]

const adjustmentActions: readonly ExceptionAction[] = [
  { name: "approve the adjustment", does: "Books it. Whoever asked for it cannot approve it.", effect },
  { name: "refuse the adjustment", does: "Leaves stock as it is.", effect },
]

const transferDefaults: TransferPolicies = { arriveWithin: { days: 3 }, shipWithin: { days: 2 } }
const adjustmentDefaults: AdjustmentPolicies = { approveAboveMilli: 10_000 }

/** Goods on their way between places. */
export const transfers = defineArea({
  name: "transfers",
  policies: { schema: TransferPolicies, whenLeftOut: "defaults" },
  workflows: [transferStock],
  finalStates: { transfer: ["received"] },
  policiesFor: (block: TransferPolicies | undefined) => block ?? transferDefaults,
  actions: transferActions,
  routes: ({ core }) => transferRoutes(core),
  intake: transferIntake,
})

/** Stock that people set right. */
export const adjustments = defineArea({
  name: "adjustments",
  policies: { schema: AdjustmentPolicies, whenLeftOut: "defaults" },
  workflows: [adjustStock],
  finalStates: { adjustment: ["booked", "refused"] },
  policiesFor: (block: AdjustmentPolicies | undefined) => block ?? adjustmentDefaults,
  actions: adjustmentActions,
})
