import { AppError } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"

const windowMs = 5 * 60_000
const wrongMaxOfName = 10
const wrongMaxOfAll = 200
/** A check takes 128 MB for a moment. */
const atOnceMax = 4

/**
 * Keeps guesses of passwords rare: ten wrong ones of a name and two hundred of all in five minutes, in this process. Nobody is shut out
 * by the guesses of others: links, which nobody can guess, have no limit, and sessions go on.
 */
export class SignInLimits {
  readonly #clock: Clock
  #wrong: { name: string; atMs: number }[] = []
  #running = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs a check. RATE_LIMITED instead when there were too many wrong ones; a check that throws counts as one. */
  async check<Result>(name: string, run: () => Promise<Result>): Promise<Result> {
    const now = this.#clock.now()
    this.#wrong = this.#wrong.filter(({ atMs }) => now - atMs < windowMs)
    const ofName = this.#wrong.filter((one) => one.name === name)
    const oldest = ofName.length >= wrongMaxOfName ? ofName[0] : undefined
    if (oldest || this.#wrong.length >= wrongMaxOfAll || this.#running >= atOnceMax)
      throw new AppError("RATE_LIMITED", "there were too many attempts to sign in; wait, or ask for a link", {
        retryAfterMs: oldest ? windowMs - (now - oldest.atMs) : 5_000,
      })
    this.#running += 1
    try {
      return await run()
    } catch (thrown) {
      this.#wrong.push({ name, atMs: now })
      throw thrown
    } finally {
      this.#running -= 1
    }
  }
}
