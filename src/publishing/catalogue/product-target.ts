import type { Sql } from "../../base/sql.ts"
import { epochMs, instant, type Clock } from "../../base/time.ts"
import type { Scope } from "../../canonical/catalogue/scope.ts"
import { valuesAt } from "../../rules/values-at.ts"
import { productIdsOf, valuesOf, variantsOf, type KeptValue } from "../../catalogue/products.ts"
import type { Ownership } from "../../governance/ownership/own.ts"
import { ruleThatSends } from "../../governance/ownership/sends.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { PublishedField, PublishedProduct, ShownState } from "../../ports/capabilities/products.ts"
import type { Computed } from "../decide/judge.ts"
import type { Taken } from "../decide/outcome.ts"
import { keyOf, type PublishedRow } from "../decide/row.ts"
import type { ProductChannel } from "../policies.ts"
import { notAnswered, type Target } from "../target.ts"
import type { ProductsInChannel } from "./in-channel.ts"
import { foreignOf, sightOf } from "./sight.ts"

type Row = PublishedRow<string>

interface ProductParts {
  sql: Sql
  clock: Clock
  rules: readonly Ownership[]
  products: ProductsInChannel
}

/** The products that a channel shows, a row for each field that ownership sends to it. */
export function productTarget(channel: ProductChannel, { sql, clock, rules, products }: ProductParts): Target<string> {
  const place = placeOf(channel)
  return {
    aspect: "product",
    connection: products.connection,
    get isClosed() {
      return products.isClosed
    },
    itemsMax: products.itemsMax,
    skusOfLook: products.itemsMax,
    settleMs: products.settleMs,
    readsBack: true,
    async look(rows) {
      const asked = await productsOf(sql, rows)
      const found = await products.read(asked)
      const bySku = new Map(asked.map(({ sku }, n) => [sku, found[n] ?? notAnswered]))
      return sightOf(
        rows,
        rows.map(({ item }) => bySku.get(item) ?? notAnswered),
        ({ scope }, { fields }) => fields[scope as PublishedField],
      )
    },
    values: (rows) => valuesNow(sql, rows, { channel, rules, nowMs: clock.now(), products }),
    async publish(rows, key) {
      const byItem = Map.groupBy(rows, ({ item }) => item)
      const contents = (await productsOf(sql, rows)).map((one) => ({
        ...one,
        fields: Object.fromEntries((byItem.get(one.sku) ?? []).map(({ scope, desired }) => [scope, desired ?? ""])),
      }))
      const outcomes = await products.publish(contents, key)
      const bySku = new Map(contents.map(({ sku }, n) => [sku, outcomes[n]]))
      return rows.map((row) => outcomeOf(row, bySku.get(row.item) ?? notAnswered))
    },
    foreignRule: (row) => foreignOf(rules, row, place),
  }
}

const placeOf = ({ channel, market, locale }: ProductChannel): Scope => ({
  channel,
  ...(market === undefined ? {} : { market }),
  ...(locale === undefined ? {} : { locale }),
})

/** The fields of products that a channel gets; never one that it owns. */
export function fieldsSent(
  channel: ProductChannel,
  rules: readonly Ownership[],
  writes: readonly PublishedField[],
): PublishedField[] {
  return (channel.fields ?? writes).filter((field) =>
    ruleThatSends(rules, { field: `product.${field}`, scope: placeOf(channel), to: channel.connection }),
  )
}

async function productsOf(sql: Sql, rows: readonly Row[]): Promise<{ sku: string; variants: string[] }[]> {
  const skus = [...new Set(rows.map(({ item }) => item))]
  const variants = await variantsOf(sql, skus)
  return skus.map((sku) => ({ sku, variants: variants.get(sku) ?? [] }))
}

/** What became of a row with its product. A field that is refused keeps the others from being written: they are read and sent again. */
function outcomeOf({ scope }: Row, outcome: ItemOutcome<PublishedProduct>): ItemOutcome<Taken<string>> {
  const taken = ({ fields, reference }: PublishedProduct) => {
    return { value: fields[scope as PublishedField] ?? "", ...(reference ? { reference } : {}) }
  }
  if (outcome.kind === "done") return { kind: "done", outcome: taken(outcome.outcome) }
  if (outcome.kind === "stale") return { kind: "stale", holds: taken(outcome.holds) }
  const named =
    outcome.kind === "rejected" ? outcome.problems.flatMap(({ pointer }) => pointer.split("/").at(-1) ?? []) : []
  const isOthers = named.some((one) => one !== scope && one in fieldWords) && !named.includes(scope)
  return isOthers ? { kind: "unknown", message: `${named.join(", ")} of its product was refused` } : outcome
}

const fieldWords: Record<PublishedField, string> = { title: "title", description: "description", state: "state" }

async function valuesNow(
  sql: Sql,
  rows: readonly Row[],
  {
    channel,
    rules,
    nowMs,
    products,
  }: { channel: ProductChannel; rules: readonly Ownership[]; nowMs: number; products: ProductsInChannel },
): Promise<Map<string, Computed<string>>> {
  const place = placeOf(channel)
  const ids = await productIdsOf(
    sql,
    rows.map(({ item }) => item),
  )
  const kept = await valuesOf(
    sql,
    [...ids.values()].map(({ productId }) => productId),
    [...Object.keys(fieldWords), "visibleFrom", "variantOf"],
  )
  return new Map(
    rows.flatMap((row): [string, Computed<string>][] => {
      const known = ids.get(row.item)
      const field = row.scope as PublishedField
      const isSent = ruleThatSends(rules, { field: `product.${field}`, scope: place, to: channel.connection })
      // Its earlier SKU, and a field that the channel is not sent any more: nothing is written.
      if (!isSent || (known && known.sku !== row.item)) return []
      const values = known ? (kept.get(known.productId) ?? []) : []
      return [[keyOf(row), valueOf(field, values, { place, nowMs, products })]]
    }),
  )
}

function valueOf(
  field: PublishedField,
  kept: readonly KeptValue[],
  { place, nowMs, products }: { place: Scope; nowMs: number; products: Pick<ProductsInChannel, "stateShown"> },
): Computed<string> {
  const at = valuesAt(kept, place, nowMs)
  const found = at.find((one) => one.field === field)
  const visibleFrom = at.find((one) => one.field === "visibleFrom")?.value
  const ends = kept.flatMap(({ until }) => (until === undefined ? [] : [epochMs(until)]))
  const hides = field === "state" && typeof visibleFrom === "string" ? epochMs(visibleFrom) : 0
  const next = Math.min(...[...ends, hides].filter((edge) => edge > nowMs))
  const base = { field: `product.${field}`, ...(Number.isFinite(next) ? { nextAt: instant(next) } : {}) }
  const none = (text: string): Computed<string> => ({ value: undefined, why: { ...base, text } })
  if (at.some((one) => one.field === "variantOf"))
    return none("it is a variant: the product it belongs to has this field")
  if (!found) return none(`nobody says what its ${field} is`)
  const why = { ...base, text: `${found.by} said it at ${found.at}` }
  if (field === "state") {
    const state = stateOf(found.value, hides > nowMs)
    return state === undefined ? none("its state was cleared") : { value: products.stateShown(state), why }
  }
  // A description may be taken away; a title may not.
  if (typeof found.value !== "string")
    return field === "description" ? { value: "", why } : none("its title was cleared")
  return { value: found.value, why }
}

/** What is recalled is taken off at once, and what is withdrawn stays for the records. */
function stateOf(value: unknown, isHidden: boolean): ShownState | undefined {
  if (value === "active" || value === "ending") return isHidden ? "draft" : "active"
  if (value === "draft" || value === "recalled") return "draft"
  return value === "withdrawn" ? "archived" : undefined
}
