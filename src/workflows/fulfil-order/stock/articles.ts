import { own } from "../../../base/lookup.ts"
import { cut } from "../../../base/text.ts"
import { candidatesText, type ArticleCandidate } from "../../../canonical/catalogue/article-candidates.ts"
import { barcodesByArticle } from "../../../canonical/catalogue/barcodes.ts"
import type { Order } from "../../../canonical/order.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import { StepRejected } from "../../../effects/perform.ts"
import type { OrderPolicies } from "../policies.ts"
import { noteMissing } from "./shortage.ts"

// An article that nobody knows is a question of data (P-34): it is not sold out, and no order is cancelled for it.

/** What articles of a channel stand for, by the name the channel gives them. */
export type ArticleNames = Readonly<Record<string, string>>

/** The order with the SKUs that the stock, the books and the warehouses know. */
export function withArticles(order: Order, names: ArticleNames): Order {
  if (Object.keys(names).length === 0) return order
  const known = (sku: string) => own(names, sku) ?? sku
  const lines = order.lines.map((line) => ({
    ...line,
    sku: known(line.sku),
    ...(line.components && { components: line.components.map((one) => ({ ...one, sku: known(one.sku) })) }),
  }))
  return { ...order, lines }
}

/** The articles of a sold order that are missing, as the channel calls them: a mapping is of these names and no others. */
function articlesOf(sold: Order, { names, skus }: { names: ArticleNames; skus: readonly string[] }): string[] {
  const all = sold.lines.flatMap(({ sku, components = [] }) => [sku, ...components.map((one) => one.sku)])
  return [...new Set(all)].filter((article) => skus.includes(own(names, article) ?? article))
}

/**
 * Finds out whether missing articles are unknown rather than sold out. Waits while nobody knows them: a person maps them, or the
 * stock hears of them. Returns what they stand for; undefined when all of them are known, as `names` has them, and simply not there.
 */
export async function knowArticles(
  step: Step,
  order: Order,
  context: RunContext<OrderPolicies> & { attempt: number; skus: readonly string[]; names: ArticleNames },
): Promise<ArticleNames | undefined> {
  const { attempt, names: before, policies } = context
  const articles = articlesOf(order, { ...context, names: before })
  let asked = 1
  let isWaiting = false
  for (let look = 1; ; look += 1) {
    const name = `${attempt}.${look}`
    const { unknown, names } = await findArticles(step, order, { ...context, name, articles })
    const exception = part("article is unknown", `${attempt}.${asked}`)
    if (unknown.length === 0) {
      if (isWaiting) step.settle(exception, knownNow)
      const isNew = Object.entries(names).some(([article, sku]) => sku !== (own(before, article) ?? article))
      return isNew || isWaiting ? names : undefined
    }
    isWaiting = true
    await step.raise(exception, unknownText(order, unknown))
    step.announce(part("on hold for an article", name), "on hold", { reason: cut(whatIsUnknown(unknown), 500) })
    const missing = unknown.map(({ article }) => ({ sku: article, milli: 1 }))
    await noteMissing(step, order, { ...context, name: `article:${name}`, missing })
    await step.until(part("wait for an article", name), {
      signals: ["exception.decided", "stock.arrived"],
      within: policies.routeAgainAfter,
    })
    const action = await step.decide(
      part("look for late facts", `article:${name}`),
      () => step.decisionOn(exception) ?? null,
    )
    if (action === "cancel order") throw new StepRejected("know the articles", "STOCK_UNKNOWN", whatIsUnknown(unknown))
    // A decided exception is closed, so what is still unknown after it is a new one.
    if (action !== null) asked += 1
  }
}

/** Closes the question about articles that have become known. */
export const knownNow = { action: "retry", reason: "the articles are known now" } as const

/** What articles stand for by mapping or by the default of their channel, and those that nobody knows. */
export async function findArticles(
  step: Step,
  { channel, lines }: Pick<Order, "channel" | "lines">,
  context: { policies: OrderPolicies; name: string; articles: readonly string[]; names: ArticleNames },
): Promise<{ unknown: readonly Unknown[]; names: ArticleNames }> {
  const { policies, name, articles, names: before } = context
  const found = await step.decide(part("know the articles", name), () =>
    policies.findArticles(channel, articles, barcodesByArticle(lines)),
  )
  // An order that went on with a mapping keeps it when it is taken back.
  const unknown = found.unknown.filter(({ article }) => own(before, article) === undefined)
  const instead = own(policies.defaultArticles ?? {}, channel)
  if (instead === undefined) return { unknown, names: found.mapped }
  return {
    unknown: [],
    names: { ...found.mapped, ...Object.fromEntries(unknown.map(({ article }) => [article, instead])) },
  }
}

export interface Unknown {
  article: string
  candidates: readonly ArticleCandidate[]
}

function whatIsUnknown(unknown: readonly Unknown[]): string {
  const texts = unknown.map(({ article, candidates }) =>
    candidates.length > 0 ? `${article} (it may be ${candidatesText(candidates)})` : article,
  )
  return `nobody knows the article ${texts.join(", ")}`
}

/** The question about articles that nobody knows; `what` of the order waits. */
export function unknownText(order: Order, unknown: readonly Unknown[], what = `Order ${order.number}`) {
  const [first] = unknown
  const article = first?.article ?? ""
  return {
    summary: cut(
      `${what} waits: ${whatIsUnknown(unknown)}. Say what it is: crossdock mappings set ${order.channel} "${article}" <SKU>. If it is new, tell its stock and retry.`,
      1000,
    ),
    because: {
      kind: "data",
      connection: order.channel,
      operation: "know the articles",
      ...(article === "" ? {} : { value: cut(article, 200) }),
    } as const,
    ifNobodyActs: "the order waits, unreserved; nothing is cancelled",
    owner: "operations",
    allowedActions: ["retry", "cancel order"],
    atRisk: order.total.shop,
    sku: article,
    barcodes: own(barcodesByArticle(order.lines), article) ?? [],
    closesIfStopped: true as const,
  }
}
