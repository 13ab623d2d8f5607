/**
 * From the wish to send goods back to goods, money and books that have each come to their end.
 *
 * The goods are claimed on the order's account, so that a refund of the shop and a return of the same units end in one refund, one credit
 * and one movement of stock, whichever comes first. Money follows what was inspected, never what was announced. The books credit what has
 * certainly been given back. Nothing is undone: what went wrong is decided by a person, and each track waits alone.
 */
import { returnStates } from "../../canonical/states.ts"
import { defineWorkflow } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { ReturnPolicies } from "./policies.ts"
import { listensTo, Run } from "./run.ts"

/** The workflow of one return. */
export const handleReturn = defineWorkflow<"return.requested", ReturnPolicies>({
  name: "handle return",
  purpose: "Goods that come back are counted, put away, paid and credited once, and each of the three ends alone.",
  about: "return",
  states: returnStates,
  owner: "customer service",
  startsOn: "return.requested",
  hears: listensTo,
  interrupts: [],
  promisedAt: ({ requestedAt }) => requestedAt,
  policies: "returns",
  needs: ["claimsRefunds", "reservesStock"],
  steps: [
    "look at the order",
    "return needs a decision",
    "approve the return",
    "decline the return",
    "news of the return",
    "the return moved on",
    "claim what came back",
    "more came back than had left",
    "put back in stock",
    "units are back",
    "are these the last goods",
    "what is given back",
    "what the exchange costs",
    "pay what was taken instead",
    "exchange is not paid",
    "refund needs approval",
    "split the refund",
    "claim refund",
    "release claim",
    "give money back",
    "paid by hand",
    "money could not be given back",
    "refund is not covered",
    "refund failed after all had ended",
    "goods came after all had ended",
    "date the credit",
    "post credit in ERP",
    "post the credit by hand",
    "choose a posting day",
    "posting period is closed",
  ],
  deadline: { hours: 4 },
  lane: "finance",

  async run(step, requested, context) {
    step.announce("requested", "requested")
    const sold = await step.decide(
      "look at the order",
      async () => (await context.policies.soldGoods(requested.orderId)) ?? null,
    )
    // Nothing is taken back when a part of it is refused: goods and money have moved.
    step.pointOfNoReturn()
    if (sold) await new Run({ step, requested, context, order: sold.order }, sold).untilOver()
    else step.announce("declined", "declined", { reason: "there is no such order" })
  },

  /** A bank may send money back weeks after all had ended, and a parcel may come that nobody waits for any more. */
  async late(step, { returnId }) {
    for (const { fact, data } of step.untaken("return.inspected"))
      await step.raise(part("goods came after all had ended", fact), {
        summary: `Goods of return ${returnId} were inspected at ${data.locationId} after it had ended. Nothing is given back for them; open another return if something is to be.`,
        ifNobodyActs: "the goods lie there, and the stock does not have them",
        owner: "customer service",
        allowedActions: ["open a return", "acknowledge"],
      })
    for (const { fact, data } of step.untaken("payment.refund-reported")) {
      if (data.state !== "failed") continue
      await step.raise(part("refund failed after all had ended", fact), {
        summary: `A refund of return ${returnId} failed after it was given back: ${data.reason ?? "no reason"}. The books have it as paid.`,
        ifNobodyActs: "the buyer has sent goods back and has no money",
        owner: "finance",
        allowedActions: ["acknowledge"],
        atRisk: data.amount,
      })
    }
  },
})
