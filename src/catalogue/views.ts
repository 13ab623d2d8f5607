import { AppError } from "../base/errors.ts"
import type { Sql } from "../base/sql.ts"
import { epochMs, instant, type Clock, type Instant } from "../base/time.ts"
import type { PriceQuestion } from "../canonical/catalogue/price.ts"
import type { Scope } from "../canonical/catalogue/scope.ts"
import { ref } from "../canonical/refs.ts"
import { eventTypes, type EventName } from "../canonical/events.ts"
import { newestAbout } from "../eventlog/news/newest-about.ts"
import type { Ownership } from "../governance/ownership/own.ts"
import { lowestBefore, type LowestPrice } from "../rules/prices/lowest-price.ts"
import { validPrice, type PriceRecord, type ValidPrice } from "../rules/prices/valid-price.ts"
import { standing, valuesAt } from "../rules/values-at.ts"
import { completenessOf, type Completeness } from "./completeness.ts"
import type { CataloguePolicyBlock } from "./policies.ts"
import { pricesOf, shownOf, type KeptPrice } from "./prices.ts"
import { listProducts, productIdsOf, readProducts, type KeptProduct } from "./products.ts"

/** What views of the catalogue need. */
export interface Views {
  sql: Sql
  clock: Clock
  rules: readonly Ownership[]
  policies: CataloguePolicyBlock
}

/** A product as it stands: its values with their origin, and where it is complete. */
export interface ProductView extends KeptProduct {
  complete: Completeness[]
}

/** A product by its SKU, also an earlier one. With a place: the values that hold there. NOT_FOUND for others. */
export async function viewProduct(views: Views, sku: string, place?: Scope): Promise<ProductView> {
  const [product] = await readProducts(views.sql, [sku])
  if (!product) throw new AppError("NOT_FOUND", `there is no product ${sku.slice(0, 64)}`)
  const nowMs = views.clock.now()
  const view = viewOf(views, product)
  return place ? { ...view, values: valuesAt(product.values, place, nowMs) } : view
}

function viewOf({ policies, clock }: Views, product: KeptProduct): ProductView {
  const nowMs = clock.now()
  return {
    ...product,
    values: standing(product.values, nowMs),
    complete: completenessOf(product.values, policies.complete ?? [], nowMs),
  }
}

/** A page of products. */
export async function viewProducts(
  views: Views,
  page: { after?: string | undefined; beginning?: string | undefined; limit: number },
): Promise<{ items: ProductView[]; next?: string }> {
  const { items, next } = await listProducts(views.sql, page)
  return { items: items.map((product) => viewOf(views, product)), ...(next === undefined ? {} : { next }) }
}

const saidMax = 1000

/** What was said of a product or its prices and counted, the newest thousand first: who, when, by which fact and rule. */
export async function lineageOf(
  { sql }: Views,
  {
    sku,
    of,
    field,
    seesCosts,
  }: { sku: string; of: "product" | "price"; field?: string | undefined; seesCosts: boolean },
): Promise<object[]> {
  const known = (await productIdsOf(sql, [sku])).get(sku)
  if (!known) throw new AppError("NOT_FOUND", `there is no product ${sku.slice(0, 64)}`)
  const types = (Object.keys(eventTypes) as EventName[]).filter((name) => name.startsWith(`${of}.`))
  const events = await newestAbout(sql, ref(of, known.productId), { types, limit: saidMax })
  return events
    .map(({ type, fact, source, time, recordedAt, correlation, data }) => ({
      event: type,
      fact,
      source,
      time,
      recordedAt,
      correlation,
      ...data,
    }))
    .filter((one) => field === undefined || !("changes" in one) || one.changes.some((change) => change.field === field))
    .filter((one) => seesCosts || !("price" in one) || one.price?.type !== "cost")
    .reverse()
}

/** The price that holds, with the claim that may be made beside a reduced one. */
export interface PriceAnswer extends Omit<ValidPrice, "price"> {
  sku: string
  at: Instant
  price?: PriceRecord
  /** Of a sale price: the lowest price shown before it began. Absent when nothing is known: then nothing may be claimed. */
  lowestBefore?: LowestPrice
}

/** Which prices hold at a moment, one answer a question, in their order. */
export async function viewPrices(views: Views, questions: readonly PriceQuestion[]): Promise<PriceAnswer[]> {
  const ids = await productIdsOf(
    views.sql,
    questions.map(({ sku }) => sku),
  )
  const prices = await pricesOf(
    views.sql,
    [...ids.values()].map(({ productId }) => productId),
  )
  return Promise.all(
    questions.map(async (question) => {
      const { sku, at = instant(views.clock.now()) } = question
      const productId = ids.get(sku)?.productId
      const { price, ...answer } = validPrice(productId === undefined ? [] : (prices.get(productId) ?? []), {
        ...question,
        atMs: epochMs(at),
      })
      const claim = price && productId !== undefined ? await claimOf(views, { price, productId, question }) : undefined
      return { sku, at, ...(price ? { price } : {}), ...answer, ...(claim ? { lowestBefore: claim } : {}) }
    }),
  )
}

async function claimOf(
  { sql, policies }: Views,
  { price, productId, question }: { price: PriceRecord; productId: string; question: PriceQuestion },
): Promise<LowestPrice | undefined> {
  const { channel, market, currency } = question
  if (price.type !== "sale" || price.validity.from === undefined || channel === undefined) return undefined
  const shown = await shownOf(sql, { productId, channel, market })
  return lowestBefore(shown, {
    startsAt: price.validity.from,
    currency,
    ...(policies.lowestPriceDays === undefined ? {} : { days: policies.lowestPriceDays }),
  })
}

/** All live prices of an article. Cost prices only for those who may see them. */
export async function recordsOf({ sql }: Views, sku: string, seesCosts: boolean): Promise<KeptPrice[]> {
  const known = (await productIdsOf(sql, [sku])).get(sku)
  if (!known) throw new AppError("NOT_FOUND", `there is no product ${sku.slice(0, 64)}`)
  const records = (await pricesOf(sql, [known.productId])).get(known.productId) ?? []
  return records.filter(({ type }) => type !== "cost" || seesCosts)
}
