import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, openSession, storage, type Sql, type SqlSession } from "../base/sql.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Connections } from "../effects/connections.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Reader } from "../eventlog/readers/readers.ts"
import { openDoors } from "./drains.ts"
import { Journal, rescueWorkers, type Claimed } from "./journal.ts"
import type { Runner } from "./runner.ts"
import type { Signal } from "./steps/signals.ts"

interface WorkerOptions {
  sql: Sql
  log: Log
  eventLog: EventLog
  connections: Connections
  runner: Runner
  /** `application_name` of this process's connections. */
  process: string
  reader?: Reader
}

const idleLookMs = 1000
/** Claims under load are this far apart, so that each takes several. */
const claimGapMs = 20
/** A worker that has sent no heartbeat for this long is fenced. */
const silentMs = 8000
const rescueEveryMs = 900
/** So much later when it is alone: `worker_register` tells it of the next one. */
const rescueAloneMs = 4000
/** An instance that waits for a signal stays in memory this long, in case the signal comes soon. */
const keepMs = 20_000
const heldMax = 5000
const runningMax = 300
const failureWaitFirstMs = 200
const failureWaitMaxMs = 10_000

/** An instance this worker has claimed. */
interface Held {
  claimed: Claimed
  isRunning: boolean
  /** A signal or a timer asked for another run while one was under way. */
  again: boolean
  timer?: NodeJS.Timeout
  /** When it runs again by itself, and when it may be released, on the steady clock. */
  dueAtMs?: number
  releaseAtMs: number
}

/** One registration of a worker: it ends when the worker loses its session or is fenced. */
interface Registration {
  journal: Journal
  session: SqlSession
  held: Map<number, Held>
  isOver: boolean
}

/**
 * Claims due instances and runs them. Any number of workers share one database.
 *
 * A registration lasts as long as its database session: PostgreSQL releases the session's lock when the connection ends, and
 * other workers then claim the instances. A worker that loses its session, is fenced, or does not know what it has claimed
 * drops everything from memory and registers again.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stopping = new AbortController()
  #loop: Promise<void> | undefined
  #nudged = false
  #wakeLoop: () => void = () => undefined
  #stopListening: () => void = () => undefined
  #runningCount = 0
  #rescueAtMs = -Infinity

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopListening = this.#options.eventLog.onWork(() => this.nudge())
    this.#loop = this.#live()
  }

  nudge(): void {
    this.#nudged = true
    this.#wakeLoop()
  }

  /** Lets runs under way reach their next wait, releases all claims, and ends. */
  async stop(): Promise<void> {
    this.#stopListening()
    this.#stopping.abort()
    this.nudge()
    await this.#loop
  }

  async #live(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      try {
        const registration = await this.#begin()
        await this.#work(registration)
        await this.#end(registration)
      } catch (thrown) {
        if (!isStorageAway(thrown) && asAppError(thrown).kind === "defect")
          this.#options.log.error({ err: thrown }, "the worker failed and registers again")
        await sleep(300, this.#stopping.signal).catch(() => undefined)
      }
    }
  }

  async #begin(): Promise<Registration> {
    const { sql, log, eventLog, process } = this.#options
    const state = { isOver: false }
    this.#rescueAtMs = -Infinity
    const session = await openSession(sql, (_channel, payload) => {
      if (payload === "workers") this.#rescueAtMs = -Infinity
      this.nudge()
    })
    void session.lost.then(() => {
      state.isOver = true
      this.nudge()
    })
    try {
      const [row] = await storage(() => session.sql<{ me: number }[]>`select worker_register(${process}) as me`)
      await storage(() => session.sql`listen crossdock_work`)
      const journal = new Journal(sql, eventLog, row?.me ?? 0)
      log.info({ worker: row?.me }, "the worker has registered")
      return Object.assign(state, { journal, session, held: new Map<number, Held>() })
    } catch (thrown) {
      await session.sql.end()
      throw thrown
    }
  }

  async #work(registration: Registration): Promise<void> {
    const { log, reader } = this.#options
    while (!registration.isOver && !this.#stopping.signal.aborted) {
      const startedMs = monotonicMs()
      await this.#lookAtOthers().catch((thrown: unknown) => {
        if (!isStorageAway(thrown)) log.error({ err: thrown }, "looking for dead workers failed; it is tried again")
      })
      try {
        await (reader?.pass(() => this.#claim(registration)) ?? this.#claim(registration))
        await this.#releaseIdle(registration)
      } catch (thrown) {
        const error = asAppError(thrown)
        if (error.code === "LEASE_LOST") {
          log.warn("another worker fenced this one; it registers again")
          registration.isOver = true
          return
        }
        // The claim may have been committed although its response was lost. Nobody would run those instances.
        if (error.kind !== "unavailable") log.error({ err: thrown }, "claiming instances failed")
        log.warn("it is unknown whether a claim was made: the worker releases all claims and registers again")
        return
      }
      const gapMs = claimGapMs - (monotonicMs() - startedMs)
      if (gapMs > 0) await sleep(gapMs)
      await this.#rest()
    }
  }

  /** Makes the instances of dead workers due, and divides the vendors' rates among the workers that are alive. */
  async #lookAtOthers(): Promise<void> {
    const { log, sql, eventLog, connections } = this.#options
    if (monotonicMs() < this.#rescueAtMs) return
    this.#rescueAtMs = monotonicMs() + rescueEveryMs
    const { dead, liveCount } = await rescueWorkers(sql, silentMs)
    if (dead.length > 0) log.warn({ workers: dead }, "workers were fenced; their instances are due again")
    eventLog.notifiesOthers = liveCount > 1
    connections.shareAmong(liveCount)
    if (liveCount === 1) this.#rescueAtMs += rescueAloneMs
  }

  /** Waits for a nudge, at most the idle time. */
  async #rest(): Promise<void> {
    if (!this.#nudged && !this.#stopping.signal.aborted)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, idleLookMs)
        this.#wakeLoop = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    this.#nudged = false
  }

  async #claim(registration: Registration): Promise<void> {
    const room = Math.max(0, Math.min(runningMax - this.#runningCount, heldMax - registration.held.size))
    const { claimed, woken } = await registration.journal.claim({ room, drains: openDoors(this.#options.connections) })
    for (const one of claimed) {
      const held: Held = { claimed: one, isRunning: false, again: false, releaseAtMs: 0 }
      registration.held.set(one.facts.id, held)
      this.#run(registration, held)
    }
    for (const { instance, signals } of woken) this.#hear(registration, instance, signals)
  }

  #hear(registration: Registration, instance: number, signals: Signal[]): void {
    const held = registration.held.get(instance)
    if (!held) return
    held.claimed.signals = signals
    this.#run(registration, held)
  }

  #run(registration: Registration, held: Held): void {
    clearTimeout(held.timer)
    if (held.isRunning) {
      held.again = true
      return
    }
    held.isRunning = true
    this.#runningCount += 1
    void this.#runToRest(registration, held).finally(() => {
      this.#runningCount -= 1
      // Instances that found no room before may be claimed now.
      if (this.#runningCount === runningMax - 1) this.nudge()
    })
  }

  async #runToRest(registration: Registration, held: Held): Promise<void> {
    const { id } = held.claimed.facts
    // A released instance may be claimed again before its run hears of the release: the new claim stays.
    const drop = () => void (registration.held.get(id) === held && registration.held.delete(id))
    try {
      do {
        held.again = false
        const { end, isWoken } = await this.#options.runner.runOnce(held.claimed, registration.journal)
        if (isWoken) this.nudge()
        // When a signal came while the instance ended, the claim is kept and the instance runs again.
        const isHeld = end.isOver ? isWoken : end.isKept
        if (!isHeld) return drop()
        this.#keep(registration, held, end.wakeInMs)
      } while (held.again && !registration.isOver)
    } catch (thrown) {
      drop()
      await this.#giveBack(registration, held, thrown)
    } finally {
      held.isRunning = false
    }
  }

  /** Keeps an instance in memory until it is due, or until it is released because it is not due soon. */
  #keep(registration: Registration, held: Held, wakeInMs: number | undefined): void {
    // An instance that runs several times in a row comes here more than once.
    clearTimeout(held.timer)
    held.releaseAtMs = monotonicMs() + keepMs
    delete held.dueAtMs
    if (wakeInMs === undefined || registration.isOver) return
    held.dueAtMs = monotonicMs() + wakeInMs
    const runAgain = () => {
      if (!registration.isOver && registration.held.get(held.claimed.facts.id) === held) this.#run(registration, held)
    }
    held.timer = setTimeout(runAgain, Math.min(wakeInMs, keepMs * 2))
  }

  /** Releases an instance whose run failed, with a growing wait. A fenced worker holds no claims any more. */
  async #giveBack(registration: Registration, { claimed }: Held, thrown: unknown): Promise<void> {
    const { id, failures } = claimed.facts
    if (asAppError(thrown).code === "LEASE_LOST" && registration.isOver) return
    const wakeInMs = Math.min(failureWaitFirstMs * 2 ** Math.min(failures, 10), failureWaitMaxMs)
    for (let tries = 0; !registration.isOver; tries += 1) {
      try {
        return await registration.journal.release([{ instance: id, wakeInMs, failed: true }])
      } catch (again) {
        if (asAppError(again).code === "LEASE_LOST") return
        await sleep(Math.min(100 * 2 ** tries, 2000))
      }
    }
  }

  /** Releases instances that have waited in memory long enough. */
  async #releaseIdle(registration: Registration): Promise<void> {
    const now = monotonicMs()
    const idle = [...registration.held.values()].filter(({ isRunning, releaseAtMs }) => !isRunning && releaseAtMs < now)
    for (const { claimed, timer } of idle) {
      clearTimeout(timer)
      registration.held.delete(claimed.facts.id)
    }
    await registration.journal.release(
      idle.map(({ claimed, dueAtMs }) => ({
        instance: claimed.facts.id,
        ...(dueAtMs === undefined ? {} : { wakeInMs: Math.max(0, dueAtMs - now) }),
      })),
    )
  }

  async #end(registration: Registration): Promise<void> {
    // Runs under way reach their next wait or fail. A run that takes longer is claimed by another worker.
    const deadlineMs = monotonicMs() + 5000
    while (this.#runningCount > 0 && monotonicMs() < deadlineMs) await sleep(20)
    if (!registration.isOver) await registration.journal.end().catch(() => undefined)
    registration.isOver = true
    // After the runs, which set timers when they wait. A timer that is left would keep the process alive.
    for (const { timer } of registration.held.values()) clearTimeout(timer)
    registration.held.clear()
    await registration.session.sql.end()
  }
}
