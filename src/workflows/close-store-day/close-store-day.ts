/**
 * From a store's day that is over to books that have it.
 *
 * Waits until every number of every till has come, or its deadline; then the day is sealed for good, and each of its entries is posted
 * once. What comes later is a correction and is posted as its own entry. The books keep what was posted, so there is nothing to undo:
 * people correct by a recount or by an entry of their own.
 */
import { moneyText } from "../../base/money.ts"
import { storeDayStates } from "../../canonical/sales/store-day.ts"
import type { Closure } from "../../canonical/sales/store-day.ts"
import { defineWorkflow } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"
import type { StoreDayPolicies } from "./policies.ts"
import { postClosure, type StoreDayContext } from "./post-closure.ts"

/** The workflow of one store's day. */
export const closeStoreDay = defineWorkflow<"storeDay.closing", StoreDayPolicies>({
  name: "close store day",
  purpose: "A store's day is closed when its receipts are whole, posted once, and corrected by what comes later.",
  about: "storeDay",
  states: storeDayStates,
  owner: "finance",
  startsOn: "storeDay.closing",
  hears: ["storeDay.closed", "storeDay.corrected", "exception.decided"],
  interrupts: [],
  promisedAt: ({ postAnywayAt }) => postAnywayAt,
  policies: "sales",
  needs: [],
  steps: [
    "the day is sealed",
    "post the day",
    "post the day by hand",
    "choose a posting day",
    "posting period is closed",
    "receipts are missing",
  ],
  deadline: { hours: 1 },
  lane: "finance",

  async run(step, closing, context) {
    step.pointOfNoReturn()
    step.announce("waiting for receipts", "waiting for receipts", {
      place: closing.storeId,
      ...(closing.waitsFor.length > 0 ? { reason: closing.waitsFor.join("; ") } : {}),
    })
    const sealed = await step.until("the day is sealed", { signals: ["storeDay.closed"] })
    if (!sealed) return
    await postSealed(step, sealed.data, context)
  },

  async late(step, _closing, context) {
    for (const { data } of step.untaken("storeDay.corrected")) {
      await postClosure(step, data, context)
      step.announce(part("corrected", String(data.n)), "corrected", {
        place: data.storeId,
        reason: `${data.reasons.join(", ")}: ${totalsText(data)}`,
      })
    }
  },
})

async function postSealed(step: Step, closure: Closure, context: StoreDayContext): Promise<void> {
  const { storeId: place, missing, storeId, businessDay } = closure
  if (missing.length > 0)
    await step.raise("receipts are missing", {
      summary: `The day ${businessDay} of store ${storeId} was posted without: ${missing.join("; ")}.`.slice(0, 1000),
      ifNobodyActs: "what comes later is posted as a correction",
      owner: "finance",
      allowedActions: ["acknowledge"],
    })
  step.announce("tied", "tied", { place, reason: `Z ${closure.zNumber}: ${totalsText(closure)}` })
  await postClosure(step, closure, context)
  step.announce("posted", "posted", { place })
}

function totalsText({ receiptCount, tenders }: Closure): string {
  const sums = tenders.map(({ tender, currency, amountMinor }) => `${tender} ${moneyText({ amountMinor, currency })}`)
  return `${receiptCount} receipts${sums.length > 0 ? `, ${sums.join(", ")}` : ""}`
}
