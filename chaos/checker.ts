import type { KindRow } from "../src/rules/tie-out/kinds.ts"
import type { Books } from "./books/books.ts"
import { checkAccounts } from "./checks/accounts.ts"
import { checkChannel } from "./checks/stock/channel.ts"
import { checkDerived } from "./checks/derived.ts"
import { checkEffects } from "./checks/effects.ts"
import { checkGoods } from "./checks/goods.ts"
import { checkIntake } from "./checks/intake.ts"
import { checkFinance } from "./checks/finance.ts"
import { checkKinds } from "./stream/check-kinds.ts"
import { checkOrders } from "./checks/orders.ts"
import { checkRecovery } from "./checks/recovery.ts"
import { checkParcels } from "./checks/parcels.ts"
import { checkStores } from "./checks/stores/stores.ts"
import { checkStock } from "./checks/stock/stock.ts"
import { viewOf, type InvariantId, type TieOutRow, type Violation } from "./checks/view.ts"

/** Each invariant of the design, and the data of a run that proves it. */
const howChecked: Readonly<Record<InvariantId, string>> = {
  "I-1":
    "every order sold is known; every webhook answered with 2xx is in the inbox; every live order is in the ERP; every receipt on the tills' paper is in the log",
  "I-2":
    "no fact is in the log twice, no order is placed or known twice, none that was never sold; every parcel reported as delivered is delivered once; every number of a till counts once",
  "I-3":
    "each vendor's books: sales orders, deliveries, entries, fulfilments, parcels, mails once each; nothing of cancelled orders left",
  "I-4":
    "per SKU, place and state: opening, moved and shipped make on hand, transfers lose nothing; nothing reserved for finished orders; availability never below zero; the channel shows what may be promised at rest, and was never told more; no unit comes back to a till twice",
  "I-5":
    "every entry balances; per order booked = charged to the cent; payments taken once, let go or given back when cancelled, never more than taken; the books of stores are their tills' sales less returns, Z by Z",
  "I-6":
    "every order at an end or with a person; every effect with an outcome; nothing shipped silently after a cancellation; every kind of order ends as it must, and asks no person without need; numbers of tills that are missing or used twice are named",
  "I-7":
    "states of each order in the log in their order, nothing after the end; versions of what is published only grow",
  "I-8":
    "all work at rest in bounded time after the last fault; no door left shut; what a lost worker had goes on soon",
  "I-9":
    "the shop's totals and fulfilments are as the shop and the warehouses say, not overwritten; no level written that is not declared",
  "I-10": "order book, exception desk and the account of each order rebuilt from the log show the same",
}

/** The result of comparing all books. */
export interface Report {
  rows: readonly TieOutRow[]
  invariants: readonly { id: InvariantId; isKept: boolean; how: string; violations: number }[]
  violations: readonly Violation[]
  /** Orders of each kind by how they ended. */
  kinds: readonly KindRow[]
  /** Orders about which a person was asked without expecting it. */
  unexpected: readonly string[]
  /** Figures without a verdict: events and how often they happened. */
  counts: Readonly<Record<string, string>>
}

/** Compares all books with one another. Pure: the same books give the same report. */
export function checkBooks(books: Books): Report {
  const view = viewOf(books)
  const areas = [
    checkOrders,
    checkGoods,
    checkFinance,
    checkAccounts,
    checkParcels,
    checkStock,
    checkChannel,
    checkIntake,
    checkEffects,
    checkDerived,
    checkRecovery,
    checkStores,
  ]
  const ofKinds = checkKinds(view)
  const findings = [...areas.map((check) => check(view)), ofKinds]
  const violations = findings.flatMap((finding) => finding.violations)
  // The keys of the table are invariant ids by its type.
  const ids = Object.keys(howChecked) as InvariantId[]
  return {
    rows: findings.flatMap((finding) => finding.rows),
    violations,
    kinds: ofKinds.kinds,
    unexpected: ofKinds.unexpected,
    invariants: ids.map((id) => {
      const count = violations.filter(({ invariant }) => invariant === id).length
      return { id, isKept: count === 0, how: howChecked[id], violations: count }
    }),
    counts: countsOf(books),
  }
}

function storeTroubles({ troubles, printed }: NonNullable<Books["stores"]>): string {
  const all = Object.entries(troubles).map(([what, count]) => `${count}× ${what}`)
  return `${printed.length} receipts; ${all.join(", ")}`
}

function countsOf(books: Books): Record<string, string> {
  const tally = (items: readonly string[]) => {
    const counts = new Map<string, number>()
    for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1)
    return [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([item, count]) => `${count} ${item}`)
      .join(", ")
  }
  const injected = Object.entries(books.faults).map(
    ([vendor, counts]) =>
      `${vendor} ${Object.entries(counts)
        .map(([fault, count]) => `${count}×${fault}`)
        .join(" ")}`,
  )
  return {
    "orders by state": tally(books.orders.map(({ state }) => state)),
    "found by reconciliation": String(books.orders.filter(({ foundVia }) => foundVia !== "webhook").length),
    "exceptions by cause": tally(books.exceptions.map(({ cause, state }) => `${cause} (${state})`)) || "none",
    webhooks: Object.entries(books.webhooks)
      .map(
        ([vendor, w]) =>
          `${vendor} ${w.sent} sent, ${w.dropped} dropped, ${w.duplicated} doubled, ${w.reordered} reordered`,
      )
      .join("; "),
    "duplicates by reason":
      Object.entries(books.duplicateReasons)
        .map(([reason, count]) => `${count}× ${reason}`)
        .join("; ") || "none",
    "faults injected": injected.join("; "),
    ...(books.stores ? { "troubles of stores": storeTroubles(books.stores) } : {}),
  }
}
