/**
 * From what people say is more or less at a place to the stock that says so too.
 *
 * Below the limit it is booked at once. Above it another person approves it first, and stock stays as it is until then. It changes no
 * other system, so there is nothing to undo: a wrong adjustment is set right by another one.
 */
import { Type, type Static } from "typebox"
import type { EventData } from "../../canonical/events.ts"
import { adjustmentStates } from "../../canonical/states.ts"
import { defineWorkflow } from "../../durable/define-workflow.ts"
import { part } from "../../durable/steps/step-name.ts"
import type { Step } from "../../durable/steps/step.ts"

/** What a retailer decides about adjustments: `policies.adjustments` of the estate. */
export const AdjustmentPolicies = Type.Object(
  {
    approveAboveMilli: Type.Integer({
      minimum: 0,
      description: "An adjustment of one article by more than this needs another person. Thousandths.",
    }),
    approveAboveMinor: Type.Optional(
      Type.Integer({ minimum: 0, description: "So does one that says it is worth more than this. Minor units." }),
    ),
  },
  { additionalProperties: false, description: "Adjustments of stock by people." },
)
export type AdjustmentPolicies = Static<typeof AdjustmentPolicies>

type Requested = EventData<"adjustment.requested">

/** The workflow of one adjustment. */
export const adjustStock = defineWorkflow<"adjustment.requested", AdjustmentPolicies>({
  name: "adjust stock",
  purpose: "Stock that people found to be wrong is set right; above a limit another person approves it first.",
  about: "adjustment",
  states: adjustmentStates,
  owner: "operations",
  startsOn: "adjustment.requested",
  hears: ["exception.decided"],
  interrupts: [],
  promisedAt: ({ requestedAt }) => requestedAt,
  policies: "adjustments",
  needs: [],
  steps: ["book the adjustment", "adjustment needs approval"],
  deadline: { days: 1 },
  lane: "stock",

  async run(step, requested, { policies }) {
    step.announce("requested", "requested", { place: requested.locationId })
    if (isAbove(requested, policies) && !(await isApproved(step, requested))) {
      step.announce("refused", "refused", { place: requested.locationId })
      return
    }
    const { adjustmentId, locationId, state, lines, reason, requestedAt: movedAt } = requested
    for (const [n, { sku, milli, unit }] of lines.entries())
      step.tell(part("book the adjustment", String(n + 1)), {
        type: "stock.moved",
        data: {
          movement: "adjustment",
          sku,
          locationId,
          milli,
          unit,
          movedAt,
          reason,
          ...(state ? { state } : {}),
          document: { system: "crossdock", type: "adjustment", id: adjustmentId },
        },
      })
    step.announce("booked", "booked", { place: requested.locationId })
  },
})

function isAbove({ lines, worth }: Requested, { approveAboveMilli, approveAboveMinor }: AdjustmentPolicies): boolean {
  if (lines.some(({ milli }) => Math.abs(milli) > approveAboveMilli)) return true
  return approveAboveMinor !== undefined && worth !== undefined && Math.abs(worth.amountMinor) > approveAboveMinor
}

/** Asks until somebody else than who asked for it decides. */
async function isApproved(step: Step, requested: Requested): Promise<boolean> {
  const { requestedBy, locationId, lines, reason, worth } = requested
  const what = lines.map(({ sku, milli }) => `${milli > 0 ? "+" : ""}${milli / 1000} × ${sku}`).join(", ")
  step.announce("waits for approval", "waits for approval", { place: locationId })
  for (let round = 1; ; round += 1) {
    const again = round === 1 ? "" : ` ${requestedBy} asked for it and cannot approve it.`
    const decision = await step.ask(part("adjustment needs approval", String(round)), {
      summary: `${requestedBy} says that stock of ${locationId} is to change by ${what}: ${reason}.${again}`.slice(
        0,
        1000,
      ),
      ifNobodyActs: "stock stays as it is",
      owner: "operations",
      allowedActions: ["approve the adjustment", "refuse the adjustment"],
      ...(worth ? { atRisk: { ...worth, amountMinor: Math.abs(worth.amountMinor) } } : {}),
      ...(lines[0] ? { sku: lines[0].sku } : {}),
    })
    if (decision.action === "refuse the adjustment") return false
    // A decision also names the key it was made with: `ada (cdk_…)`.
    if (decision.decidedBy.split(" (")[0] !== requestedBy) return true
  }
}
