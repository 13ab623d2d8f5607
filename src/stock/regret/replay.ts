import { demandQuantile } from "../demand/quantile.ts"
import { busyHours } from "../demand/profile.ts"
import { serviceLevel, type DemandSource, type PromiseRule } from "../promise.ts"

/** What happened to one article at one place, as the ledger has it. Moments in epoch milliseconds, quantities in thousandths. */
export type Happening =
  /** Goods that came, went elsewhere, or were found; known to us at `knownMs`. */
  | { kind: "moved"; atMs: number; knownMs: number; milli: number }
  /** A sale that only the source saw. */
  | { kind: "seen by the source"; atMs: number; knownMs: number; milli: number }
  /** An order of a channel of ours. */
  | { kind: "ordered"; atMs: number; channel: string; milli: number }
  /** The source was heard: everything up to `asOfMs` was known. */
  | { kind: "heard"; atMs: number; asOfMs: number }

/** How much is held back: by the rule of the promise, or always as much. */
export type BufferPolicy = { kind: "quantile" } | { kind: "fixed"; milli: number }

/** What a policy would have brought a channel. */
export interface Regret {
  channel: string
  soldMilli: number
  /** Orders that would have been refused. */
  refusedMilli: number
  /** Units that would have been sold and were not there. */
  oversoldMilli: number
  /** Minor units of the rule's currency: what was oversold, and the margin of what was refused though it was left at the close. */
  regretMinor: number
}

interface Replayed {
  openingMilli: number
  happenings: readonly Happening[]
  safetyStockMilli: number
  /** What the source sells an hour. */
  source: Omit<DemandSource, "heardMs">
  ruleOf: (channel: string) => PromiseRule
  policy: BufferPolicy
}

/** A source that was heard so recently is there, and is told our orders as they come. */
const thereMs = 20 * 60_000

/**
 * Replays what happened under a policy: every order meets the promise of its moment, every sale of the source takes a unit whether we
 * know of it or not. A source that was heard also knows our orders and sells none of their units; one that is silent may. What is
 * refused costs its margin only as far as it was left at the end: nobody loses a sale of what was not there.
 */
export function replay({ openingMilli, happenings, ...how }: Replayed): Regret[] {
  const state = new Replay(openingMilli, how)
  for (const step of stepsOf(happenings)) state.take(step)
  return state.regrets()
}

type Step =
  | { atMs: number; real: number; sale?: Sale }
  | { atMs: number; known: number; sale?: Sale }
  | { atMs: number; channel: string; milli: number }
  | { atMs: number; asOfMs: number }

/** A sale of the source, which it may not have made under this policy. */
interface Sale {
  isRefused: boolean
}

/** Each happening as what it does in the world and what it does to what we know. */
function stepsOf(happenings: readonly Happening[]): Step[] {
  const steps = happenings.flatMap((one): Step[] => {
    if (one.kind === "ordered") return [{ atMs: one.atMs, channel: one.channel, milli: one.milli }]
    if (one.kind === "heard") return [{ atMs: one.atMs, asOfMs: one.asOfMs }]
    const isSale = one.kind !== "moved"
    const milli = isSale ? -one.milli : one.milli
    const sale = isSale ? { sale: { isRefused: false } } : {}
    return [
      { atMs: one.atMs, real: milli, ...sale },
      { atMs: Math.max(one.knownMs, one.atMs), known: milli, ...sale },
    ]
  })
  return steps.sort((a, b) => a.atMs - b.atMs)
}

class Replay {
  readonly #how: Omit<Replayed, "openingMilli" | "happenings">
  readonly #channels = new Map<string, Regret>()
  #real: number
  #known: number
  #sold = 0
  /** What of it the source was told. */
  #told = 0
  #heardMs: number | undefined
  /** The worst that was owed so far, and by whom. */
  #owed = 0

  constructor(openingMilli: number, how: Omit<Replayed, "openingMilli" | "happenings">) {
    this.#how = how
    this.#real = openingMilli
    this.#known = openingMilli
  }

  take(step: Step): void {
    if ("real" in step) {
      if (this.#isThere(step.atMs)) this.#told = this.#sold
      if (step.sale) step.sale.isRefused = this.#real - this.#told < -step.real
      if (step.sale?.isRefused !== true) this.#real += step.real
      this.#note(this.#last)
    } else if ("known" in step) {
      if (step.sale?.isRefused !== true) this.#known += step.known
    } else if ("asOfMs" in step) {
      this.#heardMs = Math.max(this.#heardMs ?? step.asOfMs, step.asOfMs)
      this.#told = this.#sold
    } else this.#order(step)
  }

  #last: string | undefined

  #isThere(atMs: number): boolean {
    return this.#heardMs !== undefined && atMs - this.#heardMs <= thereMs
  }

  #order({ atMs, channel, milli }: { atMs: number; channel: string; milli: number }): void {
    const regret = this.#of(channel)
    if (this.#known - this.#sold - this.#how.safetyStockMilli - this.#bufferAt(atMs, channel) < milli) {
      regret.refusedMilli += milli
      return
    }
    regret.soldMilli += milli
    this.#sold += milli
    this.#last = channel
    this.#note(channel)
  }

  /** Units owed beyond the worst before are oversold; the channel that sold last owes them. */
  #note(channel: string | undefined): void {
    const owed = this.#sold - this.#real
    if (owed <= this.#owed || channel === undefined) return
    this.#of(channel).oversoldMilli += owed - this.#owed
    this.#owed = owed
  }

  #bufferAt(atMs: number, channel: string): number {
    const { policy, source, ruleOf } = this.#how
    if (policy.kind === "fixed") return policy.milli
    if (this.#heardMs === undefined) return 0
    const mean = source.unitsPerHour * busyHours(this.#heardMs, atMs, source.profile)
    return demandQuantile({ mean, dispersion: source.dispersion }, serviceLevel(ruleOf(channel))) * 1000
  }

  #of(channel: string): Regret {
    const known = this.#channels.get(channel)
    if (known) return known
    const made = { channel, soldMilli: 0, refusedMilli: 0, oversoldMilli: 0, regretMinor: 0 }
    this.#channels.set(channel, made)
    return made
  }

  regrets(): Regret[] {
    let left = Math.max(this.#real - this.#sold, 0)
    return [...this.#channels.values()].map((regret) => {
      const { oversellCostMinor, marginMinor } = this.#how.ruleOf(regret.channel)
      const lost = Math.min(regret.refusedMilli, left)
      left -= lost
      const minor = (oversellCostMinor * regret.oversoldMilli + marginMinor * lost) / 1000
      return { ...regret, regretMinor: Math.round(minor) }
    })
  }
}
