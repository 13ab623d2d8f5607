/**
 * Times are counted in spans, so that a median over any hours, channels and places is a sum of counters. Each is named by its upper end in
 * seconds; the last one has none.
 */
const spanEnds: readonly number[] = [
  1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14_400, 28_800, 43_200, 86_400, 172_800, 259_200, 604_800,
  1_209_600,
]

const last = "more"

/** The span of a time, as the label of its counter. */
export function spanOf(ms: number): string {
  const end = spanEnds.find((seconds) => ms <= seconds * 1000)
  return end === undefined ? last : String(end)
}

/** A time within which a share of all fell, in seconds: as exact as the spans are. Undefined while nothing was counted. */
export function withinOf(counts: ReadonlyMap<string, number>, share: number): number | undefined {
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (total <= 0) return undefined
  const wanted = total * share
  let before = 0
  let start = 0
  for (const end of spanEnds) {
    const count = counts.get(String(end)) ?? 0
    if (before + count >= wanted) return start + (end - start) * ((wanted - before) / count)
    before += count
    start = end
  }
  return start
}

/** How many were counted. */
export function countIn(counts: ReadonlyMap<string, number>): number {
  return [...counts.values()].reduce((sum, count) => sum + count, 0)
}
