import type { Problem } from "../../base/errors.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { fieldProblems, type FieldChange } from "../../canonical/catalogue/field-change.ts"
import type { Kit, Units } from "../../canonical/catalogue/product.ts"
import { productIdsOf } from "../products.ts"
import { Composition, type Edge } from "./graph.ts"
import { edgesOfKit, edgesOfUnits, kitProblems, unitProblems, type Known, type Of } from "./problems.ts"

/** What of a batch of writes says what articles are made of. */
interface Row {
  sku: string
  changes: readonly FieldChange[]
}

/** Judges kits and units of one batch, each with what the rows before it said. */
export interface CompositionCheck {
  /** Every problem of a change that its schema admits, by pointers below `/set`. None for other fields. */
  problems(of: Of, change: FieldChange): Problem[]
  /** Takes over what an accepted change says, for the rows after it. */
  take(of: Of, change: FieldChange): void
}

const composes = ({ field }: FieldChange) => field === "kit" || field === "units"

/** Reads what the kits and units of a batch concern. A batch without any costs nothing. */
export async function readComposition(sql: Sql, rows: readonly Row[]): Promise<CompositionCheck> {
  const composing = rows.filter(({ changes }) => changes.some(composes))
  if (composing.length === 0) return { problems: () => [], take: () => undefined }
  const named = [...new Set(composing.flatMap(({ sku, changes }) => [sku, ...changes.flatMap(articlesOf)]))]
  const [edges, held] = await Promise.all([
    storage(
      () => sql<{ sku: string; part: string; milli: number; product_id: string }[]>`
        select sku, part, milli, product_id from stock_parts_around(${named}::text[])`,
    ),
    storage(
      () => sql<{ sku: string; is_known: boolean; own_milli: number }[]>`
        select sku, is_known, own_milli from stock_held_of(${named}::text[])`,
    ),
  ])
  const ids = await productIdsOf(sql, [...named, ...edges.flatMap(({ sku, part }) => [sku, part])])
  const today = (sku: string) => ids.get(sku)?.sku ?? sku
  const kept = edges.map(({ product_id: productId, sku, part, milli }): Edge => {
    return { sku: today(sku), part: today(part), milli, productId }
  })
  // A product that had other SKUs has its edges under each.
  const once = [...new Map(kept.map((edge) => [JSON.stringify(edge), edge])).values()]
  const states = new Map(held.map((one) => [one.sku, one]))
  const written = new Set(
    rows.flatMap(({ sku, changes }) => [sku, ...changes.filter(({ field }) => field === "units").flatMap(articlesOf)]),
  )
  const known: Known = {
    composition: new Composition(once),
    today,
    isKnown: (sku) => written.has(sku) || (states.get(sku)?.is_known ?? false),
    ownMilli: (sku) => states.get(sku)?.own_milli ?? 0,
  }
  return {
    problems(of, change) {
      if (change.set === undefined || !composes(change)) return []
      return change.field === "kit"
        ? kitProblems(of, change.set as Kit, known)
        : unitProblems(of, change.set as Units, known)
    },
    take: (of, change) => {
      if (!composes(change)) return
      const isKit = change.field === "kit"
      const others = known.composition.saidBy(of.productId).filter(({ sku }) => (sku === of.sku) !== isKit)
      const said =
        change.set === undefined
          ? []
          : isKit
            ? edgesOfKit(of, change.set as Kit, known)
            : edgesOfUnits(of, change.set as Units)
      known.composition.say(of.productId, [...others, ...said])
    },
  }
}

function articlesOf(change: FieldChange): string[] {
  // What the schema does not admit is refused before it is looked at.
  if (!composes(change) || change.set === undefined || fieldProblems(change).length > 0) return []
  if (change.field === "kit") return (change.set as Kit).components.map(({ sku }) => sku)
  return (change.set as Units).sales.flatMap(({ sku }) => sku ?? [])
}
