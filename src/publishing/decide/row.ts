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
  "derived",
  "held",
  "withdrawing",
  "gone",
] as const
export type RowState = (typeof rowStates)[number]

export type HeldBy = "person" | "owner" | "guard"

/** What of an article a channel shows: the stock of a place, the price of a market, a field of the product. */
export const aspects = ["stock", "price", "product"] as const
export type Aspect = (typeof aspects)[number]

/** A price as a channel shows it; without a crossed-out price none is shown. `none`: it has no price in that list yet. */
export type ShownPrice = { amountMinor: number; compareAtMinor?: number; currency: string } | { none: true }

/** Why a value is what it is. */
export interface Why {
  /** In words, of what is no sum. */
  text?: string
  /** The field whose owner says it: `price.sale`. */
  field?: string
  /** Sold by the channel and not reserved here yet. */
  unseenMilli?: number
  /** When it is computed again though nothing happens. */
  nextAt?: string
  /** The moment for which the value was planned, if it changed by time alone. */
  moment?: string
}

/** Why a level is what it is; thousandths. */
export interface StockWhy extends Why {
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
  /** Of a kit or a sales unit: the part that limits it, how much of it is in one, and what may be promised of it. */
  limitedBy?: { sku: string; milli: number; promiseMilli: number }
  /** Of a kit: what cannot be put together, because its parts lie at different places. */
  apartMilli?: number
}

/**
 * One thing that a channel shows: what it should be, what was sent, what was accepted, what was seen there. Values of stock are
 * thousandths. Moments are instants.
 */
export interface PublishedRow<Value = number> {
  channel: string
  aspect: Aspect
  /** The SKU. */
  item: string
  /** The place of stock, the market of a price, the field of a product. */
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
  desired: Value | null
  effectiveAt: string | null
  why: Why | null
  sentVersion: number | null
  sentKey: string | null
  sent: Value | null
  sentAt: string | null
  ref: string | null
  acceptedAt: string | null
  observed: Value | null
  /** What the channel says its own open orders hold, and how much more that is than what Crossdock holds for them. */
  token: { committedMilli?: number; unheldMilli?: number } | null
  observedAt: string | null
  observedBy: string | null
  cause: string | null
  heldBy: HeldBy | null
  pinned: Value | null
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
