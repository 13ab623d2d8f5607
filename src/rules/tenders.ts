import { sumMoney } from "../base/money.ts"
import type { Order, Tender } from "../canonical/order.ts"
import type { MoneyPair } from "../canonical/parts.ts"

/** A change of a tender as it was told; the fact begins with the name of the system that told it. */
export interface TenderChange {
  fact: string
  data: { tender: Tender }
}

// A tender's state only advances: facts may arrive in any order, and the most advanced state counts (P-07).
const rank: Record<Tender["state"], number> = { pending: 0, authorised: 1, captured: 2, failed: 3 }

/**
 * Tenders of an order after the reported changes, in whatever order they were reported. A tender keeps the amount of its least
 * advanced state, and counts as captured once the captures add up to it. A tender that failed after a part of it was captured
 * is captured with that part.
 */
export function tendersAfter(order: Order, changes: readonly TenderChange[]): Tender[] {
  const taken = takenAsTold(order, changes)
  const told = [...order.tenders, ...changes.map(({ data }) => data.tender)]
  return [...Map.groupBy(told, ({ id }) => id)].flatMap(([id, facts]) => {
    const ranked = [...facts].sort((a, b) => rank[a.state] - rank[b.state])
    const [first] = ranked
    if (!first) return []
    const reference = ranked.find((fact) => fact.reference !== undefined)?.reference
    return [{ ...first, ...standing(ranked, taken.get(id)), ...(reference === undefined ? {} : { reference }) }]
  })
}

/** State and amount of a tender: `ranked` is what was told of it, `taken` the captured part. */
function standing(ranked: readonly Tender[], taken: MoneyPair | undefined): Pick<Tender, "state" | "amount"> {
  const [first] = ranked
  const last = ranked.at(-1)
  if (!first || !last) throw new TypeError("a tender that nobody told of")
  const { amount } = first
  const isWhole = taken !== undefined && taken.presentment.amountMinor >= amount.presentment.amountMinor
  if (!taken || isWhole) return { state: last.state, amount }
  if (last.state === "failed") return { state: "captured", amount: taken }
  const rest = ranked.filter(({ state }) => state !== "captured").at(-1)
  return { state: rest?.state ?? "captured", amount }
}

/** What was captured of each tender. Several may tell of the same captures, so whoever tells of most counts. */
export function takenAsTold(order: Order, changes: readonly TenderChange[]): Map<string, MoneyPair> {
  const most = new Map<string, MoneyPair>()
  const hear = (id: string, amount: MoneyPair) => {
    if ((most.get(id)?.presentment.amountMinor ?? -1) < amount.presentment.amountMinor) most.set(id, amount)
  }
  for (const { id, state, amount } of order.tenders) if (state === "captured") hear(id, amount)
  const sums = new Map<string, MoneyPair>()
  for (const { fact, data } of changes) {
    const { id, state, amount } = data.tender
    if (state !== "captured") continue
    const teller = `${fact.slice(0, fact.indexOf(":"))}\n${id}`
    const before = sums.get(teller)
    const sum = before ? plus(before, amount) : amount
    sums.set(teller, sum)
    hear(id, sum)
  }
  return most
}

const plus = (a: MoneyPair, b: MoneyPair): MoneyPair => ({
  shop: sumMoney([a.shop, b.shop], a.shop.currency),
  presentment: sumMoney([a.presentment, b.presentment], a.presentment.currency),
})

/** The edited order. A channel that reports payments separately leaves them out of edits; then the known ones stay, and `added` ones come. */
export function withTenders(edited: Order, before: Order, added: readonly Tender[] = []): Order {
  return edited.tenders.length > 0 ? edited : { ...edited, tenders: [...before.tenders, ...added] }
}
