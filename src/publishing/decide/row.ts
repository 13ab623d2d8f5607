/** The states of a row (docs/guides/publish-stock.md has them for people). */
export const rowStates = [
  "unmapped",
  "waiting",
  "due",
  "sent",
  "accepted",
  "live",
  "unknown",
  "stale",
  "drifted",
  "refused",
  "held",
  "withdrawing",
  "gone",
] as const
export type RowState = (typeof rowStates)[number]

export type HeldBy = "person" | "owner" | "guard"

/** Why a value is what it is; thousandths. */
export interface Why {
  shows: "place" | "pool"
  onHandMilli: number
  reservedMilli: number
  safetyMilli: number
  bufferMilli: number
  backorderMilli: number
  /** What may be promised at the place, or in the pool. */
  promiseMilli: number
  /** Sold by the channel and not reserved here yet. */
  unseenMilli: number
  /** Age of the oldest source; null when one never reported. */
  ageMs: number | null
  asOf: string
  /** When it is computed again though nothing happens: the promise narrows with the age of its sources. */
  nextAt?: string
}

/**
 * One thing that a channel shows: what it should be, what was sent, what was accepted, what was seen there. Values are thousandths.
 * Moments are instants.
 */
export interface PublishedRow {
  channel: string
  aspect: "stock"
  /** The SKU. */
  item: string
  /** The place. */
  scope: string
  state: RowState
  /** What triggers raised, and how much of it the value has seen. */
  marks: number
  assessed: number
  changedAt: string | null
  dueAt: string | null
  rank: number
  risk: number
  needsLook: boolean
  version: number
  desired: number | null
  effectiveAt: string | null
  why: Why | null
  sentVersion: number | null
  sentKey: string | null
  sent: number | null
  sentAt: string | null
  ref: string | null
  acceptedAt: string | null
  observed: number | null
  /** What the channel says its own open orders hold. */
  token: { committedMilli?: number } | null
  observedAt: string | null
  observedBy: string | null
  cause: string | null
  heldBy: HeldBy | null
  pinned: number | null
  attempts: number
  edits: number
  editsSince: string | null
  /** What people decided of it, counted. */
  decisions: number
  caseId: string | null
  /** Exceptions about it that are over, counted. */
  cases: number
}

/** The key of a row within its channel. */
export const keyOf = ({ item, scope }: Pick<PublishedRow, "item" | "scope">): string => `${scope}/${item}`
