import { canonicalJson } from "../../base/ids.ts"
import { moneyText } from "../../base/money.ts"
import type { Aspect, PublishedRow, ShownPrice } from "./row.ts"

/** What may explain that a channel shows something else than before, without anybody's edit. */
export interface Explanation {
  /** Sold by the channel and not reserved here yet. */
  unseenMilli: number
  /** Reserved for the channel's orders since the row was last observed. */
  newMilli: number
  /** Given back since then: a shop puts the goods of a cancelled order back by itself. */
  givenBackMilli: number
}

/** What the values of an aspect are. */
interface ValueKind<Value> {
  /** The aspect in words: "the channel refuses stock". */
  name: string
  same(one: Value, other: Value): boolean
  /** What is shown of a wanted value where people adopted another. */
  under(wanted: Value, adopted: Value): Value
  /** A value of somebody else, as it is adopted. */
  adopted(seen: Value): Value
  /** Shown of what is withdrawn; undefined where nothing is withdrawn. */
  withdrawn: Value | undefined
  /** 0 recalls, 1 what must not stand, 2 what costs, 3 the rest; within a rank by the share that is wrong. */
  urgency(desired: Value, observed: Value): { rank: number; risk: number }
  isExplained(seen: Value, before: Value, explanation: Explanation): boolean
  text(value: Value | null): string
  /** What is odd about another's value. */
  isOdd: string
}

const stock: ValueKind<number> = {
  name: "stock",
  same: (one, other) => one === other,
  under: Math.min,
  // Never less than nothing, where the channel oversold.
  adopted: (seen) => Math.max(0, seen),
  withdrawn: 0,
  // To zero first, then falls: what is shown too much can be sold twice.
  urgency(desired, observed) {
    const risk = Math.abs(observed - desired) / (Math.max(0, Math.min(observed, desired)) + 1000)
    return { rank: desired < observed ? (desired === 0 ? 1 : 2) : 3, risk }
  },
  isExplained(seen, before, { unseenMilli, newMilli, givenBackMilli }) {
    return seen < before ? before - seen <= unseenMilli + newMilli : seen - before <= givenBackMilli
  },
  text: (milli) => (milli === null ? "nothing known" : String(milli / 1000)),
  isOdd: "which is nobody's order",
}

/** Somebody's edit of these is never a sale. */
const said = { adopted: <Value>(seen: Value) => seen, withdrawn: undefined, isExplained: () => false }
const isSame = (one: unknown, other: unknown) => canonicalJson(one) === canonicalJson(other)
const oddEdit = "which its owner did not say"

const price: ValueKind<ShownPrice> = {
  ...said,
  name: "prices",
  same: isSame,
  // A price cannot be taken away, so none is nothing to adopt.
  under: (wanted, adopted) => ("none" in adopted ? wanted : adopted),
  // A price that is too low is bought at.
  urgency(desired, observed) {
    if ("none" in desired || "none" in observed) return { rank: 3, risk: 0 }
    const share = Math.abs(desired.amountMinor - observed.amountMinor) / Math.max(1, desired.amountMinor)
    return { rank: observed.amountMinor < desired.amountMinor ? 1 : 2, risk: share }
  },
  text(shown) {
    if (shown === null) return "nothing known"
    if ("none" in shown) return "no price"
    const { currency, amountMinor, compareAtMinor } = shown
    const was =
      compareAtMinor === undefined ? "" : ` instead of ${moneyText({ currency, amountMinor: compareAtMinor })}`
    return `${moneyText({ currency, amountMinor })}${was}`
  },
  isOdd: oddEdit,
}

/** The states in which a channel sells nothing. */
const offSale: ReadonlySet<string> = new Set(["draft", "archived"])

const product: ValueKind<string> = {
  ...said,
  name: "products",
  same: isSame,
  under: (_wanted, adopted) => adopted,
  urgency: (desired, observed) => ({ rank: offSale.has(desired) && !offSale.has(observed) ? 0 : 3, risk: 0 }),
  text: (shown) => (shown === null ? "nothing known" : `"${shown.slice(0, 80)}"`),
  isOdd: oddEdit,
}

const kinds: Record<Aspect, unknown> = { stock, price, product }

/** What the values of a row are. */
export function kindOf<Value>({ aspect }: Pick<PublishedRow<Value>, "aspect">): ValueKind<Value> {
  // A row's values are those of its aspect.
  return kinds[aspect] as ValueKind<Value>
}
