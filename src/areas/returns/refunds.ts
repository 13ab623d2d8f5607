import { creditRefund } from "../../workflows/credit-refund/credit-refund.ts"
import { defineArea } from "../define-area.ts"

/** What follows in books and stock from refunds that shops make after goods have left. */
export const refunds = defineArea({
  name: "refunds",
  workflows: [creditRefund],
  finalStates: { credit: ["closed"] },
  actions: [
    {
      name: "posted by hand",
      does: "Says that finance has posted the credit in the books, and closes it.",
      effect: { kind: "wake" },
    },
  ],
})
