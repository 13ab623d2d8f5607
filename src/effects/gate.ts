import { AppError, asAppError, type ErrorCode } from "../base/errors.ts"
import { monotonicMs } from "../base/time.ts"
import type { RateModel } from "../ports/connector.ts"
import { Pacing, type Lane } from "./pacing.ts"

export type BreakerState = "closed" | "open" | "half-open"

/** What an operator sees of a connection, and what outlives a restart. */
export interface GateState {
  isPaused: boolean
  pausedBy: string | undefined
  reason: string | undefined
  breaker: BreakerState
  /** Milliseconds until a half-open trial; 0 when it may be tried now. */
  retryInMs: number
  lastError: string | undefined
  /** Milliseconds left of a wait that the system asked for by Retry-After; 0 without one. Pause and resume end it. */
  askedToWaitMs: number
}

interface GateOptions extends RateModel {
  connection: string
  /** Called when the breaker changes or the system asks for a long wait, to persist it and to wake what waits. */
  onChange: (state: GateState) => void
}

interface How {
  operation?: string
  evenIfPaused?: boolean
}

const consecutiveUnavailableMax = 5
const windowSize = 20
const windowFailuresMax = 16
const trialWaitFirstMs = 500
const trialWaitLimitMs = 15_000
const slotWaitMaxMs = 5000
const askedWaitMaxMsDefault = 15 * 60_000
/** Shorter waits are everyday pacing, which nobody looks at. */
const askedWaitShownMs = 10_000
/** Errors by which the other system is away for us. */
const vendorIsAway: ReadonlySet<ErrorCode> = new Set(["VENDOR_UNAVAILABLE", "VENDOR_KEY_REFUSED"])

/**
 * The one door to a connection: paused by a person, its circuit breaker, then pacing. One per connection and process.
 *
 * The breaker opens after 5 calls in a row that found nobody there, or 16 of the last 20 without a clear answer. It lets
 * one call try after 0.5 s, doubling to 15 s. A vendor's Retry-After is no failure; it is obeyed up to a limit, and a person ends
 * it by pausing and resuming the connection.
 */
export class Gate {
  readonly pacing: Pacing
  readonly #options: GateOptions
  #state: GateState = {
    isPaused: false,
    pausedBy: undefined,
    reason: undefined,
    breaker: "closed",
    retryInMs: 0,
    lastError: undefined,
    askedToWaitMs: 0,
  }
  #retryAt = 0
  /** The end of a wait that another process was asked for, for people to see. */
  #othersWaitUntil = 0
  #pauseChangedAt = ""
  #trialWaitMs = trialWaitFirstMs
  #isTrialUnderWay = false
  #consecutiveUnavailable = 0
  #window: boolean[] = []
  #answeredAtMs: number | undefined

  constructor(options: GateOptions) {
    this.#options = options
    this.pacing = new Pacing(options)
  }

  get state(): GateState {
    return {
      ...this.#state,
      retryInMs: this.#state.breaker === "open" ? Math.max(0, this.#retryAt - monotonicMs()) : 0,
      askedToWaitMs: Math.max(this.pacing.blockedForMs, this.#othersWaitUntil - monotonicMs(), 0),
    }
  }

  /** Milliseconds since the last call that got a clear response; undefined when there was none, or a call has failed since. */
  get answeredMsAgo(): number | undefined {
    return this.#answeredAtMs === undefined ? undefined : monotonicMs() - this.#answeredAtMs
  }

  /** Whether work that waits for this connection should be woken: one trial when it is due, anything when it is closed. */
  get wakeBudget(): "none" | "one" | "paced" {
    if (this.#state.isPaused) return "none"
    if (this.#state.breaker === "closed") return this.pacing.blockedForMs > 0 ? "none" : "paced"
    return this.state.retryInMs === 0 && !this.#isTrialUnderWay ? "one" : "none"
  }

  setPaused(isPaused: boolean, by: string | undefined, reason: string | undefined): void {
    if (this.#state.isPaused && !isPaused) {
      this.#othersWaitUntil = 0
      this.pacing.unblock()
    }
    this.#state = { ...this.#state, isPaused, pausedBy: by, reason }
  }

  /**
   * What another process or an earlier life persisted of pauses: when a person last paused or resumed, and how much longer the
   * system wants to be left alone. A change by a person ends such a wait here too.
   */
  follow({
    pauseChangedAt,
    askedToWaitMs,
    lastError,
  }: {
    pauseChangedAt: string | undefined
    askedToWaitMs: number
    lastError: string | undefined
  }): void {
    const isChanged = this.#pauseChangedAt !== (pauseChangedAt ?? "")
    this.#pauseChangedAt = pauseChangedAt ?? ""
    this.#othersWaitUntil = monotonicMs() + askedToWaitMs
    if (askedToWaitMs > 0) this.#state = { ...this.#state, lastError }
    if (isChanged) this.pacing.unblock()
  }

  /** Takes over a state another process or an earlier life persisted. */
  restore(state: Pick<GateState, "breaker" | "retryInMs" | "lastError">): void {
    if (state.breaker === this.#state.breaker) return
    this.#state = {
      ...this.#state,
      breaker: state.breaker === "closed" ? "closed" : "open",
      lastError: state.lastError,
    }
    this.#retryAt = monotonicMs() + state.retryInMs
  }

  /**
   * Runs one call through the door. Throws CONNECTION_PAUSED without calling when it is closed or no slot came free within
   * 5 s; otherwise the call's own result or error, which the breaker takes note of. `operation` is `capability.operation`, for its own rate.
   */
  pass<Result>(lane: Lane, call: () => Promise<Result>, operation = ""): Promise<Result> {
    return this.#pass(lane, call, { operation })
  }

  /** Like `pass`, for a person who looks at something while the connection is paused; breaker and pacing hold. Reads only. */
  passEvenIfPaused<Result>(lane: Lane, call: () => Promise<Result>): Promise<Result> {
    return this.#pass(lane, call, { evenIfPaused: true })
  }

  async #pass<Result>(lane: Lane, call: () => Promise<Result>, { operation = "", ...how }: How): Promise<Result> {
    this.#assertOpen(how)
    const leave = await this.pacing.enter(lane, slotWaitMaxMs, operation)
    if (!leave)
      throw new AppError("CONNECTION_PAUSED", `no slot on ${this.#options.connection} came free in time`, {
        retryAfterMs: 1000,
      })
    try {
      return await this.#call(call, this.#assertOpen(how))
    } finally {
      leave()
    }
  }

  async #call<Result>(call: () => Promise<Result>, isTrial: boolean): Promise<Result> {
    if (isTrial) this.#isTrialUnderWay = true
    try {
      const result = await call()
      this.#note(undefined, isTrial)
      return result
    } catch (thrown) {
      const error = this.#withinLimit(asAppError(thrown))
      this.#note(error, isTrial)
      throw error.cause === thrown ? thrown : error
    }
  }

  /** An error whose wait is no longer than the connection's limit: `Retry-After: 99999999999` would stop it for good. */
  #withinLimit(error: AppError): AppError {
    const { askedWaitMaxMs = askedWaitMaxMsDefault } = this.#options
    const { code, message, problems, data, cause, retryAfterMs = 0 } = error
    if (retryAfterMs <= askedWaitMaxMs) return error
    const asked = `${message} (it asked for a wait of ${Math.round(retryAfterMs / 1000)} s, cut to ${askedWaitMaxMs / 1000} s)`
    return new AppError(code, asked, { cause, problems, data, retryAfterMs: askedWaitMaxMs })
  }

  /** Throws when nothing may pass; answers whether what passes is the trial of a half-open breaker. */
  #assertOpen({ evenIfPaused = false }: How): boolean {
    const { connection } = this.#options
    if (this.#state.isPaused && !evenIfPaused)
      throw new AppError(
        "CONNECTION_PAUSED",
        `${connection} is paused${this.#state.pausedBy ? ` by ${this.#state.pausedBy}` : ""}`,
        { data: { pausedBy: this.#state.pausedBy ?? "" } },
      )
    if (this.#state.breaker === "closed") return false
    const waitMs = this.state.retryInMs
    if (waitMs > 0 || this.#isTrialUnderWay)
      throw new AppError("CONNECTION_PAUSED", `${connection} does not answer; ${this.#state.lastError ?? ""}`, {
        retryAfterMs: Math.max(waitMs, 200),
      })
    return true
  }

  #note(error: AppError | undefined, wasTrial: boolean): void {
    if (wasTrial) this.#isTrialUnderWay = false
    // Our own storage being away says nothing about the other system.
    if (error && error.kind === "unavailable" && !vendorIsAway.has(error.code)) return
    this.#answeredAtMs = error?.kind === "unavailable" || error?.kind === "uncertain" ? undefined : monotonicMs()
    if (error?.kind === "unavailable" && error.retryAfterMs !== undefined) return this.#waitAsAsked(error)
    const isFailure = error?.kind === "unavailable" || error?.kind === "uncertain"
    // Calls that were under way when it opened say nothing new; counting them would put off the trial again and again.
    if (isFailure && !wasTrial && this.#state.breaker !== "closed") return
    this.#consecutiveUnavailable = error?.kind === "unavailable" ? this.#consecutiveUnavailable + 1 : 0
    this.#window = [...this.#window.slice(1 - windowSize), isFailure]
    if (!isFailure) {
      this.#trialWaitMs = trialWaitFirstMs
      if (this.#state.breaker !== "closed") this.#change("closed", undefined)
      return
    }
    const failures = this.#window.filter(Boolean).length
    if (wasTrial || this.#consecutiveUnavailable >= consecutiveUnavailableMax || failures >= windowFailuresMax) {
      this.#retryAt = monotonicMs() + this.#trialWaitMs
      this.#trialWaitMs = Math.min(this.#trialWaitMs * 2, trialWaitLimitMs)
      this.#window = []
      this.#change("open", error?.message)
    }
  }

  #waitAsAsked({ retryAfterMs = 0, message }: AppError): void {
    const isLonger = retryAfterMs > this.pacing.blockedForMs + askedWaitShownMs
    this.pacing.blockFor(retryAfterMs)
    if (!isLonger) return
    this.#state = { ...this.#state, lastError: message }
    this.#options.onChange(this.state)
  }

  #change(breaker: BreakerState, lastError: string | undefined): void {
    this.#state = { ...this.#state, breaker, lastError }
    this.#options.onChange(this.state)
  }
}
