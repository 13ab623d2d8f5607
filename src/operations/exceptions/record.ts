import type { Because } from "../../canonical/events/because.ts"
import type { Ref } from "../../canonical/refs.ts"

/** A case that a person must decide or know. */
export interface ExceptionRecord {
  id: string
  /** The object it is about, e.g. `order/ord_…`. */
  about: Ref
  /** The workflow that raised it and gets the decision. */
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
  /** The group of its like, and what they have in common. */
  group: string
  because: Because
  channel?: string
  /** When something happens if nobody acts, and what. */
  dueAt?: { at: string; what: string }
  openedAt: string
  state: "open" | "decided"
  decision?: { action: string; by: string; at: string; reason?: string; day?: string }
}
