import type { Money } from "../../base/money.ts"
import { canonicalJson, contentDigest } from "../../base/ids.ts"
import type { Problem } from "../../base/errors.ts"
import { epochMs, instant, type Instant } from "../../base/time.ts"
import type { Override } from "../../canonical/catalogue/field-change.ts"
import type { Price } from "../../canonical/catalogue/price.ts"
import { newEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { brokenGuard, priceProblems } from "../../rules/prices/guards.ts"
import { validPrice } from "../../rules/prices/valid-price.ts"
import { pricesByRecord, pricesOf, recordKey, type KeptPrice } from "../prices.ts"
import { productIdOf, productIdsOf } from "../products.ts"
import {
  foreignWrite,
  refusedRow,
  saidAt,
  stopSystemic,
  store,
  unchanged,
  verdictOf,
  type Decided,
  type Outcome,
  type Said,
  type Writing,
} from "./writing.ts"

/** A price that somebody wants to set, or to end. */
export interface PriceRow {
  sku: string
  record: string
  price?: Price
  ended?: true
  override?: Override
  at?: Instant
  fact?: string
}

/** What became of one price. */
export interface PriceOutcome extends Outcome {
  sku: string
  record: string
}

type Now = PriceRow & { at: Instant }

interface Target {
  productId: string
  sku: string
  /** The same record until now. */
  before: (KeptPrice & { isEnded: boolean }) | undefined
  /** Other prices of the product. */
  beside: readonly KeptPrice[]
}

/** Writes prices. One row that fails costs no other; nothing is written twice. */
export async function writePrices(writing: Writing, rows: readonly PriceRow[], said: Said): Promise<PriceOutcome[]> {
  const { sql } = writing
  const now = instant(writing.clock.now())
  const source = said.author.name
  const [ids, records] = await Promise.all([
    productIdsOf(
      sql,
      rows.map(({ sku }) => sku),
    ),
    pricesByRecord(
      sql,
      rows.map(({ record }) => ({ source, record })),
    ),
  ])
  const beside = await pricesOf(sql, [...new Set([...ids.values()].map(({ productId }) => productId))])
  // Of two rows of one record the second is compared with the first.
  const within = new Map(records)
  const decided = rows.map((row): Decided => {
    const known = ids.get(row.sku)
    if (!known && !writing.policies.createsProducts) {
      const unknown = refusedRow([{ pointer: "/sku", message: "no product has this SKU" }])
      // A report waits for its product, however many others wait.
      return row.fact === undefined ? unknown : { result: unknown.result, events: [] }
    }
    const { productId, sku } = known ?? { productId: productIdOf(row.sku), sku: row.sku }
    const key = recordKey({ source, record: row.record })
    const before = within.get(key)
    const one = { ...row, at: saidAt(row.at, now, before?.at) }
    const made = judgePrice(writing, {
      row: one,
      said,
      target: { productId, sku, before, beside: beside.get(productId) ?? [] },
    })
    const event = made.events.find(({ type }) => type === "price.changed")
    if (event && row.ended && before) within.set(key, { ...before, at: one.at, isEnded: true })
    if (event && row.price)
      within.set(key, {
        ...row.price,
        source,
        record: row.record,
        productId,
        layer: row.override ? "override" : "owned",
        rule: "",
        policy: "",
        at: one.at,
        fact: event.fact,
        isEnded: false,
      })
    return made
  })
  const results = await store(writing, stopSystemic(decided, said, now))
  return rows.map(({ sku, record }, n) => ({ sku, record, outcome: "refused", ...results[n] }))
}

function judgePrice(writing: Writing, { row, target, said }: { row: Now; target: Target; said: Said }): Decided {
  const price = row.price === undefined ? undefined : limited(row.price, row)
  const subject = price ?? target.before
  if (row.ended && (!target.before || target.before.isEnded)) return unchanged
  if (!subject) return refusedRow([{ pointer: "/price", message: "a row has a price, or ends one that is there" }])
  const problems = price ? [...recordProblems(target, row), ...inPrice(priceProblems(price))] : []
  if (problems.length > 0) return refusedRow(problems)
  if (target.before && isKnown(target.before, price, row)) return unchanged
  const { market, channel, location } = subject.scope
  const verdict = verdictOf(writing, {
    field: `price.${subject.type}`,
    scope: { ...(market && { market }), ...(channel && { channel }), ...(location && { location }) },
    author: said.author,
    at: row.at,
    ...(row.override && price
      ? { override: row.override, amounts: { wanted: price.amount, owners: ownersPrice(target, price, row) } }
      : {}),
  })
  const change = {
    productId: target.productId,
    sku: target.sku,
    record: row.record,
    ...(price ? { price } : { ended: true }),
    ...(row.override ? { override: row.override } : {}),
  }
  const foreign = (broken: { kind: "held"; rule: string; why: string } | Extract<typeof verdict, { why: string }>) =>
    foreignWrite({
      verdict: broken,
      said: row.fact === undefined ? said : { ...said, fact: row.fact },
      writing,
      about: ref("product", target.productId),
      sku: target.sku,
      change,
      at: row.at,
    })
  if ("why" in verdict) return foreign(verdict)
  const guard =
    price &&
    brokenGuard(price, { before: target.before?.amount, cost: costOf(target, price) }, writing.policies.guards ?? {})
  if (guard) return foreign({ kind: "held", rule: guard.name, why: guard.why })
  return {
    result: { outcome: verdict.kind, rule: verdict.rule },
    events: [changedEvent(writing, { row, target, said, price, rule: verdict.rule })],
  }
}

const inPrice = (problems: readonly Problem[]) => problems.map((one) => ({ ...one, pointer: `/price${one.pointer}` }))

/** A record that stands already is neither given to another product nor lost to an override. */
function recordProblems({ before, productId }: Target, { override }: Now): Problem[] {
  if (!before || before.isEnded) return []
  const message =
    before.productId !== productId
      ? "is the record of a price of another product"
      : override && before.layer === "owned"
        ? "is the record of a price that is no override; an override takes a record of its own"
        : undefined
  return message === undefined ? [] : [{ pointer: "/record", message }]
}

/** A price by an override ends with it. */
function limited(price: Price, { override }: Now): Price {
  if (!override) return price
  const { until } = price.validity
  const ends = until !== undefined && epochMs(until) < epochMs(override.until) ? until : override.until
  return { ...price, validity: { ...price.validity, until: ends } }
}

function isKnown(before: KeptPrice & { isEnded: boolean }, price: Price | undefined, { at }: Now): boolean {
  if (epochMs(at) < epochMs(before.at)) return true
  if (!price) return false
  const { type, amount, taxBasis, scope, validity, rank, compareAt } = before
  const known = {
    type,
    amount,
    taxBasis,
    scope,
    validity,
    ...(rank === undefined ? {} : { rank }),
    ...(compareAt ? { compareAt } : {}),
  }
  return !before.isEnded && canonicalJson(known) === canonicalJson(price)
}

/** What the owner says a buyer pays where the override is to hold. */
function ownersPrice({ beside }: Target, { scope, amount }: Price, { sku, at }: Now): Money | undefined {
  const { market, channel, location, group, unit, minMilli: milli } = scope
  const asked = Object.fromEntries(
    Object.entries({ market, channel, location, group, unit, milli }).filter(([, value]) => value !== undefined),
  )
  const owned = beside.filter(({ layer }) => layer === "owned")
  return validPrice(owned, { sku, currency: amount.currency, atMs: epochMs(at), ...asked }).price?.amount
}

function costOf({ beside }: Target, { amount, scope: { unit } }: Price): Money | undefined {
  return beside.find((one) => one.type === "cost" && one.amount.currency === amount.currency && one.scope.unit === unit)
    ?.amount
}

function changedEvent(
  { policy }: Writing,
  { row, target, said, price, rule }: { row: Now; target: Target; said: Said; price: Price | undefined; rule: string },
) {
  const { productId, sku } = target
  const { name } = said.author
  const what = price ? { price } : { ended: true as const }
  return newEvent({
    type: "price.changed",
    fact: `${name}:price:${row.record}:${contentDigest({ ...what, fact: row.fact ?? row.at, rule })}`,
    source: name,
    time: row.at,
    data: {
      productId,
      sku,
      record: row.record,
      ...what,
      by: name,
      rule,
      policy,
      ...(row.override ? { override: row.override } : {}),
      at: row.at,
    },
  })
}
