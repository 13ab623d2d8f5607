import type { Connection } from "../effects/connections.ts"
import type { ItemOutcome } from "../ports/bulk-write.ts"
import type { Clock } from "../base/time.ts"
import { assessed, looked, type Computed, type ForeignRule, type Seen } from "./decide/judge.ts"
import type { Explanation } from "./decide/kinds.ts"
import { refused, type Taken } from "./decide/outcome.ts"
import { keyOf, type Aspect, type PublishedRow } from "./decide/row.ts"

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

/** What was said of some rows and of others. */
export function both<Value>(one: Sight<Value>, other: Sight<Value>): Sight<Value> {
  return {
    answers: new Map([...one.answers, ...other.answers]),
    explanations: new Map([...one.explanations, ...other.explanations]),
    unseen: new Map([...one.unseen, ...other.unseen]),
  }
}

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
  /** Of what is read in the background CONNECTION_PAUSED says that the channel's budget has no room for it now. */
  look(rows: readonly PublishedRow<Value>[], how: { nowMs: number; isBackground: boolean }): Promise<Sight<Value>>
  /** Values of now by key of the row. A row that has none is left as it stands. */
  values(rows: readonly PublishedRow<Value>[], sight: Sight<Value>): Promise<ReadonlyMap<string, Computed<Value>>>
  /** Writes rows in one call; an outcome each, in their order. */
  publish(rows: readonly PublishedRow<Value>[], key: string): Promise<readonly ItemOutcome<Taken<Value>>[]>
  /** What follows from somebody else's edit. */
  foreignRule(row: PublishedRow<Value>): ForeignRule
}

const noExplanation = { unseenMilli: 0, newMilli: 0, givenBackMilli: 0 }

/** The same rows with their values of now, and what the look said. */
export async function judge<Value>(
  rows: readonly PublishedRow<Value>[],
  sight: Sight<Value>,
  { clock, target }: { clock: Clock; target: Target<Value> },
): Promise<PublishedRow<Value>[]> {
  const values = await target.values(rows, sight)
  const nowMs = clock.now()
  return rows.map((row) => {
    const value = values.get(keyOf(row))
    // It is not declared any more: people withdraw what stands there.
    if (!value) return { ...row, assessed: row.marks, dueAt: null }
    const next = assessed(row, value, nowMs)
    const answer = sight.answers.get(keyOf(row))
    if (next.desired === null || !answer) return next
    if (answer.kind === "done") {
      const explanation = sight.explanations.get(keyOf(row)) ?? noExplanation
      return looked(next, answer.seen, { explanation, rule: target.foreignRule(next), nowMs })
    }
    return answer.kind === "rejected" ? refused(next, answer, nowMs) : next
  })
}
