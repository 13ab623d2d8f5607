import { setTimeout as sleep } from "node:timers/promises"
import type { ShopOrder } from "../books/books.ts"
import type { Stage } from "../stage.ts"

/** An order that was just placed: its id in the shop. */
export interface Placed {
  id: number
}

const lookEveryMs = 500
// Longer than any order takes whose systems are down for a while; what has not happened by then is left out.
const patienceMs = 90_000

/** Buyers, the shop's staff, and time: what happens to an order in other systems after it was placed. */
export class People {
  readonly #stage: Stage

  constructor(stage: Stage) {
    this.#stage = stage
  }

  /** An action of the shop's admin or of the buyer, by its name in the lab. */
  inShop<Answer = unknown>({ id }: Placed, action: string, body: object = {}): Promise<Answer> {
    return this.#stage.lab("shopify", `orders/${id}/${action}`, { method: "POST", body }) as Promise<Answer>
  }

  /** Something that happens to a payment at its provider. */
  atProvider<Answer = unknown>(action: string, body: object): Promise<Answer> {
    return this.#stage.lab("stripe", action, { method: "POST", body }) as Promise<Answer>
  }

  /** The order as the shop has it now. */
  look({ id }: Placed): Promise<ShopOrder> {
    return this.#stage.lab("shopify", `orders/${id}`) as Promise<ShopOrder>
  }

  /** Waits until the order is so in the shop; false when that takes too long. */
  async until(order: Placed, is: (order: ShopOrder) => boolean): Promise<boolean> {
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline) {
      if (is(await this.look(order))) return true
      await sleep(lookEveryMs)
    }
    return false
  }

  /** Does something with a captured payment at its provider, as soon as it is captured; undefined when that takes too long. */
  async withCaptured(order: Placed, action: string, body: object = {}): Promise<string | undefined> {
    const hold = await this.holdOf(order)
    const deadline = Date.now() + patienceMs
    while (hold && Date.now() < deadline) {
      const { id } = await this.atProvider<{ id: string | null }>(action, { ...body, id: hold.id })
      if (id !== null) return id
      await sleep(lookEveryMs)
    }
    return undefined
  }

  /** The authorisation of the order at the payment provider. */
  async holdOf(order: Placed): Promise<{ id: string; amount: string } | undefined> {
    const { transactions } = await this.look(order)
    const hold = transactions.find(({ kind }) => kind === "authorization")
    return hold && { id: hold.payment_id, amount: hold.amount }
  }
}

/** Goods of the order have left, as the shop was told. */
export const hasLeft = ({ fulfillments }: ShopOrder): boolean => fulfillments.length > 0
