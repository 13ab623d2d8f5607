import type { Random } from "./random.ts"
import { randomStream } from "./random.ts"

/** Probabilities are 0…1 per call; absent means never. */
export type FaultRates = {
  latencyMs?: { p50: number; p99: number }
  rate429?: number
  rate5xx?: number
  /** The connection dies before anything changed. */
  resetBeforeCommit?: number
  /** The change is made, then the connection is closed: the caller cannot know the outcome. */
  commitThenReset?: number
  /** The change is made, then the response is a 5xx. */
  commitThen5xx?: number
  /** The response is delayed by `hangMs` (default 30,000), longer than a sane caller waits. */
  hangRate?: number
  hangMs?: number
  /** A bulk call writes only some of its items. */
  partialSuccess?: number
  /** A change of state returns success but is not made, like a button of a real ERP that does not apply. */
  ignoredTransition?: number
  duplicateWebhook?: number
  reorderWebhook?: number
  dropWebhook?: number
}

/** Rates for the whole simulator, other rates per operation name, and the switch that makes it unreachable. */
export type FaultSettings = FaultRates & { outage?: boolean; operations?: Record<string, FaultRates> }

export type FaultName = Exclude<keyof FaultRates, "hangMs"> | "outage"

export type InjectedFaultRecord = { at: string; operation: string; fault: FaultName; bySentinel: boolean }

/** The faults decided for one call before it runs. */
export type FaultPlan = {
  latencyMs: number
  refusal: "rate429" | "rate5xx" | undefined
  atCommit: "resetBeforeCommit" | "commitThenReset" | "commitThen5xx" | undefined
  hangMs: number
  isPartial: boolean
  isIgnored: boolean
  bySentinel: boolean
}

export type Faults = {
  settings(): FaultSettings
  set(settings: FaultSettings): void
  /** Decides the faults of one call. `sentinel` is text the caller sent (a note, an order number) that may name a fault. */
  plan(operation: string, sentinel?: string): FaultPlan
  chance(fault: FaultName, operation: string): boolean
  record(fault: FaultName, operation: string, bySentinel?: boolean): void
  report(): { settings: FaultSettings; counts: Record<string, number>; recent: InjectedFaultRecord[] }
  reset(): void
}

/** Thrown inside a handler where the fault strikes; the simulator converts it into a refusal or a closed connection. */
export class InjectedFault extends Error {
  readonly fault: FaultName
  constructor(fault: FaultName) {
    super(`injected fault: ${fault}`)
    this.fault = fault
  }
}

const recentMax = 500
const sentinelsMax = 50_000
/** `lab:commit-then-reset` in an input strikes once per text and operation; with `!` at the end, every time. */
const sentinelPattern = /lab:(429|5xx|reset-before-commit|commit-then-reset|commit-then-5xx|hang|partial|ignored)(!?)/
const sentinelFaults = {
  "429": "rate429",
  "5xx": "rate5xx",
  "reset-before-commit": "resetBeforeCommit",
  "commit-then-reset": "commitThenReset",
  "commit-then-5xx": "commitThen5xx",
  hang: "hangRate",
  partial: "partialSuccess",
  ignored: "ignoredTransition",
} as const satisfies Record<string, FaultName>

export function createFaults(options: { seed: number; name: string; settings?: FaultSettings }): Faults {
  let settings: FaultSettings = options.settings ?? {}
  const streams = new Map<string, Random>()
  const counts = new Map<string, number>()
  const recent: InjectedFaultRecord[] = []
  const struck = new Set<string>()

  const stream = (purpose: string): Random => {
    let found = streams.get(purpose)
    if (found === undefined) {
      found = randomStream(options.seed, `${options.name}/fault/${purpose}`)
      streams.set(purpose, found)
    }
    return found
  }
  const ratesFor = (operation: string): FaultRates => ({ ...settings, ...settings.operations?.[operation] })
  const chance = (fault: FaultName, operation: string): boolean => {
    const rate = fault === "outage" || fault === "latencyMs" ? 0 : (ratesFor(operation)[fault] ?? 0)
    return rate > 0 && stream(`${operation}/${fault}`).chance(rate)
  }
  const sentinelFault = (operation: string, sentinel: string | undefined): FaultName | undefined => {
    const match = sentinel?.includes("lab:") ? sentinelPattern.exec(sentinel) : null
    if (match === null || match[1] === undefined) return undefined
    const key = `${operation}/${sentinel}`
    if (match[2] !== "!" && struck.has(key)) return undefined
    if (struck.size < sentinelsMax) struck.add(key)
    // The pattern admits only keys of the table.
    return sentinelFaults[match[1] as keyof typeof sentinelFaults]
  }

  return {
    settings: () => settings,
    set: (next) => {
      settings = next
    },
    plan: (operation, sentinel) => {
      const asked = sentinelFault(operation, sentinel)
      const isOn = (fault: FaultName): boolean => (asked === undefined ? chance(fault, operation) : asked === fault)
      const rates = ratesFor(operation)
      return {
        latencyMs: rates.latencyMs ? drawLatencyMs(rates.latencyMs, stream(`${operation}/latency`)) : 0,
        refusal: isOn("rate429") ? "rate429" : isOn("rate5xx") ? "rate5xx" : undefined,
        atCommit: (["resetBeforeCommit", "commitThenReset", "commitThen5xx"] as const).find(isOn),
        hangMs: isOn("hangRate") ? (rates.hangMs ?? 30_000) : 0,
        isPartial: isOn("partialSuccess"),
        isIgnored: isOn("ignoredTransition"),
        bySentinel: asked !== undefined,
      }
    },
    chance,
    record: (fault, operation, bySentinel = false) => {
      counts.set(fault, (counts.get(fault) ?? 0) + 1)
      recent.push({ at: new Date().toISOString(), operation, fault, bySentinel })
      if (recent.length > recentMax * 2) recent.splice(0, recentMax)
    },
    report: () => ({ settings, counts: Object.fromEntries(counts), recent: recent.slice(-recentMax) }),
    reset: () => {
      counts.clear()
      recent.length = 0
      struck.clear()
    },
  }
}

/** Log-normal with the asked median and 99th percentile (2.3263 = the normal distribution's 99 % quantile). */
function drawLatencyMs(latencyMs: { p50: number; p99: number }, random: Random): number {
  if (latencyMs.p50 <= 0) return 0
  const sigma = Math.log(Math.max(latencyMs.p99, latencyMs.p50) / latencyMs.p50) / 2.3263
  // Box-Muller; 1 - next() is never 0, so the logarithm is finite.
  const normal = Math.sqrt(-2 * Math.log(1 - random.next())) * Math.cos(2 * Math.PI * random.next())
  return Math.min(latencyMs.p50 * Math.exp(sigma * normal), latencyMs.p99 * 3)
}
