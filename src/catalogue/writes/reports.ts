import { storage } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import { writePrices, type PriceRow } from "./price-writes.ts"
import { renameProduct, writeProducts, type ProductRow } from "./product-writes.ts"
import { writePromotions, type PromotionRow } from "./promotion-writes.ts"
import type { Author } from "../../governance/ownership/judge.ts"
import type { Writing } from "./writing.ts"

/** Judges what systems report about products, prices and promotions, in the order in which it came. */
export function reportsJudge(writing: Writing): Subscriber {
  return {
    name: "catalogue reports",
    types: ["product.reported", "price.reported", "promotion.reported", "change.adopted"],
    async handle(events) {
      // Products first: a price that came with its product finds it.
      for (const batch of batches(events)) await judge(writing, batch)
      return []
    },
  }
}

/** Neighbours of one source and one type, so that they are judged together and in their order. */
function batches(events: readonly StoredEvent[]): StoredEvent[][] {
  const made: StoredEvent[][] = []
  for (const event of events) {
    const last = made.at(-1)
    const [first] = last ?? []
    // One SKU twice in a batch would be compared with what the read model does not show yet.
    const isNeighbour =
      first?.source === event.source && first.type === event.type && !last?.some(({ key }) => key === event.key)
    if (last && isNeighbour) last.push(event)
    else made.push([event])
  }
  return made
}

async function judge(writing: Writing, batch: readonly StoredEvent[]): Promise<void> {
  const [first] = batch
  if (!first) return
  const said = { author: { name: first.source } }
  const facts = { product: [] as ProductRow[], price: [] as PriceRow[], promotion: [] as PromotionRow[] }
  for (const { type, data, fact } of batch) {
    if (type === "product.reported") {
      const { sku, changes, renamedFrom, at } = data as EventData<typeof type>
      if (renamedFrom !== undefined)
        await renameProduct(writing, { from: renamedFrom, to: sku, at, fact: `${fact}:renamed` }, said)
      facts.product.push({ sku: renamedFrom ?? sku, changes, at, fact })
    }
    if (type === "price.reported") facts.price.push({ ...(data as EventData<typeof type>), fact })
    if (type === "promotion.reported") facts.promotion.push({ ...(data as EventData<typeof type>), fact })
    if (type === "change.adopted") await adopt(writing, data as EventData<typeof type>)
  }
  if (facts.product.length > 0) await writeProducts(writing, facts.product, said)
  if (facts.price.length > 0) await writePrices(writing, facts.price, said)
  if (facts.promotion.length > 0) await writePromotions(writing, facts.promotion, said)
}

type HeldChange =
  | (ProductRow & { productId: string })
  | (PriceRow & { productId: string })
  | PromotionRow
  | { renamed: { from: string; to: string } }

/** What a person adopted counts as it was written: no rule and no guard stands against it any more. */
async function adopt(writing: Writing, { exceptionId, by, at }: EventData<"change.adopted">): Promise<void> {
  const [held] = await storage(
    () => writing.sql<{ change: HeldChange; said_by: string }[]>`
      select change, said_by from held_changes where exception_id = ${exceptionId}`,
  )
  if (!held) return
  const author: Author = { name: held.said_by }
  const unguarded: Writing = {
    ...writing,
    rules: writing.rules.map((rule) => ({ ...rule, owner: author.name })),
    policies: { ...writing.policies, guards: {} },
  }
  const said = { author, fact: `adopted:${exceptionId}:${by}` }
  const { change } = held
  const fact = said.fact
  if ("changes" in change) await writeProducts(unguarded, [{ ...change, at, fact }], said)
  else if ("record" in change) await writePrices(unguarded, [{ ...change, at, fact }], said)
  else if ("promotionId" in change) await writePromotions(unguarded, [{ ...change, at, fact }], said)
  else await renameProduct(unguarded, { ...change.renamed, at, fact }, said)
}
