import { Agent, request as httpRequest } from "node:http"
import type { Faults } from "./faults.ts"
import type { Random } from "./random.ts"

/** One message a vendor wants to tell; `headers` are built anew for every attempt (timestamps, signatures). */
export type WebhookMessage = {
  id: string
  topic: string
  body: string
  headers(attempt: number): Record<string, string>
  /** Appended to the target URL, for vendors whose subscriptions have their own paths. */
  path?: string
  /** Overrides the simulator's target. */
  url?: string
}

export type WebhookOptions = {
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
  /** So that a checker knows what went missing on purpose. */
  drops: { id: string; topic: string }[]
}

export type WebhookSender = {
  send(message: WebhookMessage): void
  report(): WebhookReport
  /** Resolves when nothing is queued, in flight or waiting for a retry. */
  idle(): Promise<void>
  reset(): void
  stop(): void
}

type Job = { message: WebhookMessage; attempt: number; generation: number }

type SenderOptions = WebhookOptions & { faults: Faults; random: Random; target(): string | undefined }

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
  /** Raised by a reset, so that deliveries begun before it are forgotten. */
  #generation = 0
  #waiters: (() => void)[] = []

  constructor(options: SenderOptions) {
    this.#options = options
    this.#concurrency = options.concurrency ?? 32
    this.#agent = new Agent({ keepAlive: true, maxSockets: this.#concurrency })
  }

  send(message: WebhookMessage): void {
    // Nobody has subscribed: a vendor sends nothing, and a lab under load must not queue it for days.
    if (message.url === undefined && this.#options.target() === undefined) {
      this.#counts.unaddressed += 1
      return
    }
    this.#counts.sent += 1
    const job = { message, attempt: 0, generation: this.#generation }
    if (this.#strikes("dropWebhook", message)) {
      this.#counts.dropped += 1
      this.#counts.drops.push({ id: message.id, topic: message.topic })
      return
    }
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

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve)
      this.#settle()
    })
  }

  reset(): void {
    this.#generation += 1
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
    this.#queue = []
    this.#head = 0
    this.#counts = emptyReport()
    this.#settle()
  }

  stop(): void {
    this.reset()
    this.#agent.destroy()
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
    return this.#queue.length - this.#head + this.#inFlight + this.#timers.size
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
    const url = message.url ?? withPath(this.#options.target(), message.path)
    this.#counts.attempts += 1
    const timeoutMs = this.#options.timeoutMs ?? 5_000
    const isDelivered = url !== undefined && (await post(url, job, { agent: this.#agent, timeoutMs }))
    this.#inFlight -= 1
    if (job.generation === this.#generation) {
      if (isDelivered) this.#counts.delivered += 1
      else this.#retry(job)
    }
    this.#pump()
    this.#settle()
  }

  #retry(job: Job): void {
    this.#counts.failedAttempts += 1
    const delayMs = this.#options.retryDelaysMs[job.attempt]
    if (delayMs === undefined) {
      this.#counts.gaveUp += 1
      this.#options.onGiveUp?.(job.message)
      return
    }
    this.#later({ ...job, attempt: job.attempt + 1 }, delayMs * (this.#options.retryScale ?? 1))
  }
}

function post(url: string, job: Job, options: { agent: Agent; timeoutMs: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const body = Buffer.from(job.message.body)
    const request = httpRequest(url, {
      method: "POST",
      agent: options.agent,
      timeout: options.timeoutMs,
      headers: {
        "content-type": "application/json",
        "content-length": String(body.length),
        ...job.message.headers(job.attempt),
      },
    })
    // The socket may sit idle in the middle of an answer, so the whole exchange has one deadline.
    const deadline = setTimeout(() => request.destroy(new Error("webhook timeout")), options.timeoutMs)
    const finish = (isDelivered: boolean): void => {
      clearTimeout(deadline)
      resolve(isDelivered)
    }
    request.on("response", (response) => {
      const status = response.statusCode ?? 0
      response.resume()
      response.on("end", () => finish(status >= 200 && status < 300))
      response.on("error", () => finish(false))
      response.on("aborted", () => finish(false))
    })
    request.on("error", () => finish(false))
    request.end(body)
  })
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
