import type { IncomingMessage } from "node:http"
import { AppError } from "../../base/errors.ts"
import { monotonicMs } from "../../base/time.ts"

interface BudgetOptions {
  /** Bytes of all bodies that this process holds at once. */
  bytesMax: number
  /** A body that is not complete after this time may have to give way to others. */
  slowAfterMs: number
}

/**
 * Reads bodies into memory, within a limit for each and a budget for all.
 *
 * Whoever sends half a body and waits holds memory at no cost, before anybody knows who it is. When the budget is used up, the
 * slowest unfinished body is given up for the new one; without a slow one the new one is refused (GATEWAY_BUSY).
 */
export class BodyBudget {
  readonly #options: BudgetOptions
  readonly #bodies = new Set<Body>()
  #heldBytes = 0

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  get heldBytes(): number {
    return this.#heldBytes
  }

  /** Reads a whole body. `release` it once the request is over; a body that fails is released already. */
  read(message: IncomingMessage, bytesMax: number): Promise<Body> {
    return new Promise((resolve, reject) => {
      const body = new Body(bytesMax, (error) => {
        this.release(body)
        message.unpipe().removeAllListeners("data").resume()
        reject(error)
      })
      this.#bodies.add(body)
      message.on("data", (chunk: Buffer) => this.#take(body, chunk))
      message.on("end", () => {
        body.isComplete = true
        resolve(body)
      })
      message.on("error", (error) => body.fail(error))
      message.on("close", () => {
        if (!body.isComplete)
          body.fail(new AppError("REQUEST_MALFORMED", "the body ended too early", { problems: [early] }))
      })
    })
  }

  release(body: Body): void {
    if (!this.#bodies.delete(body)) return
    this.#heldBytes -= body.capacity
  }

  #take(body: Body, chunk: Buffer): void {
    if (!this.#bodies.has(body)) return
    const needed = body.growthFor(chunk.length)
    if (needed === undefined) return body.fail(tooLarge(body.bytesMax))
    if (this.#heldBytes + needed > this.#options.bytesMax) this.#makeRoom(body, needed)
    if (this.#heldBytes + needed > this.#options.bytesMax) return body.fail(busy())
    this.#heldBytes += needed
    body.append(chunk)
  }

  #makeRoom(asking: Body, needed: number): void {
    const before = monotonicMs() - this.#options.slowAfterMs
    for (const body of this.#bodies) {
      if (this.#heldBytes + needed <= this.#options.bytesMax) return
      if (body !== asking && !body.isComplete && body.startedMs < before) body.fail(busy())
    }
  }
}

const early = { pointer: "", message: "fewer bytes came than were announced" }
const capacityMin = 4096

/** A body that grows as it arrives. One buffer, because a list of single bytes takes a hundred times their size. */
export class Body {
  readonly bytesMax: number
  readonly startedMs = monotonicMs()
  isComplete = false
  readonly #onFail: (error: Error) => void
  #buffer = Buffer.alloc(0)
  #length = 0
  #isOver = false

  constructor(bytesMax: number, onFail: (error: Error) => void) {
    this.bytesMax = bytesMax
    this.#onFail = onFail
  }

  get bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  get capacity(): number {
    return this.#buffer.length
  }

  /** Bytes of memory that so many more bytes need; undefined beyond the limit. */
  growthFor(more: number): number | undefined {
    const length = this.#length + more
    if (length > this.bytesMax) return undefined
    if (length <= this.capacity) return 0
    return Math.min(this.bytesMax, Math.max(length, this.capacity * 2, capacityMin)) - this.capacity
  }

  append(chunk: Buffer): void {
    const growth = this.growthFor(chunk.length) ?? 0
    if (growth > 0) {
      const larger = Buffer.allocUnsafeSlow(this.capacity + growth)
      this.#buffer.copy(larger, 0, 0, this.#length)
      this.#buffer = larger
    }
    this.#length += chunk.copy(this.#buffer, this.#length)
  }

  /** Gives the body up; nothing happens to one that is complete. */
  fail(error: Error): void {
    if (this.isComplete || this.#isOver) return
    this.#isOver = true
    this.#onFail(error)
    this.#buffer = Buffer.alloc(0)
  }
}

function tooLarge(bytesMax: number): AppError {
  return new AppError("REQUEST_TOO_LARGE", "the body has more bytes than this route accepts", {
    problems: [{ pointer: "", message: `at most ${bytesMax} bytes` }],
  })
}

function busy(): AppError {
  return new AppError("GATEWAY_BUSY", "too many bodies are being received at once; send it again, without pauses", {
    retryAfterMs: 1000,
  })
}
