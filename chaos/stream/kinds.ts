import type { Random } from "../../lab/random.ts"
import { atProvider } from "./at-provider.ts"
import { changes, everyday } from "./changes.ts"
import { goods } from "./goods.ts"
import { asUsual, type OrderKind } from "./kind.ts"
import { payments } from "./payments.ts"
import { sales } from "./sales.ts"
import { written } from "./written.ts"

/** An order of the web shop with nothing special about it. */
export const plain: OrderKind = { kind: "web order", weight: 1, wish: {}, right: asUsual }

/** Odd orders, by area; a new kind is an entry in one of these. */
const odd: readonly OrderKind[] = [...sales, ...payments, ...atProvider, ...goods, ...changes, ...written]

/** All kinds, in the order of the report. */
export const kinds: readonly OrderKind[] = [plain, ...everyday, ...odd]

// Of all orders that are not odd: what is cancelled, and what is changed.
const everydayShare = 0.04

/** The kind of the next order. */
export function nextKind(random: Random, oddShare: number): OrderKind {
  if (random.chance(oddShare)) return pick(random, odd)
  return random.chance(everydayShare) ? pick(random, everyday) : plain
}

function pick(random: Random, among: readonly OrderKind[]): OrderKind {
  let left = random.next() * among.reduce((sum, { weight }) => sum + weight, 0)
  for (const kind of among) if ((left -= kind.weight) < 0) return kind
  return among.at(-1) ?? plain
}
