import { Agent } from "node:http"
import type { Faults } from "../faults.ts"
import type { KeptMap } from "../keep/kept.ts"
import { post } from "./post.ts"
import type { Random } from "../random.ts"

/** One message to send. */
export type WebhookMessage = {
  id: string
  topic: string
  body: string
  /** Inputs of the headers besides id, topic and body. */
  facts?: Readonly<Record<string, string>>
  /** Appended to the target URL, for vendors whose subscriptions have their own paths. */
  path?: string
  /** Overrides the simulator's target. */
  url?: string
}

export type WebhookOptions = {
  /** Built for every attempt, because headers hold timestamps and signatures. */
  headers(message: WebhookMessage, attempt: number): Record<string, string>
  /** The vendor's own pauses between attempts; their number is the number of retries. */
  retryDelaysMs: readonly number[]
  /** 0.001 turns four hours into fourteen seconds. */
  retryScale?: number
  timeoutMs?: number
  concurrency?: number
  /** Longest extra wait of a message chosen to arrive out of order. */
  reorderMs?: number
  onGiveUp?: (message: WebhookMessage) => void
}

export type WebhookReport = {
  /** Never sent, because there was no target yet. */
  unaddressed: number
  sent: number
  delivered: number
  attempts: number
  failedAttempts: number
  dropped: number
  duplicated: number
  reordered: number
  gaveUp: number
  pending: number
  /** Messages dropped on purpose, for the checker. */
  drops: { id: string; topic: string }[]
}

export type WebhookSender = {
  send(message: WebhookMessage): void
  report(): WebhookReport
  /** Resolves when nothing is queued, in flight or waiting for a retry. */
  idle(): Promise<void>
  /** Sends the messages that waited until the target was set after a start. */
  release(): void
  reset(): void
  stop(): void
}

/** An undelivered message as stored. */
export type PendingWebhook = { message: WebhookMessage; attempt: number }

type Job = PendingWebhook & { key: string; generation: number }

/** Storage of undelivered messages. */
type Keeping = {
  pending: KeptMap<string, PendingWebhook>
  /** The number of the lab's start: keys of two starts never meet. */
  run: number
  saved(): Promise<void>
  /** The previous lab had a target, so it will be set again: messages wait for it instead of being dropped. */
  isTargetAwaited: boolean
}

type SenderOptions = WebhookOptions & {
  faults: Faults
  random: Random
  target(): string | undefined
  keeping?: Keeping
}

/** Delivers at least once, with bounded concurrency over kept-alive connections, and misbehaves as asked. */
export function createWebhookSender(options: SenderOptions): WebhookSender {
  return new Sender(options)
}

class Sender implements WebhookSender {
  readonly #options: SenderOptions
  readonly #concurrency: number
  readonly #agent: Agent
  readonly #timers = new Set<NodeJS.Timeout>()
  #counts = emptyReport()
  #queue: Job[] = []
  #head = 0
  #inFlight = 0
  #keysGiven = 0
  /** Messages that wait until the target is set; undefined if none do. */
  #held: Job[] | undefined
  /** Increased by a reset, so that deliveries begun before it are dropped. */
  #generation = 0
  #waiters: (() => void)[] = []

  constructor(options: SenderOptions) {
    this.#options = options
    this.#concurrency = options.concurrency ?? 32
    this.#agent = new Agent({ keepAlive: true, maxSockets: this.#concurrency })
    const { keeping } = options
    if (keeping === undefined) return
    this.#held = Array.from(keeping.pending, ([key, pending]) => ({ ...pending, key, generation: 0 }))
    const hasNothingToWaitFor = options.target() !== undefined || !keeping.isTargetAwaited
    // Deferred, because the simulator may set up the sender's inputs after creating it.
    if (hasNothingToWaitFor) setImmediate(() => this.release())
  }

  send(message: WebhookMessage): void {
    // Nobody has subscribed: a vendor sends nothing, and a lab under load must not queue it for days.
    if (message.url === undefined && this.#options.target() === undefined && this.#held === undefined) {
      this.#counts.unaddressed += 1
      return
    }
    this.#counts.sent += 1
    const job = this.#newJob(message)
    if (this.#strikes("dropWebhook", message)) {
      this.#counts.dropped += 1
      this.#counts.drops.push({ id: message.id, topic: message.topic })
      return
    }
    this.#options.keeping?.pending.set(job.key, { message, attempt: 0 })
    if (this.#strikes("duplicateWebhook", message)) {
      this.#counts.duplicated += 1
      this.#later(job, this.#extraWaitMs())
    }
    if (this.#strikes("reorderWebhook", message)) {
      this.#counts.reordered += 1
      this.#later(job, this.#extraWaitMs())
    } else this.#enqueue(job)
  }

  report(): WebhookReport {
    return { ...this.#counts, drops: [...this.#counts.drops], pending: this.#pending() }
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const job of held) this.#enqueue(job)
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#settle()
    })
  }

  reset(): void {
    this.#options.keeping?.pending.clear()
    this.#forgetAll()
  }

  stop(): void {
    this.#forgetAll()
    this.#agent.destroy()
  }

  #forgetAll(): void {
    this.#generation += 1
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#queue = []
    this.#head = 0
    this.#held = undefined
    this.#counts = emptyReport()
    this.#settle()
  }

  #newJob(message: WebhookMessage): Job {
    this.#keysGiven += 1
    const key = `${this.#options.keeping?.run ?? 1}/${this.#keysGiven}`
    return { message, attempt: 0, key, generation: this.#generation }
  }

  #strikes(fault: "dropWebhook" | "duplicateWebhook" | "reorderWebhook", message: WebhookMessage): boolean {
    const { faults } = this.#options
    if (!faults.chance(fault, message.topic)) return false
    faults.record(fault, message.topic)
    return true
  }

  #extraWaitMs(): number {
    return this.#options.random.next() * (this.#options.reorderMs ?? 200)
  }

  #pending(): number {
    return this.#queue.length - this.#head + this.#inFlight + this.#timers.size + (this.#held?.length ?? 0)
  }

  #settle(): void {
    if (this.#pending() > 0) return
    for (const resolve of this.#waiters.splice(0)) resolve()
  }

  #later(job: Job, delayMs: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#enqueue(job)
    }, delayMs)
    this.#timers.add(timer)
  }

  #enqueue(job: Job): void {
    if (this.#held !== undefined) {
      this.#held.push(job)
      return
    }
    this.#queue.push(job)
    this.#pump()
  }

  #pump(): void {
    while (this.#inFlight < this.#concurrency) {
      const job = this.#queue[this.#head]
      if (job === undefined) return
      this.#head += 1
      if (this.#head > 4_096) {
        this.#queue = this.#queue.slice(this.#head)
        this.#head = 0
      }
      this.#inFlight += 1
      void this.#deliver(job)
    }
  }

  async #deliver(job: Job): Promise<void> {
    const { message } = job
    const { keeping } = this.#options
    // A change must be stored before its webhook is sent.
    if (keeping !== undefined) await keeping.saved()
    const url = message.url ?? withPath(this.#options.target(), message.path)
    this.#counts.attempts += 1
    const timeoutMs = this.#options.timeoutMs ?? 5_000
    const headers = this.#options.headers(message, job.attempt)
    const isDelivered =
      url !== undefined && (await post(url, { body: message.body, headers, agent: this.#agent, timeoutMs }))
    this.#inFlight -= 1
    if (job.generation === this.#generation) {
      if (isDelivered) {
        this.#counts.delivered += 1
        keeping?.pending.delete(job.key)
      } else this.#retry(job)
    }
    this.#pump()
    this.#settle()
  }

  #retry(job: Job): void {
    this.#counts.failedAttempts += 1
    const delayMs = this.#options.retryDelaysMs[job.attempt]
    if (delayMs === undefined) {
      this.#counts.gaveUp += 1
      this.#options.keeping?.pending.delete(job.key)
      this.#options.onGiveUp?.(job.message)
      return
    }
    const attempt = job.attempt + 1
    this.#options.keeping?.pending.set(job.key, { message: job.message, attempt })
    this.#later({ ...job, attempt }, delayMs * (this.#options.retryScale ?? 1))
  }
}

function withPath(target: string | undefined, path: string | undefined): string | undefined {
  if (target === undefined) return undefined
  return path === undefined ? target : target.replace(/\/$/, "") + path
}

function emptyReport(): WebhookReport {
  return {
    unaddressed: 0,
    sent: 0,
    delivered: 0,
    attempts: 0,
    failedAttempts: 0,
    dropped: 0,
    duplicated: 0,
    reordered: 0,
    gaveUp: 0,
    pending: 0,
    drops: [],
  }
}
