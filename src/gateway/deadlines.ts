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
 * Ends the wait for requests that take longer than their route allows, with STORAGE_UNAVAILABLE.
 *
 * A database behind a proxy may take connections and never answer; the driver then tries for ever and the sender would wait
 * as long. The work itself goes on: it may still be committed, but it is not acknowledged, and the sender's repeat meets the
 * same fact or key. One timer looks at all requests, because one a request would cost more than all else here.
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
      const message = `no answer within ${waiting.exchange.route.timeLimitMs} ms; it may still happen and may be repeated`
      waiting.giveUp(new AppError("STORAGE_UNAVAILABLE", message, { retryAfterMs: 1000 }))
    }
  }
}
