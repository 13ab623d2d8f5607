import type { Order } from "../../canonical/order.ts"
import { withTenders } from "../../rules/tenders.ts"
import type { Step } from "../../durable/steps/step.ts"

/** The order as the edits left it that came before the workflow began. What is known of its payments stays. */
export async function takeOrderAsItIs(step: Step, placed: Order): Promise<Order> {
  // A fact is short; the ledger keeps the order itself only once.
  const edit = await step.decide("take the order as it is", () => latestEdit(placed, step))
  const signal = step.heard("order.edited").find(({ fact }) => fact === edit)
  return signal ? withTenders(signal.data.order, placed) : placed
}

/**
 * The fact of the newest edit, or null when the order is as it was placed. Some shops count time in seconds: an edit of the
 * second in which the order was placed is later than the order.
 */
function latestEdit(placed: Order, step: Step): string | null {
  let latest: { fact: string | null; version: string } = { fact: null, version: placed.version }
  for (const { fact, data } of step.untaken("order.edited")) {
    const { version } = data.order
    if (version >= latest.version) latest = { fact, version }
  }
  return latest.fact
}
