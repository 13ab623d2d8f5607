import type { ErrorCode, Problem } from "../base/errors.ts"
import type { Call, Written } from "./write.ts"

/**
 * The outcome of one item of a bulk write.
 *
 * - `done`: it is written; `outcome` is what the other system holds.
 * - `rejected`: the other system refused this item, and only this one; nothing of it is written.
 * - `unknown`: it may or may not be written; read it back before it is sent again.
 * - `stale`: the item said what it expects to be there, and something else is: `holds`. Nothing of it is written. It is news, so a
 *   connector never sends it again by itself.
 */
export type ItemOutcome<Outcome extends Written> =
  | { kind: "done"; outcome: Outcome }
  | { kind: "rejected"; code: ErrorCode; message: string; problems: readonly Problem[] }
  | { kind: "unknown"; message: string }
  | { kind: "stale"; holds: Outcome }

/**
 * One operation that writes many items in one call, with an outcome for each item.
 *
 * `send` returns one outcome per item, in the order of the items. A bad item never keeps the others from being written. It throws
 * only when the call as a whole failed: `unavailable` when nothing of it happened, `uncertain` when any item may have been
 * written. `probe` reads each item back: its outcome when the other system holds it as the item says, undefined when it does
 * not; it throws when it cannot tell. Both take at most `itemsMax` items, no two with the same `nameOf`.
 *
 * A repeat with the same items changes nothing. Items and outcomes are JSON.
 */
export interface BulkWrite<Item, Outcome extends Written> {
  send(items: readonly Item[], call: Call): Promise<readonly ItemOutcome<Outcome>[]>
  probe(items: readonly Item[], call: Call): Promise<readonly (Outcome | undefined)[]>
  /** Most items of one call, by the vendor's own limit. */
  itemsMax: number
  /** The identity of an item. Two items with one name in one call would overwrite each other. */
  nameOf(item: Item): string
  /** As in `Write`: how long after a lost response the other system may still commit. Default 2,000. */
  settleMs?: number
}
