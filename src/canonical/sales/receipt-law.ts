import type { Problem } from "../../base/errors.ts"
import { canonicalJson, textKey } from "../../base/ids.ts"
import { businessDate, dayAfter, epochMs, instant, isMoment, type DayPlace } from "../../base/time.ts"
import type { ReceiptLine } from "./receipt-line.ts"
import type { NumberedReceipt, Receipt, ReceiptKind } from "./receipt.ts"

/** Kinds that move goods or settle with a buyer. */
const settles: readonly ReceiptKind[] = ["sale", "void", "training"]
/** Kinds that move money without a buyer. */
const movesMoney: readonly ReceiptKind[] = ["paid-in", "paid-out", "float", "safe-drop", "open"]

/** Whether money or goods moved: not in training, and not before a sale is completed. */
export function isEffective({ kind, status = "completed" }: Receipt): boolean {
  return status === "completed" && kind !== "training"
}

/** What is wrong with a receipt by itself, whatever its sums: its sender has to correct it. */
export function shapeProblems(receipt: Receipt): Problem[] {
  const { kind, lines = [], tenders = [], charges = [], currency } = receipt
  const problems: Problem[] = []
  const add = (pointer: string, message: string) => void problems.push({ pointer, message })
  nameProblems(receipt, add)
  if (!settles.includes(kind)) {
    if (lines.length > 0) add("/lines", `a ${kind} has no lines`)
    if (tenders.length > 0) add("/tenders", `a ${kind} has no tenders`)
    if (charges.length > 0) add("/charges", `a ${kind} has no charges`)
  }
  if (movesMoney.includes(kind) && kind !== "open" && !receipt.money) add("/money", `a ${kind} says how much`)
  if (kind === "count" && !receipt.counts) add("/counts", "a count says what was counted")
  if (kind === "close" && !receipt.closes) add("/closes", "a close names the last number of its till")
  const { businessDay } = receipt
  if (businessDay !== undefined && !isMoment(`${businessDay}T00:00:00Z`)) add("/businessDay", "is no day")
  const seen = new Set<string>()
  for (const [n, { lineId }] of lines.entries()) {
    if (seen.has(lineId)) add(`/lines/${n}/lineId`, `${lineId} stands there twice`)
    seen.add(lineId)
  }
  for (const [n, { returned }] of lines.entries()) {
    const { original } = returned ?? {}
    const isNumbered = original?.tillId !== undefined && original.sequence !== undefined
    if (original && !isNumbered && original.documentId === undefined)
      add(`/lines/${n}/returned/original`, "names its till and number, or its document")
  }
  for (const [n, { foreign }] of tenders.entries())
    if (foreign?.amount.currency === currency) add(`/tenders/${n}/foreign`, `${currency} is not foreign here`)
  return problems
}

function nameProblems(
  { sequence, documentId, epoch, closes }: Receipt,
  add: (pointer: string, message: string) => void,
): void {
  if (documentId === undefined) {
    if (sequence === undefined)
      add("/sequence", "a receipt has the number of its till, or a documentId where tills give none")
    return
  }
  if (sequence !== undefined) add("/documentId", "stands in place of a number, and there is one")
  if (epoch !== undefined) add("/epoch", "belongs to numbers, and a document has none")
  if (closes) add("/closes", "a till without numbers has no last one: send a count")
}

/** What lines, charges, taxes and rounding of a receipt come to, less discounts. */
export function soldMinor({
  lines = [],
  charges = [],
  roundingMinor = 0,
}: Pick<Receipt, "lines" | "charges" | "roundingMinor">): number {
  const added = [...lines, ...charges].flatMap(({ taxes = [] }) => taxes.filter(({ isIncluded }) => !isIncluded))
  return sum(lines) + sum(charges) + sum(added) - sum(lines.flatMap(({ discounts = [] }) => discounts)) + roundingMinor
}

/** What a receipt says was paid, less change. A declined card gave nothing. */
export function paidMinor({ tenders = [] }: Receipt): number {
  const given = tenders.filter(({ card }) => card?.authorisation !== "declined")
  return given.reduce((total, { amountMinor, changeMinor = 0 }) => total + amountMinor - changeMinor, 0)
}

/** How far a receipt is off its law: lines + tax + charges − discounts + rounding = tenders − change. 0 for one that holds. */
export function offBalanceMinor(receipt: Receipt): number {
  return isEffective(receipt) && settles.includes(receipt.kind) ? soldMinor(receipt) - paidMinor(receipt) : 0
}

/**
 * The receipt with its epoch and its day: the till's own stamp, or the store's day at the moment it ended. A document is an epoch of its own
 * with the one number 0, so that whatever knows receipts by their numbers knows documents, too.
 */
export function numbered(receipt: Receipt, place: DayPlace): NumberedReceipt {
  const { documentId, epoch = documentId ?? "1", businessDay = businessDate(receipt.endedAt, place) } = receipt
  return { ...receipt, epoch, businessDay, sequence: receipt.sequence ?? 0 }
}

/** How far a till's clock may be ahead, and how old what it tells may be. Its number is known for longer, so nothing counts twice. */
const [aheadMaxMs, ageMaxDays] = [3_600_000, 400]
/** How long a receipt is kept: past the day that its number is refused, in any time zone. */
export const receiptsKeptForDays = ageMaxDays + 2

/**
 * Where a till's clock cannot be right: a moment to come, a business day that is more than one ahead, or either more than 400 days ago.
 * The day after today is taken, for a store may begin it in the evening.
 */
export function timeProblems(
  { endedAt, businessDay }: NumberedReceipt,
  { place, nowMs }: { place: DayPlace; nowMs: number },
): Problem[] {
  const today = businessDate(instant(nowMs), place)
  const oldest = dayAfter(today, -ageMaxDays)
  const what = "set the till's clock, and send the receipt again with the right time"
  const problems: Problem[] = []
  if (epochMs(endedAt) > nowMs + aheadMaxMs)
    problems.push({ pointer: "/endedAt", message: `lies to come: it is ${instant(nowMs)}; ${what}` })
  if (epochMs(endedAt) < nowMs - ageMaxDays * 86_400_000)
    problems.push({ pointer: "/endedAt", message: `is more than ${ageMaxDays} days ago; ${what}` })
  if (businessDay > dayAfter(today, 1))
    problems.push({
      pointer: "/businessDay",
      message: `${businessDay} is a day to come: it is ${today} in the store; ${what}`,
    })
  if (businessDay < oldest)
    problems.push({ pointer: "/businessDay", message: `${businessDay} is more than ${ageMaxDays} days ago; ${what}` })
  return problems
}

/** A receipt as text, and its digest: equal for the same receipt however its sender orders the fields. */
export function receiptText(receipt: NumberedReceipt): { text: string; digest: string } {
  const text = canonicalJson(receipt)
  return { text, digest: textKey(text) }
}

/** The digest alone. */
export function receiptDigest(receipt: NumberedReceipt): string {
  return receiptText(receipt).digest
}

/** What a line moved of money, tax included and net of its discounts; never less than nothing. */
export function lineMinor({ amountMinor, discounts = [], taxes = [] }: ReceiptLine): number {
  const added = taxes.filter(({ isIncluded }) => !isIncluded)
  return Math.abs(amountMinor + sum(added) - sum(discounts))
}

/** What a receipt is called by. */
type Called = Pick<Receipt, "storeId" | "tillId" | "sequence" | "documentId">

/** A receipt's number, or its document, as people say it: `store 117 till 3: 10442`. */
export function numberText({ storeId, tillId, sequence, documentId }: Called): string {
  return `store ${storeId} till ${tillId}: ${documentId ?? sequence}`
}

function sum(parts: readonly { amountMinor: number }[]): number {
  return parts.reduce((total, { amountMinor }) => total + amountMinor, 0)
}

/** A suspended sale that no other went on with. */
export function carriedText(of: Called): string {
  return `${numberText(of)} was suspended and is carried on`
}
