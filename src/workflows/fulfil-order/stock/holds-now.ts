import type { HeldPart } from "../../../canonical/events/orders.ts"
import type { Order } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { OrderPolicies } from "../policies.ts"

/** What the channel holds back by now, where it can be asked. Its messages may be late or lost. */
export async function holdsNow(
  step: Step,
  order: Order,
  context: RunContext<OrderPolicies> & { look: string },
): Promise<HeldPart[]> {
  const scope = { channel: order.channel }
  if (!context.can("readsHolds", scope)) return []
  const name = "look what the shop holds back"
  return step.decide(context.look === "" ? name : part(name, context.look), () =>
    context.use("readsHolds", scope).readHolds({ order }),
  )
}
