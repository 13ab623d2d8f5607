import type { PriceType } from "../../canonical/catalogue/price.ts"
import type { ProductFieldName } from "../../canonical/catalogue/product.ts"
import { scopeKeys, type ScopeKey } from "../../canonical/catalogue/scope.ts"
import type { Role } from "../people/roles.ts"

/** A field that has an owner. */
export type OwnedField =
  | `product.${ProductFieldName | "sku"}`
  | `price.${PriceType}`
  | "promotion.terms"
  | "stock.count"
  | "stock.promise"
/** One field, or all fields of an entity. */
export type FieldPattern = OwnedField | "product.*" | "price.*" | "stock.*"

/** Where a rule holds; `store-*` means every value that begins so, `*` any value that is named, and a dimension that is left out means everywhere. */
export type ScopePattern = { readonly [Key in ScopeKey]?: string }

/** A time as `30s`, `5m`, `12h` or `7d`. */
export type Span = `${number}${"s" | "m" | "h" | "d"}`

/**
 * What happens to a value that somebody else wrote:
 * - `restore`: it is refused, and the owner's value is sent again;
 * - `adopt`: it counts;
 * - `hold`: it is kept until a person decides;
 * - `alert`: it is refused, and people are told.
 */
export type ForeignWrite = "restore" | "adopt" | "hold" | "alert"

/** Who decides a field, and what follows from that. */
export interface OwnershipRule {
  /** A connection of the estate, `people`, or `api:` and the id of a consumer. */
  owner: string
  /** Connections that get the field. Absent: none, it is read only. */
  to?: readonly string[]
  /** Default `hold`. */
  foreign?: ForeignWrite
  /** How old a value may be in the systems that get it. */
  fresh?: Span
  /** Whether all systems that get it change at the same moment. */
  oneMoment?: boolean
  /** Who may deviate from the owner, by how much and for how long. */
  override?: { by: Role | `api:${string}`; within?: `${number}%`; until: Span }
}

/** A rule with its field and its scope. */
export interface Ownership extends OwnershipRule {
  field: FieldPattern
  scope: ScopePattern
}

/**
 * Declares the owner of a field. The most specific rule counts: more dimensions first, then a named field before `*`, then exact
 * values before patterns. `own("price.sale", { market: "DE" }, { owner: "erp", to: ["shop"], foreign: "restore" })`
 */
export function own(field: FieldPattern, scope: ScopePattern, rule: OwnershipRule): Ownership {
  return { field, scope, ...rule }
}

/** A rule's name, as people read it in refusals and lineage: `price.sale for market=DE`. */
export function ruleName({ field, scope }: Pick<Ownership, "field" | "scope">): string {
  const pairs = scopeKeys.flatMap((key) => (scope[key] === undefined ? [] : [`${key}=${scope[key]}`]))
  return pairs.length === 0 ? field : `${field} for ${pairs.join(", ")}`
}

const spanMs = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** A span in milliseconds; undefined for a text that is none. */
export function spanToMs(span: string): number | undefined {
  const [, count, unit] = /^(\d{1,6})([smhd])$/.exec(span) ?? []
  return count === undefined || unit === undefined ? undefined : Number(count) * spanMs[unit as keyof typeof spanMs]
}
