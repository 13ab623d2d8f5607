import { canonicalJson, contentDigest } from "../../base/ids.ts"
import { epochMs, instant, type Instant } from "../../base/time.ts"
import { fieldProblems, type FieldChange, type Override } from "../../canonical/catalogue/field-change.ts"
import { scopeText } from "../../canonical/catalogue/scope.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { Problem } from "../../base/errors.ts"
import type { Verdict } from "../../governance/ownership/judge.ts"
import { readComposition, type CompositionCheck } from "../composition/check.ts"
import { productIdOf, productIdsOf, valuesOf, type KeptValue } from "../products.ts"
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

/** Fields of one product that somebody wants to set or clear. */
export interface ProductRow {
  sku: string
  changes: readonly FieldChange[]
  override?: Override
  /** When its source said so; default: now. */
  at?: Instant
  /** Of a report: its fact. */
  fact?: string
}

/** What became of one product: of each field, and the worst of them for the whole row. */
export interface ProductOutcome extends Outcome {
  sku: string
  productId: string
  fields: ({ field: string; scope: string } & Outcome)[]
}

interface Target {
  productId: string
  sku: string
  /** Also what was taken of the batch until now: of two changes of one value the second is compared with the first. */
  values: KeptValue[]
}

/** Writes fields of products. One row that fails costs no other; a row says of each field what became of it. */
export async function writeProducts(
  writing: Writing,
  rows: readonly ProductRow[],
  said: Said,
): Promise<ProductOutcome[]> {
  const now = instant(writing.clock.now())
  const ids = await productIdsOf(
    writing.sql,
    rows.map(({ sku }) => sku),
  )
  const targets = rows.map(({ sku }) => ids.get(sku) ?? { productId: productIdOf(sku), sku })
  const known = await valuesOf(
    writing.sql,
    targets.map(({ productId }) => productId),
  )
  const composition = await readComposition(writing.sql, rows)
  const judged = rows.map((row, n) => {
    const { productId, sku } = targets[n] ?? { productId: "", sku: "" }
    const values = known.get(productId) ?? []
    known.set(productId, values)
    return judgeRow(writing, {
      row: { ...row, at: saidAt(row.at, now, latestOf(row, values)) },
      target: { productId, sku, values },
      said,
      composition,
    })
  })
  const flat = judged.flatMap(({ fields }) => fields)
  const stopped = stopSystemic(flat, said, now)
  await store(writing, [...stopped, ...judged.map(({ accepted }) => accepted)])
  let place = 0
  return judged.map(({ fields, productId, row }) => {
    const results = fields.map((_, n) => stopped[place + n]?.result ?? { outcome: "refused" as const })
    place += fields.length
    return {
      sku: row.sku,
      productId,
      ...worst(results),
      fields: row.changes.map(({ field, scope = {} }, n) => ({
        field,
        scope: scopeText(scope),
        ...results[n],
        outcome: results[n]?.outcome ?? "refused",
      })),
    }
  })
}

/** When the youngest of the values that a row changes was said. */
function latestOf({ changes }: ProductRow, values: readonly KeptValue[]): Instant | undefined {
  const fields = new Set(changes.map(({ field }) => field))
  const times = values.filter(({ field }) => fields.has(field)).map(({ at }) => epochMs(at))
  return times.length === 0 ? undefined : instant(Math.max(...times))
}

interface Judged {
  row: ProductRow
  productId: string
  fields: Decided[]
  /** What counts of the row, in one event for each rule. */
  accepted: Decided
}

function judgeRow(
  writing: Writing,
  {
    row,
    target,
    said,
    composition,
  }: { row: ProductRow & { at: Instant }; target: Target; said: Said; composition: CompositionCheck },
): Judged {
  const taken = new Map<string, FieldChange[]>()
  const fields = row.changes.map((change): Decided => {
    const problems = fieldProblems(change)
    if (problems.length > 0)
      return refusedRow(problems.map((one) => ({ ...one, pointer: `/${change.field}${one.pointer}` })))
    const before = valueOf(target, change, row.override ? "override" : "owned")
    if (before && isKnown(before, change, row)) return unchanged
    const unsound = [...overrideProblems(change, row), ...composition.problems(target, change)]
    if (unsound.length > 0)
      return refusedRow(unsound.map((one) => ({ ...one, pointer: `/${change.field}${one.pointer}` })))
    const { scope = {} } = change
    const verdict = verdictOf(writing, {
      field: `product.${change.field}`,
      scope,
      author: said.author,
      at: row.at,
      ...(row.override ? { override: row.override } : {}),
    })
    if ("why" in verdict) {
      const held = { productId: target.productId, sku: target.sku, changes: [change] }
      return foreignWrite({
        ...context(writing, row, said),
        verdict,
        about: ref("product", target.productId),
        sku: target.sku,
        change: held,
      })
    }
    composition.take(target, change)
    taken.set(verdict.rule, [...(taken.get(verdict.rule) ?? []), change])
    take(target.values, before, takenValue(change, row, said))
    return { result: resultOf(verdict), events: [] }
  })
  const events = [...taken].map(([rule, changes]) => changedEvent(writing, { row, target, said, rule, changes }))
  return { row, productId: target.productId, fields, accepted: { result: { outcome: "accepted" }, events } }
}

/** What an article is made of does not change for a while and back: orders of the time between would have other goods. */
function overrideProblems({ field }: FieldChange, { override }: ProductRow): Problem[] {
  if (!override || (field !== "kit" && field !== "units")) return []
  return [{ pointer: "/override", message: `${field} cannot be overridden for a time; its owner sets it` }]
}

const context = (writing: Writing, { at, fact }: ProductRow & { at: Instant }, said: Said) => ({
  writing,
  at,
  said: fact === undefined ? said : { ...said, fact },
})

function take(values: KeptValue[], before: KeptValue | undefined, value: KeptValue): void {
  if (before) values.splice(values.indexOf(before), 1)
  values.push(value)
}

function takenValue(
  { field, scope = {}, set }: FieldChange,
  { at, override }: ProductRow & { at: Instant },
  { author: { name: by } }: Said,
): KeptValue {
  const how = override ? { layer: "override" as const, until: override.until } : { layer: "owned" as const }
  return { field, scope, ...(set === undefined ? {} : { value: set }), ...how, by, rule: "", policy: "", at, fact: "" }
}

const resultOf = ({ kind, rule }: Exclude<Verdict, { why: string }>): Outcome => ({ outcome: kind, rule })

function valueOf(
  { values }: Target,
  { field, scope = {} }: FieldChange,
  layer: "owned" | "override",
): KeptValue | undefined {
  const text = scopeText(scope)
  return values.find((one) => one.field === field && one.layer === layer && scopeText(one.scope) === text)
}

/** Whether a change says what is known already, or what its source said before that. */
function isKnown(before: KeptValue, { set }: FieldChange, { at, override }: ProductRow & { at: Instant }): boolean {
  const isSame = canonicalJson(before.value ?? null) === canonicalJson(set ?? null)
  const ends = (until: Instant | undefined) => (until === undefined ? undefined : epochMs(until))
  return (isSame && ends(before.until) === ends(override?.until)) || epochMs(at) < epochMs(before.at)
}

function changedEvent(
  { policy }: Writing,
  of: { row: ProductRow & { at: Instant }; target: Target; said: Said; rule: string; changes: FieldChange[] },
): NewEvent {
  const { row, target, said, rule, changes } = of
  const { productId, sku } = target
  const { author } = said
  return newEvent({
    type: "product.changed",
    fact: `${author.name}:product:${productId}:${contentDigest({ changes, rule, fact: row.fact ?? row.at, override: row.override ?? null })}`,
    source: author.name,
    time: row.at,
    data: {
      productId,
      sku,
      changes,
      by: author.name,
      rule,
      policy,
      ...(row.override ? { override: row.override } : {}),
      at: row.at,
    },
  })
}

const gravity = ["refused", "held", "adopted", "override", "accepted", "unchanged"] as const

/** The outcome of a row is the worst of its fields. */
function worst(results: readonly Outcome[]): Outcome {
  const found = gravity.flatMap((outcome) => results.find((one) => one.outcome === outcome) ?? [])[0]
  return found ?? { outcome: "unchanged" }
}

/** A product's new SKU. */
export interface Renaming {
  from: string
  to: string
  at?: Instant
  fact?: string
}

/** Gives a product another SKU. Its id stays, the old SKU is an alias for ever; one that ever named another product is refused. */
export async function renameProduct(
  writing: Writing,
  { from, to, at, fact }: Renaming,
  said: Said,
): Promise<Outcome & { productId?: string }> {
  const when = saidAt(at, instant(writing.clock.now()))
  const ids = await productIdsOf(writing.sql, [from, to])
  const [old, other] = [ids.get(from), ids.get(to)]
  if (!old) return refusedRow([{ pointer: "", message: `there is no product ${from}` }]).result
  if (old.sku === to) return { outcome: "unchanged", productId: old.productId }
  if (other && other.productId !== old.productId)
    return {
      ...refusedRow([{ pointer: "", message: `${to} names another product, and a SKU is never given away` }]).result,
      productId: old.productId,
    }
  const verdict = verdictOf(writing, { field: "product.sku", scope: {}, author: said.author, at: when })
  if ("why" in verdict) {
    const change = { productId: old.productId, renamed: { from, to } }
    const about = ref("product", old.productId)
    const [result] = await store(writing, [
      foreignWrite({ verdict, said, writing, about, sku: old.sku, change, at: when }),
    ])
    return { outcome: "refused", ...result, productId: old.productId }
  }
  const renamed = newEvent({
    type: "product.renamed",
    fact: fact ?? `${said.author.name}:product:${old.productId}:renamed:${to}:${when}`,
    source: said.author.name,
    time: when,
    data: {
      productId: old.productId,
      from: old.sku,
      to,
      by: said.author.name,
      rule: verdict.rule,
      policy: writing.policy,
      at: when,
    },
  })
  await store(writing, [{ result: resultOf(verdict), events: [renamed] }])
  return { ...resultOf(verdict), productId: old.productId }
}
