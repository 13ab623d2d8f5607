import { cut } from "../../../base/text.ts"
import type { Order } from "../../../canonical/order.ts"
import { soldAs, withParts, type MadeOf, type SoldAs } from "../../../canonical/stock/made-of.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import { StepRejected } from "../../../effects/perform.ts"
import type { OrderPolicies } from "../policies.ts"
import { withArticles, type ArticleNames } from "./articles.ts"

/** What articles of a channel stand for, and what kits and sales units among them are made of. */
export interface Goods {
  names: ArticleNames
  made: readonly MadeOf[]
}

export const nothingKnown: Goods = { names: {}, made: [] }

/** The order with the goods that stock, routing and parcels are about. Its lines stay as they were sold. */
export function withGoods(order: Order, { names, made }: Goods): Order {
  return withParts(withArticles(order, names), made)
}

export function merged(one: Goods, other: Goods): Goods {
  return { names: { ...one.names, ...other.names }, made: [...one.made, ...other.made] }
}

type Context = RunContext<OrderPolicies> & { name: string; sold: readonly SoldAs[] }

/** The name of the look at an order before anything is reserved for it. */
export const first = "1"

/**
 * Decides once what kits and sales units are made of: from here on the order is about these goods, also when the catalogue says something
 * else tomorrow. Units that the products do not have are returned, and then nothing is decided.
 */
export async function findGoods(
  step: Step,
  order: Order,
  { name, sold, policies }: Context,
): Promise<{ goods: Goods; unknownUnits: readonly UnknownUnit[] }> {
  if (sold.length === 0) return { goods: nothingKnown, unknownUnits: [] }
  const found = await step.decide(part("take kits apart", name), async () => {
    // An order that an earlier version reserved is about what it was sold as.
    if (name === first && step.hasAnnounced("reserved")) return null
    const { made, mapped, unknownUnits } = await policies.takeApart(order.channel, sold)
    return { made, names: mapped, unknownUnits }
  })
  if (found === null) return { goods: nothingKnown, unknownUnits: [] }
  const { unknownUnits, ...goods } = found
  if (unknownUnits.length === 0) tellTakenApart(step, order, { name, goods })
  return { goods, unknownUnits }
}

/** Takes an order apart; a unit that its product does not have is a question of data (P-34), and the order waits for the answer. */
export async function takeApart(step: Step, order: Order, context: Context): Promise<Goods> {
  const { name, policies } = context
  let asked = 1
  for (let look = 1; ; look += 1) {
    const label = look === 1 ? name : `${name}:${look}`
    const exception = part("unit is unknown", `${name}:${asked}`)
    const { goods, unknownUnits } = await findGoods(step, order, { ...context, name: label })
    const [unknown] = unknownUnits
    if (!unknown) {
      if (look > 1) step.settle(exception, { action: "retry", reason: "the unit is known now" })
      return goods
    }
    const text = unknownUnitText(order, unknown)
    await step.raise(exception, text)
    step.announce(part("on hold for a unit", label), "on hold", { reason: cut(whatIsUnknown(unknown), 500) })
    await step.until(part("wait for a unit", label), {
      signals: ["exception.decided"],
      within: policies.routeAgainAfter,
    })
    const action = await step.decide(
      part("look for late facts", `unit:${label}`),
      () => step.decisionOn(exception) ?? null,
    )
    if (action === "cancel order") throw new StepRejected("take kits apart", "STOCK_UNKNOWN", whatIsUnknown(unknown))
    // A decided exception is closed, so what is still unknown after it is a new one.
    if (action !== null) asked += 1
  }
}

type UnknownUnit = SoldAs & { units: readonly string[] }

function whatIsUnknown({ sku, unit, units }: UnknownUnit): string {
  const known = units.length === 0 ? "it has no units" : `its units are ${units.join(", ")}`
  return `nobody knows how much a "${unit}" of ${sku} is; ${known}`
}

/** The question about a unit that a product does not have; `what` of the order waits. */
export function unknownUnitText(order: Order, unknown: UnknownUnit, what = `Order ${order.number}`) {
  return {
    summary: cut(`${what} waits: ${whatIsUnknown(unknown)}. Add the unit to the product, then retry.`, 1000),
    because: {
      kind: "data",
      connection: order.channel,
      operation: "take kits apart",
      value: cut(unknown.unit, 200),
    } as const,
    ifNobodyActs: "the order waits, unreserved; nothing is cancelled",
    owner: "operations",
    allowedActions: ["retry", "cancel order"],
    atRisk: order.total.shop,
    sku: unknown.sku,
    closesIfStopped: true as const,
  }
}

/** Under the channel's names too: the order's document has these. */
function tellTakenApart(step: Step, order: Order, { name, goods }: { name: string; goods: Goods }): void {
  const named = Object.entries(goods.names).flatMap(([article, sku]) =>
    goods.made.filter((one) => one.sku === sku).map((one) => ({ ...one, sku: article })),
  )
  const made = [...goods.made, ...named]
  if (made.length === 0) return
  step.tell(part("kits are taken apart", name), {
    type: "order.taken-apart",
    data: { orderId: order.id, made, at: step.now() },
  })
}

/** Articles that an order has now and did not have before. */
export function newlySold(order: Order, before: Order): SoldAs[] {
  const known = new Set(soldAs(before).map(({ sku, unit }) => `${unit}/${sku}`))
  return soldAs(order).filter(({ sku, unit }) => !known.has(`${unit}/${sku}`))
}
