import { existsSync, statSync, truncateSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import type { Random } from "../../lab/random.ts"
import { callUntilAnswered } from "../http.ts"
import type { ManagedProcess } from "../process.ts"

/** What an agent says of itself, as far as it matters here. */
interface Health {
  outstanding: number
  refused: number
  incidents: { what: string; isTold: boolean }[]
}

// Longer than the process that was killed waits before it starts again by itself.
const restPauseMs = 600
const tornBytesMax = 20_000

/** `crossdock edge` of one store, a process with its journal on the disk. */
export class Agent {
  readonly url: string
  readonly folder: string
  readonly #process: ManagedProcess
  #tearing: Promise<unknown> = Promise.resolve()

  constructor(process: ManagedProcess, { port, folder }: { port: number; folder: string }) {
    this.#process = process
    this.url = `http://127.0.0.1:${port}`
    this.folder = folder
  }

  /** Kills it in the middle of whatever it writes; it is started again by itself. */
  kill(): void {
    this.#process.signal("SIGKILL")
  }

  /** Kills it, and cuts off the end of its log as a disk does that lost power. One after the other. */
  async tearTail(random: Random): Promise<void> {
    this.#tearing = this.#tearing.then(() => this.#tear(random))
    await this.#tearing
  }

  async #tear(random: Random): Promise<void> {
    await this.#process.stop("SIGKILL")
    const log = join(this.folder, "journal.db-wal")
    const bytes = existsSync(log) ? statSync(log).size : 0
    if (bytes > 0) truncateSync(log, Math.max(0, bytes - random.integer(1, Math.min(bytes, tornBytesMax))))
    await sleep(restPauseMs)
    await this.#process.start().catch(() => undefined)
  }

  /** Resolves when it takes receipts again. */
  whenUp(): Promise<void> {
    return this.#process.whenReady()
  }

  async health(): Promise<Health> {
    return (await callUntilAnswered(`${this.url}/health`)) as Health
  }

  /** Walks its journal: the breaks in its chains. */
  async breaks(): Promise<readonly unknown[]> {
    return ((await callUntilAnswered(`${this.url}/verify`)) as { breaks: unknown[] }).breaks
  }
}
