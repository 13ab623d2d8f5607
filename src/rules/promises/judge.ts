import { own } from "../../base/lookup.ts"
import { binomialTail, burnOf } from "./chance.ts"

/** The last finished outcomes of one scope. */
export interface Window {
  /** From narrow to wide, as the promise's `per` names them; empty is everything. */
  scope: readonly string[]
  n: number
  bad: number
}

/** The verdict on a promise, from the last outcomes of one scope. */
export interface Verdict {
  burn: number
  /** How likely so many misses are by chance. */
  chance: number
  /**
   * - page: people are told at once;
   * - list: it is shown, and nobody is told;
   * - kept: nothing is wrong;
   * - too few: not enough outcomes to say.
   */
  says: "page" | "list" | "kept" | "too few"
  /** Why nobody is told, where something is wrong. */
  why?: string
}

/** Chance alone would tell people of one series this often. */
export const chanceMost = 0.001
/** A month's budget would be gone in two days. */
const burnPages = 14.4

/** The burn from which on people are told: at a low target not even 100 % missed would reach the usual figure. */
function burnThreshold(target: number): number {
  return Math.min(burnPages, 0.5 / (1 - target))
}

/**
 * Judges one window. People are told when the budget burns fast, chance is no explanation (also where many series are looked at), and
 * enough money is concerned. Fewer outcomes than `least`: it is listed, and nobody is told.
 */
export function judgeWindow(
  { n, bad }: Pick<Window, "n" | "bad">,
  how: { target: number; least: number; series: number; money: number; floor: number },
): Verdict {
  const burn = burnOf({ bad, n, target: how.target })
  const chance = binomialTail(bad, n, 1 - how.target)
  const verdict = { burn, chance }
  const isNoChance = chance < chanceMost / Math.max(1, how.series)
  if (bad === 0) return { ...verdict, says: n < how.least ? "too few" : "kept" }
  if (!isNoChance) return { ...verdict, says: n < how.least ? "too few" : "kept" }
  if (n < how.least) return { ...verdict, says: "list", why: `only ${n} outcomes of the ${how.least} it takes` }
  if (burn < burnThreshold(how.target)) return { ...verdict, says: "list", why: "the budget burns slowly" }
  if (how.money < how.floor) return { ...verdict, says: "list", why: "the money is below the floor" }
  return { ...verdict, says: "page" }
}

/**
 * The window that speaks for each narrowest scope: itself where it has enough outcomes, else the next wider one that has, else the
 * widest. Several narrow scopes may share one; it is returned once.
 */
export function windowsToJudge<Any extends Window>(windows: readonly Any[], least: number): Any[] {
  const byScope = new Map(windows.map((window) => [window.scope.join("\n"), window]))
  const depth = Math.max(0, ...windows.map(({ scope }) => scope.length))
  const chosen = new Set<Any>()
  for (const narrow of windows.filter(({ scope }) => scope.length === depth)) {
    const wider = Array.from({ length: depth + 1 }, (_, cut) => byScope.get(narrow.scope.slice(cut).join("\n")))
    const there = wider.filter((window) => window !== undefined)
    const speaks = there.find(({ n }) => n >= least) ?? there.at(-1)
    if (speaks) chosen.add(speaks)
  }
  return [...chosen]
}

/** A value that most of the misses have in common, and others have not. */
export interface Concentration {
  dimension: string
  value: string
  bad: number
  of: number
}

/**
 * What the misses of a window have in common: of the dimensions in which at least four fifths of them have one value, the one in which
 * that value is rarest among all.
 */
export function concentrationOf(
  outcomes: readonly { isMissed: boolean; dimensions: Readonly<Record<string, string | undefined>> }[],
): Concentration | undefined {
  const missed = outcomes.filter(({ isMissed }) => isMissed)
  if (missed.length < 2) return undefined
  const names = new Set(outcomes.flatMap(({ dimensions }) => Object.keys(dimensions)))
  const found = [...names].flatMap((dimension) => {
    const values = Map.groupBy(missed, ({ dimensions }) => own(dimensions, dimension))
    const [value, most] = [...values].toSorted(([, a], [, b]) => b.length - a.length)[0] ?? []
    if (value === undefined || !most || most.length < missed.length * 0.8) return []
    const share = outcomes.filter(({ dimensions }) => own(dimensions, dimension) === value).length / outcomes.length
    return share > 0.8 ? [] : [{ dimension, value, bad: most.length, of: missed.length, share }]
  })
  const best = found.toSorted((a, b) => a.share - b.share)[0]
  return best && { dimension: best.dimension, value: best.value, bad: best.bad, of: best.of }
}
