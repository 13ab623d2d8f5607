import type { PublishedRow } from "./row.ts"

/** Of each batch, what is kept for rises, new articles and looks, however many falls there are. */
const shareOfRises = 0.2
/** Rows that came back stale stand in small batches: one that changes all the time would fail the others each time. */
const hotMax = 25

/**
 * Which of the due rows go into the next call: by rank, then changes before what is loaded, then by what is at risk, with a share for those
 * that come last. One call has each key once, which holds because rows are unique.
 */
export function chooseBatch<Value>(due: readonly PublishedRow<Value>[], most: number): PublishedRow<Value>[] {
  const hot = due.filter(({ attempts }) => attempts > 0)
  const calm = due.filter(({ attempts }) => attempts === 0)
  // A hot row that cannot wait goes first.
  const from =
    calm.length === 0 || Math.min(...hot.map(({ rank }) => rank)) < Math.min(...calm.map(({ rank }) => rank))
      ? hot
      : calm
  const room = from === hot ? Math.min(most, hotMax) : most
  const sorted = from.toSorted(
    (a, b) =>
      a.rank - b.rank ||
      Number(a.changedAt === null) - Number(b.changedAt === null) ||
      b.risk - a.risk ||
      compare(a.changedAt, b.changedAt),
  )
  const urgent = sorted.filter(({ rank }) => rank < 3)
  const others = sorted.filter(({ rank }) => rank >= 3)
  const kept = Math.min(others.length, Math.ceil(room * shareOfRises))
  const first = urgent.slice(0, room - kept)
  return [...first, ...others.slice(0, room - first.length)]
}

/** The one that has waited longer first. */
function compare(one: string | null, other: string | null): number {
  return (one ?? "9") < (other ?? "9") ? -1 : 1
}
