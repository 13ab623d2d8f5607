import { AppError } from "../base/errors.ts"
import { monotonicMs } from "../base/time.ts"
import type { Exchange } from "./exchange.ts"

interface Waiting {
  exchange: Exchange
  endsAtMs: number
  giveUp: (error: AppError) => void
}

const lookEveryMs = 250

/**
 * Responds with STORAGE_UNAVAILABLE to requests that take longer than their route allows.
 *
 * A database behind a proxy may accept connections and never respond; the driver then tries for ever, and the sender
 * would wait as long. The work itself continues and may still be committed, but it is not acknowledged. The sender's
 * repeat then finds the same fact or key. One timer checks all requests, because a timer per request would cost more
 * than the rest of this class.
 */
export class Deadlines {
  readonly #waiting = new Set<Waiting>()
  #timer: NodeJS.Timeout | undefined

  within(work: Promise<void>, exchange: Exchange): Promise<void> {
    this.#timer ??= setInterval(() => this.#look(), lookEveryMs).unref()
    return new Promise((resolve, reject) => {
      const waiting = { exchange, endsAtMs: exchange.startedMs + exchange.route.timeLimitMs, giveUp: reject }
      this.#waiting.add(waiting)
      const settle = async () => {
        try {
          await work
          resolve()
        } catch (thrown) {
          reject(thrown)
        } finally {
          this.#waiting.delete(waiting)
        }
      }
      void settle()
    })
  }

  close(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    const now = monotonicMs()
    for (const waiting of this.#waiting) {
      if (waiting.endsAtMs > now) continue
      this.#waiting.delete(waiting)
      waiting.exchange.isLate = true
      const message = `no result within ${waiting.exchange.route.timeLimitMs} ms; the request may still take effect, and repeating it is safe`
      waiting.giveUp(new AppError("STORAGE_UNAVAILABLE", message, { retryAfterMs: 1000 }))
    }
  }
}
