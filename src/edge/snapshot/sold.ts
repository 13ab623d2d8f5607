import { epochMs, type Clock } from "../../base/time.ts"
import type { NumberedReceipt } from "../../canonical/sales/receipt.ts"
import { soldLines } from "../../canonical/sales/snapshot.ts"
import type { JournalFile } from "../journal/database.ts"
import type { Read } from "../reading.ts"

/** Centres book what they accepted within seconds; what is older is taken to be booked. */
const bookedAfterMs = 86_400_000

interface Line {
  fact: string
  receipt: string
  sku: string
  milli: number
  endedMs: number
  /** When the centre accepted it; undefined until then. */
  answeredMs?: number
}

/**
 * What the store sold and the stock of its snapshot does not know yet. A line ends when a snapshot has it, by the name under which the centre
 * books it: never by a time, so that neither clocks nor the order of messages matter.
 */
export class Sold {
  readonly #lines = new Map<string, Line>()
  readonly #bySku = new Map<string, Map<string, Line>>()
  readonly #byReceipt = new Map<string, Line[]>()
  readonly #clock: Clock
  readonly #isCovered: (fact: string) => boolean

  /** `isCovered`: the snapshot at hand has the line already. */
  constructor({ file, clock, isCovered }: { file: JournalFile; clock: Clock; isCovered: (fact: string) => boolean }) {
    this.#clock = clock
    this.#isCovered = isCovered
    const since = clock.now() - bookedAfterMs
    for (const row of file.all(
      `select till_id, digest, receipt, outcome, answered_ms from kept_rows where standing = 'counts'
         and (outcome is null or outcome = 'refused' or (outcome in ('accepted', 'same as before') and answered_ms > ?)) order by kept_at`,
      [since],
    )) {
      const of = { tillId: String(row["till_id"]), digest: String(row["digest"]), receipt: String(row["receipt"]) }
      this.note(of, isCovered)
      if (row["outcome"] !== null && row["outcome"] !== "refused")
        this.answered({ ...of, outcome: String(row["outcome"]) }, Number(row["answered_ms"]))
    }
  }

  /** Notes a receipt that was kept and counts. Again it changes nothing. */
  note(
    { tillId, digest, receipt, whole }: Pick<Read, "tillId" | "digest" | "receipt" | "whole">,
    isCovered: (fact: string) => boolean = () => false,
  ): void {
    const name = `${tillId}/${digest}`
    if (this.#byReceipt.has(name)) return
    // Rows that count were read by the schema before they were kept.
    const read = whole ?? (JSON.parse(receipt) as NumberedReceipt)
    const endedMs = epochMs(read.endedAt)
    const lines = soldLines(read, digest)
      .filter(({ fact }) => !isCovered(fact))
      .map((line): Line => ({ ...line, receipt: name, endedMs }))
    if (lines.length === 0) return
    this.#byReceipt.set(name, lines)
    for (const line of lines) {
      this.#lines.set(line.fact, line)
      const same = this.#bySku.get(line.sku) ?? new Map<string, Line>()
      this.#bySku.set(line.sku, same.set(line.fact, line))
    }
  }

  /** Notes that the centre took a receipt in place of one that it had refused: of the two this one moved the goods. */
  corrected({ instead, ...taken }: { tillId: string; digest: string; receipt: string; instead: string }): void {
    for (const line of this.#byReceipt.get(`${taken.tillId}/${instead}`) ?? []) this.#drop(line)
    this.note(taken, this.#isCovered)
  }

  /** Notes what the centre made of a receipt. What does not count there takes nothing off its stock. */
  answered(
    { tillId, digest, outcome }: { tillId: string; digest: string; outcome: string },
    atMs = this.#clock.now(),
  ): void {
    const name = `${tillId}/${digest}`
    const lines = [...(this.#byReceipt.get(name) ?? [])]
    if (outcome === "accepted" || outcome === "same as before") {
      for (const line of lines) line.answeredMs ??= atMs
      return
    }
    if (outcome !== "parked" && outcome !== "conflict") return
    for (const line of lines) this.#drop(line)
  }

  /** Lines that the centre may have booked, at most so many; others come first the next time. */
  toAsk(most: number): string[] {
    const old = this.#clock.now() - bookedAfterMs
    const asked: Line[] = []
    for (const line of this.#lines.values()) {
      if (line.answeredMs === undefined) continue
      if (line.answeredMs < old) this.#drop(line)
      else asked.push(line)
      if (asked.length === most) break
    }
    for (const line of asked) {
      this.#lines.delete(line.fact)
      this.#lines.set(line.fact, line)
    }
    return asked.map(({ fact }) => fact)
  }

  /** Ends lines that the snapshot has now. */
  covered(facts: readonly string[]): void {
    for (const fact of facts) {
      const line = this.#lines.get(fact)
      if (line) this.#drop(line)
    }
  }

  #drop(line: Line): void {
    this.#lines.delete(line.fact)
    const same = this.#bySku.get(line.sku)
    same?.delete(line.fact)
    if (same?.size === 0) this.#bySku.delete(line.sku)
    const others = this.#byReceipt.get(line.receipt)?.filter((one) => one !== line) ?? []
    if (others.length === 0) this.#byReceipt.delete(line.receipt)
    else this.#byReceipt.set(line.receipt, others)
  }

  /** Thousandths that are off the shelf, of an article by all its names. A count made later has them already. */
  of(names: readonly string[], countedAt?: string): number {
    const countedMs = countedAt === undefined ? -Infinity : epochMs(countedAt)
    let milli = 0
    for (const name of new Set(names))
      for (const line of this.#bySku.get(name)?.values() ?? []) if (line.endedMs > countedMs) milli += line.milli
    return milli
  }

  get count(): number {
    return this.#lines.size
  }
}
