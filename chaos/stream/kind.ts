import type { Random } from "../../lab/random.ts"
import type { RightEnd } from "../../src/rules/tie-out/kinds.ts"
import type { Placed, People } from "./people.ts"

/** The body of `POST /__lab/orders` for one order. */
export interface Wish {
  /** Names from lab/shopify/orders/oddities.ts; absent: chosen by chance. */
  odd?: readonly string[]
  /** Names from lab/shopify/shapes/names.ts; absent: chosen by chance. */
  shapes?: readonly string[]
  /** `held`: by the shop's own payments; `authorised`: at the payment provider. */
  payment?: "paid" | "authorised" | "held" | "pending"
  skus?: readonly string[]
  /** All of it may begin to leave only after this time. */
  scheduled?: { afterMs: number }
}

/** One kind of order: how it comes about, what people do to it afterwards, and how it must end. */
export interface OrderKind {
  kind: string
  /** How often it comes among the odd ones, compared with the others. */
  weight: number
  wish: Wish | ((random: Random) => Wish)
  /** Longest pause before that; absent: some seconds, so that it hits an order at any moment of its way. */
  afterMsMax?: number
  later?: (people: People, order: Placed) => Promise<void>
  right: RightEnd
}

/** An order as the web shop sells it: all of it leaves, all of its money stays, and nobody is asked. */
export const asUsual: RightEnd = { ends: ["closed"], leaves: "all", keeps: "value", asks: [] }
