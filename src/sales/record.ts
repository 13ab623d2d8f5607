import { Batcher } from "../base/batch.ts"
import type { Problem } from "../base/errors.ts"
import { canonicalJson, textKey } from "../base/ids.ts"
import { inTransaction, storage } from "../base/sql.ts"
import { withoutCardNumbers } from "../base/text.ts"
import { instant } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import {
  numbered,
  numberText,
  offBalanceMinor,
  paidMinor,
  receiptDigest,
  shapeProblems,
  timeProblems,
} from "../canonical/sales/receipt-law.ts"
import { Receipt, type NumberedReceipt } from "../canonical/sales/receipt.ts"
import { validator } from "../canonical/validate.ts"
import { receiptRow } from "./receipt-row.ts"
import { storeEvents, type Selling } from "./selling.ts"
import type { ReadTransaction } from "./poslog/read-transaction.ts"
import { eventsOf, type Became, type Unread } from "./told.ts"

/** What became of one receipt of a batch. */
export interface ReceiptOutcome {
  outcome: "accepted" | "same as before" | "parked" | "conflict" | "refused"
  /** Its number as people say it. */
  number?: string
  businessDay?: string
  digest?: string
  /** Of a conflict: the digest of the receipt that has the number. */
  firstDigest?: string
  problems?: readonly Problem[]
  /** Why it moves nothing although it is whole. */
  note?: string
  /** Of a file: which of its transactions it was. */
  transaction?: number
}

/** A receipt as the system of its tills tells it. */
export interface ToldReceipt {
  receipt: Receipt
  /** The connection that told it. */
  source: string
  /** Names what its system said: read by other rules later, it is still the same. */
  sent: string
  unread?: Unread
}

/** Who sends receipts. */
export interface Sender {
  source: string
  /** The stores it may speak for; undefined = all. */
  stores: readonly string[] | undefined
}

/** A receipt that can be kept. */
interface Received {
  receipt: NumberedReceipt
  digest: string
  offByMinor: number
  unread?: Unread
  /** Of a transaction of a file: what was sent, however it is read. */
  sent?: string
  source: string
}

type ReceivedRow = Became & { n: number; day_state: string }

const receipts = validator(Receipt, "receipt")
const batchMax = 500
/** What the longest receipts, 2,000 lines with tax, need. */
const receiptBytesMax = 1024 * 1024
const queueMax = 50_000

/**
 * Keeps receipts of tills. Each number counts once: the same content again changes nothing, other content is kept beside it and told to
 * people. Durable when it resolves; receipts of many requests share a transaction. `onDay` hears of days that wait for receipts and got some.
 */
export class Receipts {
  readonly #selling: Selling
  readonly #batcher: Batcher<Received, ReceiptOutcome>
  readonly #onDay: (day: { storeId: string; businessDay: string }) => void

  constructor(selling: Selling, onDay: (day: { storeId: string; businessDay: string }) => void) {
    this.#selling = selling
    this.#onDay = onDay
    this.#batcher = new Batcher({ sizeMax: batchMax, queueMax, flush: (received) => this.#keep(received) })
  }

  /** One outcome per row, in their order. A row that cannot be kept costs no other. */
  record(rows: readonly unknown[], sender: Sender): Promise<ReceiptOutcome[]> {
    return Promise.all(
      rows.map((row) => {
        const read = this.#read(row, sender)
        return Array.isArray(read) ? { outcome: "refused" as const, problems: read } : this.#batcher.add(read)
      }),
    )
  }

  /** One outcome per transaction of a POSLog file, in their order. One that cannot be kept costs no other. */
  recordRead(read: readonly ReadTransaction[], sender: Sender): Promise<ReceiptOutcome[]> {
    return Promise.all(
      read.map(async (one): Promise<ReceiptOutcome> => {
        const { n: transaction, receipt, note } = one
        const place = `Transaction[${transaction}]: `
        const received = receipt ? this.#readSent(one, receipt, { sender, place }) : (one.problems ?? [])
        if (!("receipt" in received)) return { outcome: "refused", transaction, problems: received }
        return { ...(await this.#batcher.add(received)), transaction, ...(note === undefined ? {} : { note }) }
      }),
    )
  }

  /** One outcome per receipt that another system told, in their order. One that cannot be kept costs no other. */
  recordTold(told: readonly ToldReceipt[]): Promise<ReceiptOutcome[]> {
    return Promise.all(
      told.map(async ({ receipt, source, ...how }): Promise<ReceiptOutcome> => {
        const received = this.#readSent(how, receipt, { sender: { source, stores: undefined }, place: "" })
        return "receipt" in received ? this.#batcher.add(received) : { outcome: "refused", problems: received }
      }),
    )
  }

  #readSent(
    { unread, sent }: { unread?: Unread; sent?: string },
    receipt: Receipt,
    { sender, place }: { sender: Sender; place: string },
  ): Received | Problem[] {
    const placed = (problems: readonly Problem[]) =>
      problems.map((one) => ({ ...one, pointer: `${place}${one.pointer}` }))
    const whole = this.#read(receipt, sender)
    if ("receipt" in whole) {
      if (!unread) return { ...whole, ...(sent === undefined ? {} : { sent }) }
      const digest = textKey(canonicalJson({ ...whole.receipt, asSent: unread.asSent }))
      return { ...whole, digest, unread }
    }
    const { kind, lines, charges, tenders, customerId: _buyer, ...more } = receipt
    // With its lines it does not fit; without them its number may: then it is parked, and is no gap.
    if (unread || !(lines || charges || tenders)) return placed(whole)
    const { storeId, tillId, sequence, documentId, businessDay, endedAt, currency } = receipt
    const called = documentId === undefined ? { sequence } : { documentId }
    const bare = { storeId, tillId, ...called, ...(businessDay ? { businessDay } : {}), endedAt, currency, kind }
    const again = this.#read(bare, sender)
    if (!("receipt" in again)) return placed(again)
    const asSent = withoutCardNumbers(canonicalJson({ ...more, kind, lines, charges, tenders }))
    const misfit = { problems: placed(whole).slice(0, 50), asSent, worthMinor: paidMinor(receipt) }
    return { ...again, digest: textKey(misfit.asSent), unread: misfit }
  }

  #read(row: unknown, { source, stores }: Sender): Received | Problem[] {
    const bytes = Buffer.byteLength(JSON.stringify(row) ?? "")
    if (bytes > receiptBytesMax)
      return [{ pointer: "", message: `is ${bytes} bytes; a receipt has at most ${receiptBytesMax}: split it` }]
    const problems = receipts.problems(row)
    if (problems.length > 0) return problems
    const receipt = receipts.parse(row)
    const place = this.#selling.stores.get(receipt.storeId)
    if (!place) return [{ pointer: "/storeId", message: `there is no store "${receipt.storeId}"` }]
    if (stores && !stores.includes(receipt.storeId))
      return [{ pointer: "/storeId", message: `is none of your stores: ${stores.join(", ")}` }]
    const misshapen = shapeProblems(receipt)
    if (misshapen.length > 0) return misshapen
    const whole = numbered(receipt, place)
    const mistimed = timeProblems(whole, { place, nowMs: this.#selling.clock.now() })
    if (mistimed.length > 0) return mistimed
    return { receipt: whole, digest: receiptDigest(whole), offByMinor: offBalanceMinor(whole), source }
  }

  async #keep(received: readonly Received[]): Promise<ReceiptOutcome[]> {
    const { sql, clock } = this.#selling
    const at = instant(clock.now())
    const { policies } = this.#selling
    const input = JSON.stringify(
      received.map(({ offByMinor, unread, ...one }, n) => {
        return { n, ...receiptRow({ ...one, isParked: offByMinor !== 0 || unread !== undefined }, policies) }
      }),
    )
    let told = () => {}
    const rows = await storage(() =>
      inTransaction(sql, async (tx) => {
        const became = await tx<ReceivedRow[]>`
          select * from record_receipts(${input}::text::json, ${at}::timestamptz)`
        const events = became.flatMap((row): NewEvent[] => {
          const one = received[row.n]
          return one ? eventsOf({ ...one, became: row, at }) : []
        })
        told = await storeEvents(tx, this.#selling, events)
        return became
      }),
    )
    told()
    this.#tellDays(received, rows)
    return rows.map((row, n) => outcomeOf(received[row.n] ?? received[n], row))
  }

  #tellDays(received: readonly Received[], rows: readonly ReceivedRow[]): void {
    const days = new Map<string, { storeId: string; businessDay: string }>()
    for (const { n, outcome, day_state } of rows) {
      const receipt = received[n]?.receipt
      if (!receipt || outcome === "known" || day_state !== "closing") continue
      const { storeId, businessDay } = receipt
      days.set(`${storeId}/${businessDay}`, { storeId, businessDay })
    }
    for (const day of days.values()) this.#onDay(day)
  }
}

function outcomeOf(received: Received | undefined, row: ReceivedRow): ReceiptOutcome {
  if (!received) return { outcome: "refused" }
  const { receipt, digest, offByMinor, unread } = received
  const known = { number: numberText(receipt), businessDay: receipt.businessDay, digest }
  const standing = row.outcome === "known" ? row.standing : row.outcome
  if (standing === "conflicting") return { outcome: "conflict", ...known, firstDigest: row.first_digest }
  if (standing === "parked") return { outcome: "parked", ...known, problems: unread?.problems ?? [offBy(offByMinor)] }
  return { outcome: row.outcome === "known" ? "same as before" : "accepted", ...known }
}

function offBy(offByMinor: number): Problem {
  const message = `lines + tax + charges − discounts + rounding are ${offByMinor} minor units more than tenders − change`
  return { pointer: "", message }
}
