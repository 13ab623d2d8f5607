import { money, type Money } from "../../base/money.ts"
import type { Ref } from "../../canonical/refs.ts"
import { amountText, type Finding } from "./finding.ts"

/** What must have become of an order of one kind when nothing is under way any more. */
export interface RightEnd {
  /** States that are right; "unknown" where it must never become an order. */
  ends: readonly string[]
  /** What must have left our shelves of that which the channel says is sold: "all" of what is left of the order, or "nothing". */
  leaves: "all" | "nothing" | "either"
  /** What must be left of the buyer's money: the "value" that the channel says the order has, or "nothing". */
  keeps: "value" | "nothing" | "either"
  /** Causes about which a person expects to be asked; a cause may go on after the words given here. */
  asks: readonly string[]
}

/** An order whose kind is known, and what became of it. */
export interface OrderOfKind {
  order: Ref
  kind: string
  /** "unknown" when it is not in the order book. */
  state: string
  /** Causes of its exceptions, decided ones too: somebody was asked. */
  causes: readonly string[]
  /** A sold-out world or a rejected buyer ended it in another way than its kind does; that is checked elsewhere. */
  isEndedByOthers: boolean
  wantedMilli: number
  leftMilli: number
  /** In the buyer's currency, as the channel has it now. */
  value: Money
  kept: Money
  /** The most by which money may differ because cash is rounded. */
  roundingMinor: number
}

/** What became of the orders of one kind. */
export interface KindRow {
  kind: string
  orders: number
  endedRight: number
  asked: number
  askedUnexpectedly: number
}

/** Orders that did not end as their kind must. */
export function findWrongEnds(orders: readonly OrderOfKind[], ends: ReadonlyMap<string, RightEnd>): Finding[] {
  return orders.flatMap((order): Finding[] => {
    const right = ends.get(order.kind)
    const difference = right && !order.isEndedByOthers ? differenceOf(order, right) : undefined
    return difference ? [{ about: order.order, atRisk: order.value, ...difference }] : []
  })
}

type Difference = Pick<Finding, "what" | "expected" | "found">

function differenceOf(order: OrderOfKind, right: RightEnd): Difference | undefined {
  const { kind, state, leftMilli, wantedMilli, kept, value, roundingMinor } = order
  const wrong = (what: string, expected: string, found: string) => ({ what: `(${kind}) ${what}`, expected, found })
  if (!right.ends.includes(state)) return wrong("ended otherwise", right.ends.join(" or "), state)
  const mustLeaveMilli = right.leaves === "all" ? wantedMilli : 0
  if (right.leaves !== "either" && leftMilli !== mustLeaveMilli)
    return wrong("sent another quantity", units(mustLeaveMilli), units(leftMilli))
  if (right.keeps === "either") return undefined
  const mustKeep = right.keeps === "value" ? value : money(0, value.currency)
  if (Math.abs(kept.amountMinor - mustKeep.amountMinor) > roundingMinor)
    return wrong("kept other money", amountText(mustKeep), amountText(kept))
  return undefined
}

/** Orders about which a person was asked without expecting it, with the causes. */
export function findUnexpectedQuestions(
  orders: readonly OrderOfKind[],
  { ends, anyKind }: { ends: ReadonlyMap<string, RightEnd>; anyKind: readonly string[] },
): Finding[] {
  return orders.flatMap((order) => {
    const expected = [...(ends.get(order.kind)?.asks ?? []), ...anyKind]
    const surprising = order.causes.filter((cause) => !expected.some((known) => cause.startsWith(known)))
    if (surprising.length === 0) return []
    const what = `(${order.kind}) asked a person who does not expect it`
    return [{ about: order.order, what, expected: "nothing asked", found: surprising.join(", "), atRisk: null }]
  })
}

/** One row a kind, in the order of the kinds. */
export function kindRows(
  orders: readonly OrderOfKind[],
  { wrong, unexpected, kinds }: { wrong: readonly Finding[]; unexpected: readonly Finding[]; kinds: readonly string[] },
): KindRow[] {
  const wrongOnes = new Set(wrong.map(({ about }) => about))
  const surprising = new Set(unexpected.map(({ about }) => about))
  const byKind = Map.groupBy(orders, ({ kind }) => kind)
  return kinds.flatMap((kind) => {
    const own = byKind.get(kind) ?? []
    if (own.length === 0) return []
    const asked = own.filter(({ causes, order }) => causes.length > 0 && !surprising.has(order))
    return [
      {
        kind,
        orders: own.length,
        endedRight: own.filter(({ order }) => !wrongOnes.has(order)).length,
        asked: asked.length,
        askedUnexpectedly: own.filter(({ order }) => surprising.has(order)).length,
      },
    ]
  })
}

/** Whether few enough orders needed a person who did not expect it; the share is at least one order, so that a small run can pass. */
export function isFewEnough(unexpected: number, orders: number, shareMax: number): boolean {
  return unexpected <= Math.max(1, Math.floor(orders * shareMax))
}

const units = (milli: number) => String(milli / 1000)
