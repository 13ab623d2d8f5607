import { randomStream } from "../lab/random.ts"
import { victims, type ChaosSettings, type Victim } from "./settings.ts"

/** One fault of one process. */
export interface Strike {
  atMs: number
  victim: Victim
  /** Number of the process among those of its kind, from 1. */
  number: number
  /**
   * A killed process is restarted at once. A paused one resumes later without noticing. At a failover the primary
   * database stays down.
   */
  kind: "kill" | "pause" | "failover"
  pauseMs: number
}

/** A strike as people read it. */
export function strikeText({ kind, victim, number, pauseMs }: Strike): string {
  const who = victim === "postgres" ? victim : `${victim} ${number}`
  if (kind === "kill") return `kill -9 ${who}`
  if (kind === "pause") return `${who} stands still for ${(pauseMs / 1000).toFixed(1)} s`
  return "kill -9 the primary database for good, and promote its standby"
}

const pauseShare = 0.3

/**
 * Faults last longer than the orders come: payments found by the backstop, shipments and invoices come later, and
 * faults that end before the books are written prove nothing about them.
 */
const faultsOutlastMs = 15_000

/**
 * Plans all strikes of a run from its seed. Every kind of process is struck at least once, unless the settings say
 * otherwise.
 */
export function planStrikes(settings: ChaosSettings): Strike[] {
  const random = randomStream(settings.seed, "chaos/strikes")
  const windowMs = faultWindowMs(settings)
  const counts = settings.kills ?? defaultCounts(windowMs, settings)
  const howMany: Record<Victim, number> = { gateway: settings.gateways, worker: settings.workers, postgres: 1 }
  const strikes = victims.flatMap((victim) =>
    Array.from({ length: counts[victim] }, (_, n): Strike => {
      // One strike in each equal part of the window, so that two strikes on one process do not overlap.
      const partMs = windowMs / counts[victim]
      const atMs = Math.round(partMs * n + partMs * (0.1 + 0.8 * random.next()))
      // The first is always a kill: a run guarantees one of each.
      const isPause = n > 0 && random.chance(pauseShare)
      const number = random.integer(1, howMany[victim])
      const pauseMs = random.integer(Math.min(1000, settings.pauseMsMax), settings.pauseMsMax)
      return { atMs, victim, number, kind: isPause ? "pause" : "kill", pauseMs }
    }),
  )
  if (settings.isFailover) {
    const tradingMs = (settings.orders / settings.ordersPerSecond) * 1000
    const atMs = Math.round(tradingMs * (0.4 + 0.2 * random.next()))
    strikes.push({ atMs, victim: "postgres", number: 1, kind: "failover", pauseMs: 0 })
  }
  return strikes.sort((a, b) => a.atMs - b.atMs)
}

/** Duration of the faults, from the first order. */
export function faultWindowMs({ orders, ordersPerSecond }: Pick<ChaosSettings, "orders" | "ordersPerSecond">): number {
  return (orders / ordersPerSecond) * 1000 + faultsOutlastMs
}

function defaultCounts(windowMs: number, { seed, isFailover }: ChaosSettings): Record<Victim, number> {
  const random = randomStream(seed, "chaos/counts")
  const times = (everyMs: number) => Math.max(1, Math.round((windowMs / everyMs) * (0.7 + 0.6 * random.next())))
  // In a failover run the database has its strike already.
  return { gateway: times(30_000), worker: times(20_000), postgres: isFailover ? 0 : times(60_000) }
}
