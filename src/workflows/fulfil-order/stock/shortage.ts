import { money } from "../../../base/money.ts"
import { cut } from "../../../base/text.ts"
import { durationMs } from "../../../base/time.ts"
import { leavesShelf, type Order } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import { StepRejected } from "../../../effects/perform.ts"
import type { StockLine, StockReservation } from "../../../ports/capabilities/stock.ts"
import { heldAmong } from "../../../rules/fulfilment/changes/hold.ts"
import { waitingText } from "../../../rules/fulfilment/texts/shop.ts"
import type { Routing } from "../../../rules/route-order.ts"
import type { StockWait } from "../../../stock/waits/waits.ts"
import type { OrderPolicies } from "../policies.ts"
import { holdsNow } from "./holds-now.ts"

// Goods that are not there: the order waits for them, and hears of it when they come in.

type Context = RunContext<OrderPolicies>

/**
 * Waits as long as the shop holds back what is missing: a pre-order lacks stock by its nature, and no shortage is decided before
 * the shop lets it go (P-37). Returns false when something else is missing.
 */
export async function waitWithHeld(
  step: Step,
  order: Order,
  context: Context & { attempt: number; skus: readonly string[] },
): Promise<boolean> {
  const { attempt, skus, policies } = context
  const heard = await step.decide(part("look for late facts", `held${attempt}`), () =>
    step.heard("order.hold-changed").map(({ fact }) => fact),
  )
  const told = step.heard("order.hold-changed").filter(({ fact }) => heard.includes(fact))
  const parts = [
    ...told.map(({ data }) => data),
    ...(await holdsNow(step, order, { ...context, look: `short${attempt}` })),
  ]
  const missing = order.lines.filter(
    (line) => leavesShelf(line) && [line, ...(line.components ?? [])].some(({ sku }) => skus.includes(sku)),
  )
  const held = heldAmong(parts, missing)
  if (missing.length === 0 || held === undefined) return false
  step.announce(part("held by the shop", `short${attempt}`), "on hold", { reason: waitingText(order, held) })
  await noteMissing(step, order, {
    ...context,
    name: `held${attempt}`,
    missing: skus.map((sku) => ({ sku, milli: 1 })),
  })
  await step.until(part("wait for goods", `held${attempt}`), {
    signals: ["order.hold-changed", "order.edited", "order.refunded", "stock.arrived"],
    // Each wait is longer than the one before, because each look asks the shop.
    within: { ms: Math.min(durationMs(policies.askHoldsAfter) * 2 ** (attempt - 1), lookAtLeastEveryMs) },
  })
  return true
}

const lookAtLeastEveryMs = 3_600_000

/** A sold order for which there is no stock: by policy it is cancelled, or waits for stock or a person. */
export async function decideShortage(
  step: Step,
  order: Order,
  context: Context & { attempt: number; lines: readonly StockLine[]; reserved: StockReservation },
): Promise<void> {
  const { attempt, lines, reserved, policies } = context
  const first = reserved.short[0]
  const what =
    reserved.short.map(({ sku, missingMilli }) => `${missingMilli / 1000} × ${sku}`).join(", ") ||
    "its reservation has ended"
  const exception = part("stock is short", String(attempt))
  const text = {
    summary: `Order ${order.number} was sold but there is no stock for it: missing ${what}.`,
    owner: "operations",
    atRisk: money(order.total.shop.amountMinor, order.currency.shop),
    ...(first ? { sku: first.sku, missingMilli: first.missingMilli } : {}),
  }
  const rejected = () => new StepRejected("reserve stock", "STOCK_SHORT", `out of stock: ${what}`)
  if (policies.onShortage === "cancel") {
    await step.raise(exception, {
      ...text,
      ifNobodyActs: "the policy cancels the order and gives the money back",
      allowedActions: ["acknowledge"],
    })
    throw rejected()
  }
  await step.raise(exception, {
    ...text,
    ifNobodyActs: "the order waits, unreserved, until stock for it comes in",
    allowedActions: ["retry", "cancel order"],
    closesIfStopped: true,
  })
  const missing = reserved.short.map(({ sku, locationId, missingMilli }) => {
    const wanted = lines.filter((line) => line.sku === sku && (!locationId || line.locationId === locationId))
    const freeMilli = wanted.reduce((sum, { milli }) => sum + milli, 0) - missingMilli
    return { sku, milli: missingMilli, freeMilli, ...(locationId && { locationId }) }
  })
  await noteMissing(step, order, { ...context, name: `short${attempt}`, missing })
  if ((await decisionOrStock(step, attempt)) === "cancel order") throw rejected()
}

/** Waits for a person's decision on a shortage, or for stock; then the exception is closed. */
async function decisionOrStock(step: Step, attempt: number): Promise<string> {
  const exceptionId = step.exceptionId(part("stock is short", String(attempt)))
  for (let look = 1; ; look += 1) {
    const signal = await step.until(part("wait for goods", `short${attempt}.${look}`), {
      signals: ["exception.decided", "stock.arrived"],
    })
    if (signal?.type === "exception.decided" && signal.data.exceptionId === exceptionId) return signal.data.action
    if (signal?.type !== "stock.arrived") continue
    step.settle(part("stock is short", String(attempt)), { action: "retry", reason: "stock came in" })
    return "retry"
  }
}

/** Reserved in the pool but on no shelf (a backorder, or a count that shrank): raises an exception and waits to look again. */
export async function waitForGoods(
  step: Step,
  order: Order,
  context: Context & { routing: Routing; label: string; name: string },
): Promise<void> {
  const { routing, label, name } = context
  const what = routing.unfilled.map((line) => `${line.milli / 1000} × ${line.sku}`).join(", ")
  const [first] = routing.unfilled
  const exception = part("goods are nowhere", label)
  await step.raise(exception, {
    summary: `Order ${order.number} cannot be routed: ${what || "other orders are faster"}. ${routing.explanation}.`,
    ifNobodyActs: "routing is tried again when stock comes in, and from time to time",
    owner: "operations",
    allowedActions: ["acknowledge", "cancel order"],
    atRisk: order.total.shop,
    closesIfStopped: true,
    ...(first ? { sku: first.sku, missingMilli: first.milli } : {}),
  })
  step.announce(part("on hold for goods", name), "on hold", { reason: cut(`no location has ${what}`, 500) })
  await noteMissing(step, order, { ...context, missing: routing.unfilled })
  await step.until(part("wait for goods", name), {
    signals: ["exception.decided", "stock.arrived"],
    within: context.policies.routeAgainAfter,
  })
  const action = await step.decide(
    part("look for late facts", `goods:${name}`),
    () => step.decisionOn(exception) ?? null,
  )
  if (action === "cancel order") throw new StepRejected("choose locations", "STOCK_SHORT", `no location has ${what}`)
}

/** Has the order told when more of what it lacks comes in. */
export async function noteMissing(
  step: Step,
  order: Order,
  { name, missing, policies }: Context & { name: string; missing: StockWait["missing"] },
): Promise<void> {
  await step.decide(part("note what is missing", name), async () => {
    await policies.noteWait({ orderId: order.id, since: order.placedAt, missing })
    return null
  })
}
