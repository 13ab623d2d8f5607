import { AppError } from "../../base/errors.ts"
import { storage } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../../eventlog/subscriber.ts"
import { productCandidates, productIdsOf, reportsBefore, type ReportBefore } from "../products.ts"
import { writePrices, type PriceRow } from "./price-writes.ts"
import { renameProduct, writeProducts, type ProductRow } from "./product-writes.ts"
import { writePromotions, type PromotionRow } from "./promotion-writes.ts"
import type { Author } from "../../governance/ownership/judge.ts"
import type { Outcome, Said, Writing } from "./writing.ts"

/** Judges what systems report about products, prices and promotions, in the order in which it came. */
export function reportsJudge(writing: Writing): Subscriber {
  return {
    name: "catalogue reports",
    types: ["product.reported", "price.reported", "promotion.reported", "change.adopted"],
    async handle(events) {
      const failures: Failure[] = []
      for (const batch of batches(events)) {
        // After the first failure of an article its later events wait for it.
        const open = batch.filter(({ key }) => !failures.some((failure) => failure.event.key === key))
        failures.push(...(await judge(writing, open)))
      }
      return failures
    },
  }
}

/** Neighbours of one source and one type, so that they are judged together and in their order. */
function batches(events: readonly StoredEvent[]): StoredEvent[][] {
  const made: StoredEvent[][] = []
  for (const event of events) {
    const last = made.at(-1)
    const [first] = last ?? []
    // One SKU or one record twice in a batch would be compared with what the read model does not show yet.
    const isNeighbour =
      first?.source === event.source &&
      first.type === event.type &&
      !last?.some((one) => one.key === event.key || (recordOf(one) !== undefined && recordOf(one) === recordOf(event)))
    if (last && isNeighbour) last.push(event)
    else made.push([event])
  }
  return made
}

/** The record that a report of a product comes from. */
function recordOf({ type, data }: StoredEvent): string | undefined {
  return type === "product.reported" ? (data as EventData<"product.reported">).record : undefined
}

/** Judges the reports of one source. What cannot count whoever said it is a failure: it is tried again, and then a person's. */
async function judge(writing: Writing, batch: readonly StoredEvent[]): Promise<Failure[]> {
  const [first] = batch
  if (!first) return []
  const said = { author: { name: first.source } }
  const outcomes = await write[first.type as keyof typeof write](writing, batch, said)
  const failed = batch.filter((_, n) => outcomes[n]?.problems !== undefined && outcomes[n]?.rule === undefined)
  return Promise.all(
    failed.map(async (event) => ({ event, error: await reasonOf(writing, event, outcomes[batch.indexOf(event)]) })),
  )
}

type Write = (writing: Writing, batch: readonly StoredEvent[], said: Said) => Promise<readonly Outcome[]>

const write = {
  "product.reported": async (writing, batch, said) => {
    const rows: (ProductRow | Outcome)[] = []
    for (const { data, fact, before } of await withBefore(writing, batch))
      rows.push(await rowOf(writing, data, { fact, said, before }))
    const written = await writeProducts(
      writing,
      rows.filter((row) => "sku" in row),
      said,
    )
    return rows.map((row) => ("sku" in row ? (written.shift() ?? { outcome: "refused" }) : row))
  },
  "price.reported": (writing, batch, said) =>
    writePrices(
      writing,
      batch.map(({ data, fact }) => ({ ...(data as EventData<"price.reported">), fact })),
      said,
    ),
  "promotion.reported": (writing, batch, said) =>
    writePromotions(
      writing,
      batch.map(({ data, fact }) => ({ ...(data as EventData<"promotion.reported">), fact })),
      said,
    ),
  "change.adopted": async (writing, batch) => {
    const outcomes: Outcome[] = []
    for (const { data } of batch) outcomes.push(await adopt(writing, data as EventData<"change.adopted">))
    return outcomes
  },
} satisfies Record<string, Write>

type ReportOfRecord = { fact: string; data: EventData<"product.reported">; before: ReportBefore | undefined }

/** Reports with what is known of their records from those before them. */
async function withBefore({ sql }: Writing, batch: readonly StoredEvent[]): Promise<ReportOfRecord[]> {
  const reports = batch.map(({ source, data, fact }) => ({ source, fact, data: data as EventData<"product.reported"> }))
  const recorded = reports.filter(({ data }) => data.record !== undefined)
  const before = await reportsBefore(
    sql,
    recorded.map(({ source, data: { record = "", sku, at } }) => ({ source, record, sku, at })),
  )
  return reports.map((report) => ({ ...report, before: before[recorded.indexOf(report)] }))
}

/** What a report wants to change, under the name its product has; or why it cannot have the new name. */
async function rowOf(
  writing: Writing,
  { sku, changes, renamedFrom, at }: EventData<"product.reported">,
  { fact, said, before }: { fact: string; said: Said; before: ReportBefore | undefined },
): Promise<ProductRow | Outcome> {
  const from = renamedFrom ?? before?.sku
  if (from === undefined) {
    const known = before?.isShared ? (await productIdsOf(writing.sql, [sku])).get(sku) : undefined
    // The record that told it first has gone on under another name, and its product with it.
    return known && known.sku !== sku
      ? givenAway(`${sku} is an earlier name of ${known.sku}, and a SKU is never given to another product`)
      : { sku, changes, at, fact }
  }
  const renamed = await renameProduct(writing, { from, to: sku, at, fact: `${fact}:renamed` }, said)
  // A product that we never knew by its old name begins with the new one.
  if (renamed.productId === undefined) return { sku, changes, at, fact }
  return renamed.problems ? renamed : { sku: from, changes, at, fact }
}

/** Why a report cannot count; of an article that nobody knows with those that look like it (P-24). */
async function reasonOf({ sql }: Writing, { data }: StoredEvent, outcome: Outcome | undefined): Promise<AppError> {
  const why = outcome?.why ?? "it cannot count"
  if (outcome?.problems?.[0]?.pointer !== "/sku" || !("sku" in data)) return new AppError("TRANSLATION_FAILED", why)
  const candidates = await productCandidates(sql, data.sku)
  const nearest = candidates.length > 0 ? `; the nearest are ${candidates.join(", ")}` : ""
  return new AppError("STOCK_UNKNOWN", `no product has the SKU ${data.sku}${nearest}`)
}

const givenAway = (why: string): Outcome => ({ outcome: "refused", why, problems: [{ pointer: "", message: why }] })

type HeldChange =
  | (ProductRow & { productId: string })
  | (PriceRow & { productId: string })
  | PromotionRow
  | { renamed: { from: string; to: string } }

/** What a person adopted counts as it was written: no rule and no guard stands against it any more. */
async function adopt(writing: Writing, { exceptionId, by, at }: EventData<"change.adopted">): Promise<Outcome> {
  const [held] = await storage(
    () => writing.sql<{ change: HeldChange; said_by: string }[]>`
      select change, said_by from held_changes where exception_id = ${exceptionId}`,
  )
  if (!held) return { outcome: "unchanged" }
  const adopting: Writing = { ...writing, isAdopted: true, policies: { ...writing.policies, guards: {} } }
  const author: Author = { name: held.said_by }
  const said = { author, fact: `adopted:${exceptionId}:${by}` }
  const { change } = held
  const { fact } = said
  if ("renamed" in change) return renameProduct(adopting, { ...change.renamed, at, fact }, said)
  const [outcome = { outcome: "unchanged" } as const] =
    "changes" in change
      ? await writeProducts(adopting, [{ ...change, at, fact }], said)
      : "record" in change
        ? await writePrices(adopting, [{ ...change, at, fact }], said)
        : await writePromotions(adopting, [{ ...change, at, fact }], said)
  return outcome
}
