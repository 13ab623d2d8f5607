import { monotonicMs, sleep } from "../time.ts"
import type { DatabaseAddress, Server } from "./database-url.ts"
import { openLane, statementsFor, type Lane, type LaneOptions, type Statement, type Statements } from "./lane.ts"
import { failure, Servers } from "./servers.ts"

/** Settings of a pool. */
export interface PoolOptions {
  address: DatabaseAddress
  connectionsMax: number
  session: Record<string, string | number>
  /** Idle connections of transactions are closed after this time. Default 30 s. */
  spareAfterMs?: number
}

const pauseMsMin = 50
const pauseMsMax = 250
/** When a server owes a result and has been silent this long, check that it is still reachable. */
const silenceMs = 3000

/**
 * Connections to the writable server of an address. Statements share connections; a transaction or a session takes one
 * for itself (`take`). When a connection is lost, a new one goes to whichever server takes writes then.
 */
export class Pool {
  readonly #options: PoolOptions
  readonly #servers: Servers
  readonly #shared = new Set<Lane>()
  /** Idle connections of transactions. The one used last is taken first, because its server process is warm. */
  readonly #idle: Lane[] = []
  readonly #watched = new Map<Lane, { bytesRead: number; sinceMs: number }>()
  readonly #waiting: Statement[] = []
  /** The smallest number of idle connections since `#countedMs`. */
  #spare = 0
  #countedMs = monotonicMs()
  #opening = 0
  #pause = { untilMs: 0, lengthMs: 0 }
  /** True once the pool takes no more statements. */
  #isEnded = false
  /** True once the pool opens no more connections. */
  #isClosed = false
  #onQuiet: (() => void) | undefined
  readonly #watch: NodeJS.Timeout
  readonly statements: Statements

  constructor(options: PoolOptions) {
    this.#options = options
    this.#servers = new Servers(options.address)
    this.statements = statementsFor((statement) => this.#run(statement))
    this.#watch = setInterval(() => {
      this.#lookForSilence()
      this.#closeSpare()
    }, 1000).unref()
  }

  /**
   * Takes a connection for one user, who gives it back or ends it. Errors: the driver's or the system's when no server
   * is usable.
   */
  async take(): Promise<Lane> {
    this.#refuseWhenEnded()
    const idle = this.#idle.pop()
    this.#spare = Math.min(this.#spare, this.#idle.length)
    return idle ?? this.#open()
  }

  giveBack(lane: Lane): void {
    if (lane.isLost || this.#isEnded) void lane.end()
    else this.#idle.push(lane)
  }

  /** Opens a connection beside the pool's own that also receives notifications. The caller ends it. */
  async openSession(how: Pick<LaneOptions, "onLost" | "onNotify">): Promise<Lane> {
    this.#refuseWhenEnded()
    return this.#open(how)
  }

  /** Refuses new statements, waits at most `timeoutMs` for running ones, and closes every connection. */
  async end(timeoutMs: number): Promise<void> {
    this.#isEnded = true
    clearInterval(this.#watch)
    const isOver = new AbortController()
    const quiet = new Promise<void>((resolve) => (this.#onQuiet = resolve))
    this.#tellWhenQuiet()
    await Promise.race([quiet, sleep(timeoutMs, isOver.signal)])
    isOver.abort()
    this.#isClosed = true
    this.#servers.abandon()
    this.#rejectWaiting(failure("CONNECTION_DESTROYED", "the pool was ended"))
    await Promise.all([...this.#shared, ...this.#idle].map((lane) => lane.end()))
  }

  #refuseWhenEnded(): void {
    if (this.#isEnded) throw failure("CONNECTION_ENDED", "the pool was ended")
  }

  #refuseWhenClosed(): void {
    if (this.#isClosed) throw failure("CONNECTION_DESTROYED", "the pool was ended")
  }

  #run(statement: Statement): void {
    if (this.#isEnded) return statement.reject(failure("CONNECTION_ENDED", "the pool was ended"))
    const lanes = [...this.#shared]
    const free = lanes.find((lane) => lane.outstanding === 0)
    if (free) return this.#runOn(free, statement)
    if (lanes.length + this.#opening < this.#options.connectionsMax) {
      this.#waiting.push(statement)
      void this.#grow()
      return
    }
    const [least] = lanes.sort((a, b) => a.outstanding - b.outstanding)
    if (least) this.#runOn(least, statement)
    else this.#waiting.push(statement)
  }

  #runOn(lane: Lane, statement: Statement): void {
    lane.run(statement, () => {
      const next = lane.isLost ? undefined : this.#waiting.shift()
      if (next) this.#runOn(lane, next)
      this.#tellWhenQuiet()
    })
  }

  async #grow(): Promise<void> {
    this.#opening += 1
    let thrown: unknown
    try {
      const lane = await this.#open()
      this.#shared.add(lane)
    } catch (error) {
      thrown = error
    }
    this.#opening -= 1
    // Other connections, open or opening, run the waiting statements.
    if (thrown !== undefined && this.#shared.size === 0 && this.#opening === 0) this.#rejectWaiting(thrown)
    for (const lane of this.#shared)
      if (lane.outstanding === 0) {
        const next = this.#waiting.shift()
        if (next) this.#runOn(lane, next)
      }
    this.#tellWhenQuiet()
  }

  /** Connects to the first server that accepts us and takes writes. After a failure the next attempt is delayed a little. */
  async #open(how: Partial<Pick<LaneOptions, "onLost" | "onNotify">> = {}): Promise<Lane> {
    const waitMs = this.#pause.untilMs - monotonicMs()
    if (waitMs > 0) await sleep(waitMs)
    let reason: unknown
    for (const server of this.#servers.inOrder()) {
      this.#refuseWhenClosed()
      try {
        return await this.#openOn(server, how)
      } catch (thrown) {
        reason = thrown
        this.#servers.avoid(server)
      }
    }
    this.#lengthenPause()
    throw reason
  }

  async #openOn(server: Server, how: Partial<Pick<LaneOptions, "onLost" | "onNotify">>): Promise<Lane> {
    const { address, session } = this.#options
    const connection = await this.#servers.connect(server)
    const lane = await openLane(connection, {
      address,
      servers: this.#servers,
      session,
      ...(how.onNotify ? { onNotify: how.onNotify } : {}),
      onLost: (lost) => {
        this.#forget(lost)
        how.onLost?.(lost)
      },
    })
    if (this.#isClosed) await lane.end()
    this.#refuseWhenClosed()
    this.#servers.prefer(server)
    this.#pause = { untilMs: 0, lengthMs: 0 }
    this.#watched.set(lane, { bytesRead: 0, sinceMs: monotonicMs() })
    return lane
  }

  #lengthenPause(): void {
    const nowMs = monotonicMs()
    if (nowMs < this.#pause.untilMs) return
    const lengthMs = Math.min(Math.max(this.#pause.lengthMs * 2, pauseMsMin), pauseMsMax)
    this.#pause = { untilMs: nowMs + lengthMs, lengthMs }
  }

  #forget(lane: Lane): void {
    this.#shared.delete(lane)
    const at = this.#idle.indexOf(lane)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#watched.delete(lane)
    // The waiting statements need another connection.
    if (this.#waiting.length > 0 && this.#shared.size + this.#opening < this.#options.connectionsMax) void this.#grow()
  }

  #rejectWaiting(reason: unknown): void {
    for (const statement of this.#waiting.splice(0)) statement.reject(reason)
  }

  #tellWhenQuiet(): void {
    const isQuiet = this.#waiting.length === 0 && [...this.#shared].every((lane) => lane.outstanding === 0)
    if (isQuiet) this.#onQuiet?.()
  }

  /**
   * A burst of transactions opens many connections, and each costs the server some megabytes. Closes all spare ones but
   * the one used last.
   */
  #closeSpare(): void {
    const nowMs = monotonicMs()
    if (nowMs - this.#countedMs < (this.#options.spareAfterMs ?? 30_000)) return
    for (const lane of this.#idle.splice(0, Math.min(this.#spare, this.#idle.length - 1))) void lane.end()
    this.#spare = this.#idle.length
    this.#countedMs = nowMs
  }

  /**
   * A machine that lost power does not close its connections: without this check a statement would wait a quarter of an
   * hour for the system's time-out. A silent server that still accepts connections is slow; otherwise it is gone.
   */
  #lookForSilence(): void {
    const nowMs = monotonicMs()
    for (const [lane, seen] of this.#watched) {
      if (lane.outstanding === 0 || lane.bytesRead !== seen.bytesRead) {
        this.#watched.set(lane, { bytesRead: lane.bytesRead, sinceMs: nowMs })
        continue
      }
      if (nowMs - seen.sinceMs < silenceMs) continue
      seen.sinceMs = nowMs
      void this.#servers.isReachable(lane.server).then((isReachable) => {
        if (isReachable) return
        this.#servers.avoid(lane.server)
        lane.abandon()
      })
    }
  }
}
