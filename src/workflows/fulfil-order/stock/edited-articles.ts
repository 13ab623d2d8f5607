import { own } from "../../../base/lookup.ts"
import { compareInstants } from "../../../base/time.ts"
import { leavesShelf, type Order } from "../../../canonical/order.ts"
import { soldAs, type SoldAs } from "../../../canonical/stock/made-of.ts"
import type { RunContext } from "../../../durable/define-workflow.ts"
import type { Step } from "../../../durable/steps/step.ts"
import { part } from "../../../durable/steps/step-name.ts"
import type { ExceptionText } from "../../../durable/steps/raised.ts"
import type { Told } from "../../../rules/fulfilment/news.ts"
import { raiseEdited } from "../late.ts"
import type { OrderPolicies } from "../policies.ts"
import { findArticles, knownNow, unknownText, withArticles } from "./articles.ts"
import { findGoods, merged, unknownUnitText, withGoods, type Goods } from "./kits.ts"
import { noteMissing } from "./shortage.ts"

/** An edit of the shop with its fact. */
type Edit = Told<"order.edited">

/**
 * Edits of an order whose goods move, told with the SKUs that the stock knows. An edit that adds an article nobody knows waits at the
 * mapping desk (P-34), and everything else of the order goes on. A later edit replaces it.
 */
export class EditedArticles {
  readonly #step: Step
  readonly #context: RunContext<OrderPolicies>
  #goods: Goods
  #waiting: { edit: Edit; asked: number; look: number } | undefined

  constructor(step: Step, goods: Goods, context: RunContext<OrderPolicies>) {
    this.#step = step
    this.#goods = goods
    this.#context = context
  }

  /** The edit as the stock knows it; undefined while it waits. */
  hear(edit: Edit, order: Order): Promise<Edit | undefined> {
    const before = this.#waiting
    if (before && compareInstants(edit.data.order.version, before.edit.data.order.version) < 0)
      return Promise.resolve(undefined)
    this.#settle({ action: "keep", reason: "a later edit came" })
    return this.#look({ edit, asked: 1, look: 1 }, order)
  }

  /** The edit that waited, when its articles are known now. */
  async lookAgain(order: Order): Promise<Edit | undefined> {
    return this.#waiting && this.#look({ ...this.#waiting, look: this.#waiting.look + 1 }, order)
  }

  /** Whether a decision was about the edit that waits. To keep the order means to leave the edit out. */
  decided({ exceptionId, action }: { exceptionId: string; action: string }): boolean {
    const { edit, asked } = this.#waiting ?? {}
    if (edit === undefined || this.#step.exceptionId(nameOf(edit, asked ?? 1)) !== exceptionId) return false
    if (action === "keep") this.#waiting = undefined
    // A decided exception is closed, so what is still unknown after it is a new one.
    else if (this.#waiting) this.#waiting.asked += 1
    return true
  }

  /** The order has ended: an edit that still waits is not carried out any more. */
  async end(order: Order, isShipped: boolean): Promise<void> {
    const { edit } = this.#waiting ?? {}
    this.#settle({ action: "keep", reason: isShipped ? "all that was left has shipped" : "the order was cancelled" })
    if (edit && isShipped) await raiseEdited(this.#step, order, { fact: edit.fact, edited: edit.data.order })
  }

  async #look(waiting: { edit: Edit; asked: number; look: number }, order: Order): Promise<Edit | undefined> {
    const { edit, look } = waiting
    const step = this.#step
    const articles = this.#newArticles(edit.data.order, order)
    const name = `${edit.fact}:${look}`
    const asSold = { ...order, lines: edit.data.order.lines }
    const found =
      articles.length > 0
        ? await findArticles(step, asSold, { ...this.#context, name, articles, names: this.#goods.names })
        : { unknown: [], names: {} }
    this.#goods = merged(this.#goods, { names: found.names, made: [] })
    if (found.unknown.length > 0) {
      const missing = found.unknown.map(({ article }) => ({ sku: article, milli: 1 }))
      await this.#wait(waiting, unknownText(asSold, found.unknown, `A change of order ${order.number}`))
      await noteMissing(step, order, { ...this.#context, name: `article:${name}`, missing })
      return undefined
    }
    const named = withArticles(edit.data.order, this.#goods.names)
    const sold = this.#newlySold(named, order)
    const { goods, unknownUnits } = await findGoods(step, order, { ...this.#context, name, sold })
    const [unknown] = unknownUnits
    if (unknown) {
      await this.#wait(waiting, unknownUnitText(order, unknown, `A change of order ${order.number}`))
      return undefined
    }
    this.#goods = merged(this.#goods, goods)
    if (look > 1) this.#settle(knownNow)
    this.#waiting = undefined
    return { ...edit, data: { ...edit.data, order: withGoods(edit.data.order, this.#goods) } }
  }

  /** The edit waits for an answer, and the rest of the order goes on. */
  async #wait(waiting: { edit: Edit; asked: number; look: number }, text: ExceptionText): Promise<void> {
    this.#waiting = waiting
    await this.#step.raise(nameOf(waiting.edit, waiting.asked), {
      ...text,
      ifNobodyActs: "the change waits, and the rest of the order goes on",
      allowedActions: ["retry", "keep"],
    })
  }

  /** Articles that an edit names as the channel does, and that the order did not have. */
  #newArticles(edited: Order, order: Order): string[] {
    const known = new Set(articlesOf(order))
    return [...new Set(articlesOf(edited))].filter(
      (one) => own(this.#goods.names, one) === undefined && !known.has(one),
    )
  }

  /** What of the edit is new, in the units it is sold in. What the order had before is what it was then. */
  #newlySold(edited: Order, order: Order): SoldAs[] {
    const lines = edited.lines.filter((line) => leavesShelf(line) && line.quantity.milli > 0)
    const whole = order.lines.map(({ sku, quantity: { unit } }) => ({ sku, unit }))
    const known = new Set([...this.#goods.made, ...soldAs(order), ...whole].map(nameOfSold))
    return soldAs({ lines }).filter((one) => !known.has(nameOfSold(one)))
  }

  #settle(how: { action: string; reason: string }): void {
    if (this.#waiting) this.#step.settle(nameOf(this.#waiting.edit, this.#waiting.asked), how)
    this.#waiting = undefined
  }
}

const nameOfSold = ({ sku, unit }: SoldAs) => `${unit}/${sku}`

const nameOf = (edit: Edit, asked: number) => part("article is unknown", `${edit.fact}:${asked}`)

function articlesOf(order: Order): string[] {
  return order.lines
    .filter((line) => leavesShelf(line) && line.quantity.milli > 0)
    .flatMap(({ sku, components = [] }) => [sku, ...components.map((one) => one.sku)])
}
