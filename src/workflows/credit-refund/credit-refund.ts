/**
 * From a refund that a shop made after goods had left to books and stock that know of it.
 *
 * Claims the units on the order's account, so that none is given back twice, has the books take back what was invoiced, and adds to
 * the stock what is back on a shelf, as the policy says. Where the books cannot be told, finance posts the credit and says so. What
 * the shop gave back stays given back, so there is nothing to undo.
 */
import { defineWorkflow } from "../../durable/define-workflow.ts"
import { creditStates } from "../../canonical/states.ts"
import { postCredit } from "./post-credit.ts"
import { claimUnits, giveUnitsBack } from "./units.ts"
import type { OrderPolicies } from "../fulfil-order/policies.ts"

/** The workflow of one refund. */
export const creditRefund = defineWorkflow<"credit.due", OrderPolicies>({
  name: "credit refund",
  purpose: "What a shop refunds after goods have left reaches books, stock and the order's account, once.",
  about: "credit",
  states: creditStates,
  owner: "finance",
  startsOn: "credit.due",
  hears: ["exception.decided"],
  interrupts: [],
  promisedAt: ({ at }) => at,
  policies: "orders",
  needs: ["claimsRefunds", "reservesStock"],
  steps: [
    "claim units",
    "more came back than had left",
    "post credit in ERP",
    "post the credit by hand",
    "choose a posting day",
    "posting period is closed",
    "find the place",
    "claim what is back",
    "put back in stock",
    "put back at an unknown place",
  ],
  deadline: { hours: 1 },
  lane: "finance",

  async run(step, due, context) {
    step.announce("due", "due", { amount: due.amount })
    // Nothing is taken back when a part of it is refused: the money is gone, and the books have to say so.
    step.pointOfNoReturn()
    const claimed = await claimUnits(step, due, context)
    await step.alongside(
      () => postCredit(step, due, context),
      () => giveUnitsBack(step, due, { ...context, claimed }),
    )
    if (step.outstanding.length > 0) return
    step.announce("closed", "closed", { amount: due.amount })
  },
})
