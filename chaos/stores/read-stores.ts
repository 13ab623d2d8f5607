import { setTimeout as sleep } from "node:timers/promises"
import type { StoresBook } from "../books/stores-book.ts"
import { pages } from "../books/pages.ts"
import type { Stage } from "../stage.ts"
import type { ChaosStore } from "./store.ts"
import { storeArticles } from "./till.ts"

const postedWithinMs = 60_000

/** Reads what the tie-out of the stores compares. */
export async function readStores(
  stage: Stage,
  { stores, days, openingMilli }: { stores: readonly ChaosStore[]; days: readonly string[]; openingMilli: number },
): Promise<Omit<StoresBook, "webOrders">> {
  const dayViews: StoresBook["days"][number][] = []
  for (const { storeId } of stores)
    for (const day of days)
      dayViews.push((await stage.api(`/v1/store-days/${storeId}/${day}`)) as StoresBook["days"][number])
  const troubles: Record<string, number> = {}
  for (const { troubles: own } of stores)
    for (const [trouble, count] of own) troubles[trouble] = (troubles[trouble] ?? 0) + count
  const unanswered = stores.flatMap(({ senders }) => senders).reduce((sum, sender) => sum + sender.unanswered, 0)
  return {
    storeIds: stores.map(({ storeId }) => storeId),
    printed: stores.flatMap(({ tills }) => tills.flatMap(({ paper }) => paper)),
    looks: stores.flatMap(({ looks }) => looks),
    days: dayViews,
    entries: await entriesWhenPosted(stage, dayViews),
    stock: await stockOf(stage, { stores, openingMilli }),
    complaints: (await Promise.all(stores.map((store) => complaintsOf(stage, store)))).flat(),
    differing: await differingOf(stage, stores),
    troubles: { ...troubles, "requests without an answer": unanswered },
  }
}

/** The entries in the books, once each closing's are there or it has taken too long. */
async function entriesWhenPosted(stage: Stage, days: StoresBook["days"]): Promise<StoresBook["entries"]> {
  const wanted = days.flatMap(({ closures }) =>
    closures.flatMap(({ entries }) => entries.map(({ entryId }) => entryId)),
  )
  const deadline = Date.now() + postedWithinMs
  for (;;) {
    const { entries } = (await stage.lab("books", "books")) as { entries: StoresBook["entries"] }
    const posted = new Set(entries.map(({ entryId }) => entryId))
    if (wanted.every((id) => posted.has(id)) || Date.now() > deadline) return entries
    await sleep(1000)
  }
}

async function stockOf(
  stage: Stage,
  { stores, openingMilli }: { stores: readonly ChaosStore[]; openingMilli: number },
): Promise<StoresBook["stock"]> {
  const items = stores.flatMap(({ storeId }) => storeArticles.map(({ sku }) => ({ sku, locationId: storeId })))
  const answer = (await stage.api("/v1/availability/query", { method: "POST", body: { items } })) as {
    items: { sku: string; locationId: string; onHandMilli: number }[]
  }
  return answer.items.map(({ sku, locationId, onHandMilli }) => ({
    storeId: locationId,
    sku,
    openingMilli,
    onHandMilli,
  }))
}

/** Rows that a rebuild of the views of sales would change. */
async function differingOf(stage: Stage, stores: readonly ChaosStore[]): Promise<object[]> {
  const differing: object[] = []
  for (const { storeId } of stores) {
    let cursor: string | undefined
    do {
      const body = { storeId, dryRun: true, ...(cursor === undefined ? {} : { cursor }) }
      const part = await stage.api("/v1/sales/rebuild", { method: "POST", body })
      const found = part as { items: object[]; cursor?: string }
      differing.push(...found.items)
      cursor = found.cursor
    } while (cursor !== undefined)
  }
  return differing
}

/** What tills and agents should not have to say. */
async function complaintsOf(stage: Stage, { storeId, agent, senders }: ChaosStore): Promise<string[]> {
  const refused = senders.flatMap((sender) => sender.refused)
  const outstanding = await pages(stage, "/v1/sales/outstanding", `&storeId=${storeId}`)
  const still = outstanding.map((gap) => `is still outstanding: ${JSON.stringify(gap)}`)
  if (!agent) return [...refused, ...still].map((text) => `store ${storeId}: ${text}`)
  const { incidents, refused: unread } = await agent.health()
  const breaks = await agent.breaks()
  return [
    ...refused,
    ...still,
    ...breaks.map((one) => `its agent's journal has a break: ${JSON.stringify(one)}`),
    ...incidents.filter(({ isTold }) => !isTold).map(({ what }) => `the centre was not told: ${what}`),
    ...(unread > 0 ? [`the centre refused ${unread} receipts of its agent`] : []),
  ].map((text) => `store ${storeId}: ${text}`)
}
