import type { Connection } from "../effects/connections.ts"
import type { ItemOutcome } from "../ports/bulk-write.ts"
import type { Computed, ForeignRule, Seen } from "./decide/judge.ts"
import type { Explanation } from "./decide/kinds.ts"
import type { Taken } from "./decide/outcome.ts"
import type { Aspect, PublishedRow } from "./decide/row.ts"

/** What a channel says of a row. */
export type Answer<Value> =
  | { kind: "done"; seen: Seen<Value> }
  | Exclude<ItemOutcome<never>, { kind: "done" | "stale" }>

/** What the channel says of some rows, and what explains it; by key of the row. */
export interface Sight<Value = number> {
  answers: ReadonlyMap<string, Answer<Value>>
  /** What may explain a change without anybody's edit; none for aspects that nobody buys. */
  explanations: ReadonlyMap<string, Explanation>
  /** By SKU: what the channel sold and Crossdock has not reserved yet. */
  unseen: ReadonlyMap<string, number>
}

/** Nothing was looked at. */
export const noSight: Sight<never> = { answers: new Map(), explanations: new Map(), unseen: new Map() }

export const notAnswered = { kind: "unknown", message: "the channel did not answer about it" } as const

/** One aspect of what one channel shows: what it should show, how that is read and written there. */
export interface Target<Value> {
  aspect: Aspect
  connection: Pick<Connection, "id" | "timeoutMs">
  /** Whether a person paused the connection, or it does not answer. */
  isClosed: boolean
  /** Most rows of one call. */
  itemsMax: number
  /** Most SKUs of one look; a look takes all rows of a SKU. */
  skusOfLook: number
  /** How long after a lost answer the channel may still write. */
  settleMs: number
  /** What the channel accepts is shown only when it was read back. */
  readsBack: boolean
  look(rows: readonly PublishedRow<Value>[], nowMs: number): Promise<Sight<Value>>
  /** Values of now by key of the row. A row that has none is left as it stands. */
  values(rows: readonly PublishedRow<Value>[], sight: Sight<Value>): Promise<ReadonlyMap<string, Computed<Value>>>
  /** Writes rows in one call; an outcome each, in their order. */
  publish(rows: readonly PublishedRow<Value>[], key: string): Promise<readonly ItemOutcome<Taken<Value>>[]>
  /** What follows from somebody else's edit. */
  foreignRule(row: PublishedRow<Value>): ForeignRule
}
