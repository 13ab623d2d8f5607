import { AppError } from "../../base/errors.ts"

interface SlotsOptions {
  /** Most at the same time of one consumer, in this process. */
  most: number
  /** As in "shop follows the log 10 times already". */
  what: string
  retryAfterMs: number
}

/** What one consumer may have open at the same time. */
export class Slots {
  readonly #options: SlotsOptions
  readonly #counts = new Map<string, number>()

  constructor(options: SlotsOptions) {
    this.#options = options
  }

  /** Takes a place and returns the way to give it back, which works once. RATE_LIMITED when all are taken. */
  take(consumerId: string): () => void {
    const { most, what, retryAfterMs } = this.#options
    const count = this.#counts.get(consumerId) ?? 0
    if (count >= most) {
      const message = `${consumerId} ${what} ${count} times already; one consumer may do so ${most} times at once`
      throw new AppError("RATE_LIMITED", message, { retryAfterMs })
    }
    this.#counts.set(consumerId, count + 1)
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      const left = (this.#counts.get(consumerId) ?? 1) - 1
      if (left > 0) this.#counts.set(consumerId, left)
      else this.#counts.delete(consumerId)
    }
  }
}
