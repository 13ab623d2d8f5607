import type { Random } from "../../lab/random.ts"

/** Faults that are injected in every store, each at least once. */
const troubles = [
  "line is cut",
  "answers are lost",
  "journal is sent again",
  "number is used twice",
  "till is installed anew",
  "receipt stays at the till",
  "late receipt",
  "day is closed early",
] as const
/** Further faults of stores that have an agent. */
const agentTroubles = ["only heads go through", "agent is killed", "tail of the journal is torn"] as const
export type Trouble = (typeof troubles)[number] | (typeof agentTroubles)[number]

/** One trouble at a moment of the run, as a share of it; some last. */
export interface Planned {
  trouble: Trouble
  at: number
  lastsMs: number
}

const lastsMsMax = 6000

/** Plans the troubles of a store from the seed: each kind once, some more often, in equal parts of the run. */
export function planTroubles(
  random: Random,
  { hasAgent, windowMs }: { hasAgent: boolean; windowMs: number },
): Planned[] {
  const kinds: readonly Trouble[] = hasAgent ? [...troubles, ...agentTroubles, "agent is killed"] : troubles
  const more = Math.floor(windowMs / 10_000)
  const all = [...kinds, ...Array.from({ length: more }, () => random.pick(kinds))]
  const shuffled = all.map((trouble) => ({ trouble, key: random.next() })).sort((a, b) => a.key - b.key)
  return shuffled.map(({ trouble }, n) => ({
    trouble,
    at: (n + random.next()) / all.length,
    lastsMs: random.integer(500, lastsMsMax),
  }))
}
