import { compareInstants } from "../../base/time.ts"
import { lacksAddress, type Order } from "../../canonical/order.ts"
import type { Step } from "../../durable/steps/step.ts"
import { part } from "../../durable/steps/step-name.ts"
import { StepRejected } from "../../effects/perform.ts"
import { withTenders } from "../../rules/tenders.ts"

const isMissing = "delivery address is missing"

/**
 * The order as the edits left it that came before anything was done for it. Goods that are to be sent nowhere are a question about
 * the order (P-33): it waits until an edit says where to, or a person cancels it. What is known of its payments stays.
 */
export async function takeOrderAsItIs(step: Step, placed: Order): Promise<Order> {
  for (let look = 1; ; look += 1) {
    const order = await asEdited(step, placed, look)
    if (!lacksAddress(order)) {
      if (look > 1) step.settle(isMissing, { action: "retry", reason: "the address is known now" })
      return order
    }
    await askForAddress(step, order)
    const signal = await step.until(part("wait for the delivery address", String(look)), {
      signals: ["order.edited", "exception.decided"],
    })
    if (signal?.type === "exception.decided" && signal.data.exceptionId === step.exceptionId(isMissing))
      throw new StepRejected(
        isMissing,
        "VENDOR_REJECTED",
        `no delivery address, and cancelled by ${signal.data.decidedBy}`,
      )
  }
}

async function askForAddress(step: Step, order: Order): Promise<void> {
  await step.raise(isMissing, {
    summary: `Order ${order.number} has goods to be sent and no delivery address. Enter it in the shop; the order then goes on by itself.`,
    ifNobodyActs: "the order waits, with nothing reserved for it",
    owner: "customer service",
    allowedActions: ["cancel order"],
    atRisk: order.total.shop,
    closesIfStopped: true,
  })
  step.announce("on hold for an address", "on hold", { reason: "there is no delivery address" })
}

async function asEdited(step: Step, placed: Order, look: number): Promise<Order> {
  const name = "take the order as it is"
  // A fact is short; the ledger keeps the order itself only once.
  const edit = await step.decide(look === 1 ? name : part(name, String(look)), () => latestEdit(placed, step))
  const signal = step.heard("order.edited").find(({ fact }) => fact === edit)
  return signal ? withTenders(signal.data.order, placed) : placed
}

/**
 * The fact of the newest edit, or null when the order is as it was placed. Some shops count time in seconds: an edit of the
 * second in which the order was placed is later than the order.
 */
function latestEdit(placed: Order, step: Step): string | null {
  let latest: { fact: string | null; version: string } = { fact: null, version: placed.version }
  for (const { fact, data } of step.heard("order.edited")) {
    const { version } = data.order
    if (compareInstants(version, latest.version) >= 0) latest = { fact, version }
  }
  return latest.fact
}
