import { asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, openSession, storage, type Sql, type SqlSession } from "../base/sql.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Connections } from "../effects/connections.ts"
import type { EventLog } from "../eventlog/event-log.ts"
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
}

/** Without news a worker looks this often at what is due. Longer waits are the queue's, shorter ones the worker's own timers. */
const idleLookMs = 1000
/** Claims under load are this far apart, so that each takes several. */
const claimGapMs = 20
/** A worker that sent no heartbeat for so long is given up. */
const silentMs = 8000
const rescueEveryMs = 900
/** An instance that waits for news stays in memory this long, in case the news is near. */
const keepMs = 20_000
const heldMax = 5000
const runningMax = 300
const failureWaitFirstMs = 200
const failureWaitMaxMs = 10_000

/** An instance this worker has claimed. */
interface Held {
  claimed: Claimed
  isRunning: boolean
  /** Asked for again while it ran. */
  again: boolean
  timer?: NodeJS.Timeout
  /** When it runs again by itself, and when it may be released, on the steady clock. */
  dueAtMs?: number
  releaseAtMs: number
}

/** One life of a worker, from its registration to the loss of its session or its fence. */
interface Life {
  journal: Journal
  session: SqlSession
  held: Map<number, Held>
  isOver: boolean
}

/**
 * Claims due instances and runs them. Any number of workers share one database.
 *
 * A worker lives as long as its database session: PostgreSQL releases the session's lock when the connection ends, and others
 * rescue what it had. A worker that loses its session, finds itself fenced, or does not know what it has claimed, forgets
 * everything and begins a new life.
 */
export class Worker {
  readonly #options: WorkerOptions
  readonly #stopping = new AbortController()
  #life: Life | undefined
  #loop: Promise<void> | undefined
  #nudged = false
  #wakeLoop: () => void = () => undefined
  #stopListening: () => void = () => undefined
  #runningCount = 0

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  start(): void {
    this.#stopListening = this.#options.eventLog.onWork(() => this.nudge())
    this.#loop = this.#live()
  }

  /** Looks for work at once. */
  nudge(): void {
    this.#nudged = true
    this.#wakeLoop()
  }

  /** Lets runs that are under way come to where they wait, gives everything back, and ends. */
  async stop(): Promise<void> {
    this.#stopListening()
    this.#stopping.abort()
    this.nudge()
    await this.#loop
  }

  async #live(): Promise<void> {
    const { log } = this.#options
    while (!this.#stopping.signal.aborted) {
      try {
        const life = await this.#begin()
        this.#life = life
        await this.#work(life)
        await this.#end(life)
      } catch (thrown) {
        if (!isStorageAway(thrown) && asAppError(thrown).kind === "defect")
          log.error({ err: thrown }, "a worker's life ended badly; it begins a new one")
        await sleep(300, this.#stopping.signal).catch(() => undefined)
      }
    }
  }

  async #begin(): Promise<Life> {
    const { sql, eventLog, process } = this.#options
    const state = { isOver: false }
    const session = await openSession(sql, () => this.nudge())
    void session.lost.then(() => {
      state.isOver = true
      this.nudge()
    })
    try {
      const [row] = await storage(() => session.sql<{ me: number }[]>`select worker_register(${process}) as me`)
      await storage(() => session.sql`listen crossdock_work`)
      const journal = new Journal(sql, eventLog, row?.me ?? 0)
      this.#options.log.info({ worker: row?.me }, "a worker began")
      return Object.assign(state, { journal, session, held: new Map<number, Held>() })
    } catch (thrown) {
      await session.sql.end()
      throw thrown
    }
  }

  async #work(life: Life): Promise<void> {
    const { log } = this.#options
    let rescuedAtMs = Number.NEGATIVE_INFINITY
    while (!life.isOver && !this.#stopping.signal.aborted) {
      const startedMs = monotonicMs()
      if (startedMs - rescuedAtMs > rescueEveryMs) {
        rescuedAtMs = startedMs
        await this.#lookAtOthers().catch((thrown: unknown) => {
          if (!isStorageAway(thrown)) log.error({ err: thrown }, "looking at other workers failed")
        })
      }
      try {
        await this.#claim(life)
        await this.#releaseIdle(life)
      } catch (thrown) {
        const error = asAppError(thrown)
        if (error.code === "LEASE_LOST") {
          log.warn("this worker was fenced; it begins a new life")
          life.isOver = true
          return
        }
        // A claim whose answer was lost may have been made: its instances would be ours, and nobody would ever run them.
        if (error.kind !== "unavailable") log.error({ err: thrown }, "claiming work failed")
        log.warn("a claim has no clear answer: this worker gives everything back and begins a new life")
        return
      }
      const spentMs = monotonicMs() - startedMs
      if (spentMs < claimGapMs) await sleep(claimGapMs - spentMs)
      await this.#rest()
    }
  }

  /** Rescues what dead workers had, and shares work and the vendors' rates with those that live. */
  async #lookAtOthers(): Promise<void> {
    const { log, sql, eventLog, connections } = this.#options
    const { dead, liveCount } = await rescueWorkers(sql, silentMs)
    if (dead.length > 0) log.warn({ workers: dead }, "workers were given up; what they had is due again")
    eventLog.notifiesOthers = liveCount > 1
    connections.shareAmong(liveCount)
  }

  /** Waits for a nudge, at most for the idle time. */
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

  async #claim(life: Life): Promise<void> {
    const room = Math.min(runningMax - this.#runningCount, heldMax - life.held.size)
    const { claimed, woken } = await life.journal.claim({
      room: Math.max(0, room),
      drains: openDoors(this.#options.connections),
    })
    for (const one of claimed) {
      const held: Held = { claimed: one, isRunning: false, again: false, releaseAtMs: 0 }
      life.held.set(one.facts.id, held)
      this.#run(life, held)
    }
    for (const { instance, signals } of woken) this.#hear(life, instance, signals)
  }

  #hear(life: Life, instance: number, signals: Signal[]): void {
    const held = life.held.get(instance)
    if (!held) return
    held.claimed.signals = signals
    this.#run(life, held)
  }

  #run(life: Life, held: Held): void {
    clearTimeout(held.timer)
    if (held.isRunning) {
      held.again = true
      return
    }
    held.isRunning = true
    this.#runningCount += 1
    void this.#runToRest(life, held).finally(() => {
      this.#runningCount -= 1
      // What did not fit before may fit now.
      if (this.#runningCount === runningMax - 1) this.nudge()
    })
  }

  async #runToRest(life: Life, held: Held): Promise<void> {
    const { runner } = this.#options
    const { id } = held.claimed.facts
    try {
      do {
        held.again = false
        const { end, isWoken } = await runner.runOnce(held.claimed, life.journal)
        if (isWoken) this.nudge()
        // An end that met a signal keeps its claim, and hears the signal.
        const isHeld = end.isOver ? isWoken : end.isKept
        if (!isHeld) return void life.held.delete(id)
        this.#keep(life, held, end.wakeInMs)
      } while (held.again && !life.isOver)
    } catch (thrown) {
      life.held.delete(id)
      await this.#giveBack(life, held, thrown)
    } finally {
      held.isRunning = false
    }
  }

  /** Keeps an instance in memory: it runs again when its time comes, or is released when that is far off. */
  #keep(life: Life, held: Held, wakeInMs: number | undefined): void {
    // An instance that was asked for while it ran comes here more than once.
    clearTimeout(held.timer)
    held.releaseAtMs = monotonicMs() + keepMs
    delete held.dueAtMs
    if (wakeInMs === undefined || life.isOver) return
    held.dueAtMs = monotonicMs() + wakeInMs
    const runAgain = () => {
      if (!life.isOver && life.held.get(held.claimed.facts.id) === held) this.#run(life, held)
    }
    held.timer = setTimeout(runAgain, Math.min(wakeInMs, keepMs * 2))
  }

  /** An instance that cannot go on is due again after longer and longer waits; a fenced worker has nothing to give back. */
  async #giveBack(life: Life, { claimed }: Held, thrown: unknown): Promise<void> {
    const { id, failures } = claimed.facts
    if (asAppError(thrown).code === "LEASE_LOST" && life.isOver) return
    const wakeInMs = Math.min(failureWaitFirstMs * 2 ** Math.min(failures, 10), failureWaitMaxMs)
    for (let tries = 0; !life.isOver; tries += 1) {
      try {
        await life.journal.release([{ instance: id, wakeInMs, failed: true }])
        return
      } catch (again) {
        if (asAppError(again).code === "LEASE_LOST") return
        await sleep(Math.min(100 * 2 ** tries, 2000))
      }
    }
  }

  /** Releases what has waited in memory for long, and what waits for a time that is far off. */
  async #releaseIdle(life: Life): Promise<void> {
    const now = monotonicMs()
    const idle = [...life.held.values()].filter(({ isRunning, releaseAtMs }) => !isRunning && releaseAtMs < now)
    for (const { claimed, timer } of idle) {
      clearTimeout(timer)
      life.held.delete(claimed.facts.id)
    }
    await life.journal.release(
      idle.map(({ claimed, dueAtMs }) => ({
        instance: claimed.facts.id,
        ...(dueAtMs === undefined ? {} : { wakeInMs: Math.max(0, dueAtMs - now) }),
      })),
    )
  }

  async #end(life: Life): Promise<void> {
    // Runs under way come to where they wait or fail; a run that takes longer is rescued by others.
    const deadlineMs = monotonicMs() + 5000
    while (this.#runningCount > 0 && monotonicMs() < deadlineMs) await sleep(20)
    if (!life.isOver) await life.journal.end().catch(() => undefined)
    life.isOver = true
    // After the runs: each sets a timer where it comes to wait. One that is left would keep the process alive.
    for (const { timer } of life.held.values()) clearTimeout(timer)
    life.held.clear()
    await life.session.sql.end()
  }
}
