import type { Ref } from "../../canonical/refs.ts"

/** Something that needs a person. */
export interface ExceptionRecord {
  id: string
  /** What it is about, e.g. `order/ord_…`. */
  about: Ref
  /** The workflow that asks and hears the decision. */
  workflow?: string
  orderId?: string
  cause: string
  summary: string
  doneSoFar: string[]
  ifNobodyActs: string
  allowedActions: string[]
  owner: string
  atRisk?: { amountMinor: number; currency: string }
  sku?: string
  missingMilli?: number
  openedAt: string
  state: "open" | "decided"
  decision?: { action: string; by: string; at: string; reason?: string }
}
