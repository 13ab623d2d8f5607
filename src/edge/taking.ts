import { setImmediate } from "node:timers/promises"
import { AppError, type Problem } from "../base/errors.ts"
import type { DayPlace } from "../base/time.ts"
import { numberText } from "../canonical/sales/receipt-law.ts"
import type { Journal, KeptRow } from "./journal/journal.ts"
import { readRow, type Read } from "./reading.ts"

/** What a till hears of a receipt, in the words of the centre's `POST /v1/sales`. */
export interface TakenReceipt {
  /** `kept`: it cannot be read, and is in the journal; send it corrected. The others are the centre's. */
  outcome: "accepted" | "same as before" | "parked" | "conflict" | "kept"
  number?: string
  businessDay?: string
  digest: string
  firstDigest?: string
  problems?: readonly Problem[]
}

interface Waiting {
  rows: readonly Read[]
  resolve(kept: KeptRow[]): void
  reject(thrown: unknown): void
}

/** More rows than wait here are refused, so that tills slow down instead of the agent running out of memory. */
const waitingMax = 20_000

/** Takes receipts of tills. What requests bring at the same moment is synced once. */
export class Taking {
  readonly #journal: Journal
  readonly #store: { storeId: string; place: DayPlace }
  readonly #onKept: (counted: readonly Read[]) => void
  #waiting: Waiting[] = []
  #waitingCount = 0

  constructor(
    journal: Journal,
    store: { storeId: string; place: DayPlace },
    onKept: (counted: readonly Read[]) => void,
  ) {
    this.#journal = journal
    this.#store = store
    this.#onKept = onKept
  }

  /** One outcome per row, in their order; all rows are durable when it resolves. Errors: DISK_FULL, and then none is kept. */
  async take(rows: readonly unknown[]): Promise<TakenReceipt[]> {
    const read = rows.map((row) => readRow(row, this.#store))
    const kept = await this.#keep(read)
    return read.map((row, n) => this.#told(row, kept[n]))
  }

  #keep(rows: readonly Read[]): Promise<KeptRow[]> {
    if (this.#waitingCount + rows.length > waitingMax)
      return Promise.reject(
        new AppError("STORAGE_UNAVAILABLE", "too many receipts wait for the disk", { retryAfterMs: 1000 }),
      )
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) void this.#commit()
      this.#waiting.push({ rows, resolve, reject })
      this.#waitingCount += rows.length
    })
  }

  /** Waits until every socket that has something was read, then writes what came. */
  async #commit(): Promise<void> {
    await setImmediate()
    const group = this.#waiting
    this.#waiting = []
    this.#waitingCount = 0
    try {
      const all = group.flatMap(({ rows }) => rows)
      const kept = this.#journal.keep(all)
      let from = 0
      for (const { rows, resolve } of group) resolve(kept.slice(from, (from += rows.length)))
      this.#onKept(all.filter((_, n) => kept[n]?.isNew && kept[n].standing === "counts"))
    } catch (thrown) {
      for (const { reject } of group) reject(thrown)
    }
  }

  #told({ tillId, number, digest, problems }: Read, kept: KeptRow | undefined): TakenReceipt {
    const { standing = "misfit", isNew = true, firstDigest } = kept ?? {}
    const known = {
      ...(number ? { number: numberText({ storeId: this.#store.storeId, tillId, ...number }) } : {}),
      ...(number ? { businessDay: number.businessDay } : {}),
      digest,
      ...(problems.length > 0 ? { problems } : {}),
    }
    if (standing === "conflict") return { outcome: "conflict", ...known, ...(firstDigest ? { firstDigest } : {}) }
    if (standing === "parked") return { outcome: "parked", ...known }
    if (standing === "misfit") return { outcome: "kept", ...known }
    return { outcome: isNew ? "accepted" : "same as before", ...known }
  }
}
