import type { Money } from "./answers.ts"

// Types of the API's answers about products, prices and the owners of their fields.

export interface ProductValue {
  field: string
  scope: Readonly<Record<string, string>>
  /** Absent: cleared on purpose. */
  value?: unknown
  layer: "owned" | "override"
  until?: string
  by: string
  rule: string
  at: string
}

export interface Product {
  productId: string
  sku: string
  earlierSkus: string[]
  changedAt: string
  values: ProductValue[]
  complete: { channel?: string; locale?: string; missing: string[]; isComplete: boolean }[]
}

export interface Fact {
  event: string
  fact: string
  time: string
  by: string
  rule: string
  policy: string
  changes?: { field: string; scope?: Readonly<Record<string, string>>; set?: unknown; clear?: true }[]
  from?: string
  to?: string
}

export interface PriceRow {
  record: string
  source: string
  type: string
  amount: Money
  taxBasis: string
  scope: Readonly<Record<string, string | number>>
  validity: { from?: string; until?: string; zone?: string; said?: string }
  layer: "owned" | "override"
  rule: string
  at: string
}

export interface PriceEdge {
  at: string
  edge: "begins" | "ends"
  sku: string
  price: PriceRow
}

export interface OwnershipRule {
  name: string
  owner: string
  to?: string[]
  foreign?: string
  fresh?: string
  oneMoment?: boolean
  override?: { by: string; within?: string; until: string }
}

export interface HeldChange {
  exceptionId: string
  sku?: string
  by: string
  rule: string
  why: string
  at: string
}
