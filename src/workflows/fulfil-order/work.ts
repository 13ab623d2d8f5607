import type { RunContext } from "../../durable/define-workflow.ts"
import type { Step } from "../../durable/steps/step.ts"
import type { Suspension } from "../../effects/perform.ts"
import type { Fulfilment } from "../../rules/fulfilment/state.ts"
import type { OrderPolicies } from "./policies.ts"

/** What carries out the effects of one run. */
export interface Work {
  step: Step
  context: RunContext<OrderPolicies>
  documentNumber: string
  /** What the requests wait for that may or may not have reached their location, by the number of the leg. */
  waits: Map<number, Suspension>
}

/** The same, with the order as it is when an effect is carried out. */
export type WorkNow = Work & Pick<Fulfilment, "order" | "legs">
