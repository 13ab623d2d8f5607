import { ref } from "../../../src/canonical/refs.ts"
import type { NumberedReceipt } from "../../../src/canonical/sales/receipt.ts"
import type { Closure } from "../../../src/canonical/sales/store-day.ts"
import type { DaySums } from "../../../src/rules/tie-out/stores/days.ts"
import type { StoreEntryPosted } from "../../books/stores-book.ts"

// The tills' own arithmetic: nothing here is the centre's. Amounts of accounts are debits, credits are negative.

/** The amount of each account, summed over the receipts of a day. */
export function movedByDay(receipts: readonly NumberedReceipt[]): DaySums[] {
  const days = new Sums()
  for (const receipt of receipts) if (isCompleted(receipt)) moveAll(days, receipt)
  for (const { day, overMinor } of overOfSessions(receipts)) {
    days.add(day, "drawer cash", overMinor)
    days.add(day, "over and short cash", -overMinor)
  }
  return days.all()
}

function moveAll(days: Sums, receipt: NumberedReceipt): void {
  const day = dayOf(receipt)
  const { kind, lines = [], tenders = [], money } = receipt
  for (const { amountMinor, taxes = [] } of lines)
    for (const tax of taxes) {
      days.add(day, `revenue ${tax.code}`, tax.amountMinor - amountMinor)
      days.add(day, `tax payable ${tax.code}`, -tax.amountMinor)
    }
  for (const { kind: tender, amountMinor, changeMinor = 0, card } of tenders) {
    const account = tender === "cash" ? "drawer" : tender === "card" ? "card clearing" : "voucher clearing"
    days.add(day, [account, tender, card?.merchantAccount].filter(Boolean).join(" "), amountMinor - changeMinor)
  }
  if (!money) return
  const other = kind === "open" || kind === "safe-drop" ? "safe" : kind.replace("-", " ")
  const sign = kind === "open" || kind === "paid-in" ? 1 : -1
  days.add(day, "drawer cash", sign * money.amountMinor)
  days.add(day, other, -sign * money.amountMinor)
}

/** How far the last count of each session is off what its receipts moved in cash. */
function overOfSessions(receipts: readonly NumberedReceipt[]): { day: string; overMinor: number }[] {
  const sessions = Map.groupBy(receipts, (one) => `${dayOf(one)} ${one.sessionId}`)
  return [...sessions.values()].flatMap((own) => {
    const count = own
      .filter(({ kind }) => kind === "count")
      .sort(byNumber)
      .at(-1)
    const [first] = own
    if (!count || !first) return []
    const flowMinor = own.filter(isCompleted).reduce((sum, receipt) => sum + cashOf(receipt), 0)
    return [{ day: dayOf(first), overMinor: (count.counts?.[0]?.countedMinor ?? 0) - flowMinor }]
  })
}

const byNumber = (a: NumberedReceipt, b: NumberedReceipt) =>
  a.endedAt === b.endedAt ? a.sequence - b.sequence : a.endedAt < b.endedAt ? -1 : 1

function cashOf({ kind, tenders = [], money }: NumberedReceipt): number {
  const sign = kind === "open" || kind === "paid-in" ? 1 : -1
  return tenders
    .filter((tender) => tender.kind === "cash")
    .reduce(
      (sum, { amountMinor, changeMinor = 0 }) => sum + amountMinor - changeMinor,
      sign * (money?.amountMinor ?? 0),
    )
}

/** Z of the tills by tender: cash is what was counted, the rest what was taken. */
export function countedByTender(receipts: readonly NumberedReceipt[]): DaySums[] {
  const days = new Sums()
  for (const receipt of receipts.filter(isCompleted)) {
    const day = dayOf(receipt)
    days.add(day, "cash", cashOf(receipt))
    for (const { kind, amountMinor, changeMinor = 0 } of receipt.tenders ?? [])
      if (kind !== "cash") days.add(day, kind, amountMinor - changeMinor)
  }
  for (const { day, overMinor } of overOfSessions(receipts)) days.add(day, "cash", overMinor)
  return days.all()
}

/** The amount of each tender, summed over the closings and corrections of a day. */
export function closedByTender(closures: readonly Closure[]): DaySums[] {
  const days = new Sums()
  for (const closure of closures)
    for (const { tender, amountMinor } of closure.tenders) days.add(dayOf(closure), tender, amountMinor)
  return days.all()
}

/** How many receipts each day has. The currency is that of all of them. */
export function countedReceipts(receipts: readonly NumberedReceipt[]): DaySums[] {
  const days = new Sums()
  for (const receipt of receipts) days.add(dayOf(receipt), "receipts", 1)
  return days.all()
}

/** How many receipts the closings and corrections of each day took. */
export function closedReceipts(closures: readonly Closure[]): DaySums[] {
  const days = new Sums()
  for (const closure of closures) days.add(dayOf(closure), "receipts", closure.receiptCount)
  return days.all()
}

/** The amount of each account, summed over the entries that the books have for a day. */
export function bookedByDay(entries: readonly StoreEntryPosted[]): DaySums[] {
  const days = new Sums()
  for (const { storeId, businessDate, lines } of entries)
    for (const { account, taxCode, tender, merchantAccount, amountMinor } of lines) {
      const name = [account, taxCode, tender, merchantAccount].filter(Boolean).join(" ")
      days.add(dayOf({ storeId, businessDay: businessDate }), name, amountMinor)
    }
  return days.all()
}

const isCompleted = ({ status = "completed" }: NumberedReceipt) => status === "completed"

const dayOf = ({ storeId, businessDay }: { storeId: string; businessDay: string }) => `${storeId}:${businessDay}`

class Sums {
  readonly #days = new Map<string, Record<string, number>>()

  add(day: string, name: string, minor: number): void {
    const sums = this.#days.get(day) ?? {}
    sums[name] = (sums[name] ?? 0) + minor
    this.#days.set(day, sums)
  }

  all(): DaySums[] {
    return [...this.#days].map(([day, sums]) => ({ day: ref("storeDay", day), currency: "EUR", sums }))
  }
}
