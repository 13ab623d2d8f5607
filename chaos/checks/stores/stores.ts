import { canonicalJson } from "../../../src/base/ids.ts"
import { ref, type Ref } from "../../../src/canonical/refs.ts"
import { saleRef } from "../../../src/canonical/sales/events.ts"
import type { NumberedReceipt } from "../../../src/canonical/sales/receipt.ts"
import { findPostedTwice, findUnbalanced } from "../../../src/rules/tie-out/booked.ts"
import type { Finding } from "../../../src/rules/tie-out/finding.ts"
import { findStockDifferences } from "../../../src/rules/tie-out/stock.ts"
import { findDayDifferences, findZGaps } from "../../../src/rules/tie-out/stores/days.ts"
import { findFalseGaps, findUnnamedGaps, type GapLook } from "../../../src/rules/tie-out/stores/gaps.ts"
import {
  findReceiptDifferences,
  findUntoldConflicts,
  type KnownContent,
} from "../../../src/rules/tie-out/stores/receipts.ts"
import { findOverRefunded, findReturnedTwice } from "../../../src/rules/tie-out/stores/returns.ts"
import type { EventView } from "../../books/books.ts"
import type { StoresBook } from "../../books/stores-book.ts"
import { bookedByDay, closedByTender, closedReceipts, countedByTender, countedReceipts, movedByDay } from "./sums.ts"
import { givenBackOf, unitsOf } from "./returns.ts"
import { sum, violationsOf, type Findings, type InvariantId, type View, type Violation } from "../view.ts"

/** A receipt as the centre has it. */
interface Known extends KnownContent {
  receipt: NumberedReceipt
  recordedAtMs: number
}

/** Stores: the tills' papers, the log, the days, the books and the goods say the same. */
export function checkStores({ books }: Pick<View, "books">): Findings {
  const { stores, events, exceptions } = books
  if (!stores) return { rows: [], violations: [] }
  const known = events.flatMap(knownOf)
  const counting = known.filter(({ standing }) => standing === "recorded")
  const receipts = counting.map(({ receipt }) => receipt)
  const told = exceptions.filter(({ cause }) => cause === "till number used twice").map(({ about }) => about as Ref)
  const all = [
    ...receiptChecks(stores, known, told),
    ...dayChecks(stores, receipts),
    ...bookChecks(stores, receipts),
    ...returnChecks(stores, receipts),
  ]
  const others = [
    ...stores.complaints.map((what): Violation => ({ invariant: "I-6", what })),
    ...stores.differing.map((one): Violation => {
      return { invariant: "I-10", what: `a rebuild of the views of sales would change ${JSON.stringify(one)}` }
    }),
  ]
  return {
    rows: all.map(({ what, sides: [ours, theirs], found }) => {
      return { what, ours: String(ours), theirs: String(theirs), differences: found.length }
    }),
    violations: [...all.flatMap(({ invariant, found }) => violationsOf(invariant, found)), ...others],
  }
}

interface Check {
  invariant: InvariantId
  what: string
  sides: readonly [unknown, unknown]
  found: readonly Finding[]
}

function receiptChecks(stores: StoresBook, known: readonly Known[], told: readonly Ref[]): Check[] {
  const printed = stores.printed.map((receipt) => ({ sale: saleRef(receipt), content: canonicalJson(receipt) }))
  const differing = findReceiptDifferences(printed, known)
  const counting = known.filter(({ standing }) => standing === "recorded")
  const conflicts = known.filter(({ standing }) => standing === "conflicting")
  const looks = gapLooks(stores, known)
  const named = looks.map((look) => sum(look.named.map(({ from, to }) => to - from + 1)))
  return [
    {
      invariant: "I-1",
      what: `receipts on the paper of ${stores.storeIds.length} stores' tills = receipts in the log`,
      sides: [printed.length, known.length],
      found: differing.filter(isLost),
    },
    {
      invariant: "I-2",
      what: "receipts that count, each number once",
      sides: [counting.length, new Set(counting.map(({ sale }) => sale)).size],
      found: differing.filter((one) => !isLost(one)),
    },
    {
      invariant: "I-6",
      what: "numbers that were used twice, each with a case",
      sides: [conflicts.length, told.length],
      found: findUntoldConflicts(known, told),
    },
    {
      invariant: "I-6",
      what: `numbers named while they were missing, and no others (${stores.looks.length} looks)`,
      sides: [sum(named), "all"],
      found: [...findUnnamedGaps(looks), ...findFalseGaps(looks)],
    },
  ]
}

/** Closings and corrections tie with what was counted. */
function dayChecks({ days, storeIds }: StoresBook, receipts: readonly NumberedReceipt[]): Check[] {
  const closures = days.flatMap((day) => day.closures)
  const open = days.filter(({ state }) => state !== "closed")
  const zNumbers = storeIds.map((storeId) => ({
    storeId,
    zNumbers: closures.filter((closure) => closure.storeId === storeId).map(({ zNumber }) => zNumber),
  }))
  return [
    {
      invariant: "I-6",
      what: "days of stores that are closed",
      sides: [days.length - open.length, days.length],
      found: open.map(({ storeId, businessDay, state }) => ({
        what: "is not closed although nothing is missing",
        about: ref("storeDay", `${storeId}:${businessDay}`),
        expected: "closed",
        found: state,
        atRisk: null,
      })),
    },
    {
      invariant: "I-5",
      what: "Z of the tills = closings and corrections, by tender, to the cent",
      sides: [countedByTender(receipts).length, closures.length],
      found: findDayDifferences("closed", countedByTender(receipts), closedByTender(closures)),
    },
    {
      invariant: "I-2",
      what: "receipts in closings and corrections, each in one; their numbers without gaps",
      sides: [sum(closures.map(({ receiptCount }) => receiptCount)), receipts.length],
      found: [
        ...findZGaps(zNumbers),
        ...findDayDifferences("closed", countedReceipts(receipts), closedReceipts(closures)),
      ],
    },
  ]
}

/** The books have each day once, and as the receipts say. */
function bookChecks({ days, entries }: StoresBook, receipts: readonly NumberedReceipt[]): Check[] {
  const booked = entries.map(({ entryId, documentNumber, currency, lines }) => ({
    system: "books",
    number: documentNumber,
    entry: entryId,
    lines: lines.map(({ amountMinor }) => ({ amountMinor, currency })),
  }))
  const closed = sum(days.flatMap(({ closures }) => closures.map((one) => one.entries.length)))
  const own = movedByDay(receipts)
  return [
    {
      invariant: "I-3",
      what: "entries of stores in the books, each once and balanced",
      sides: [booked.length, closed],
      found: [...findPostedTwice(booked), ...findUnbalanced(booked)],
    },
    {
      invariant: "I-5",
      what: "sales − returns of the tills = the books, by account, store and day",
      sides: [own.length, bookedByDay(entries).length],
      found: findDayDifferences("booked", own, bookedByDay(entries)),
    },
  ]
}

function returnChecks(stores: StoresBook, receipts: readonly NumberedReceipt[]): Check[] {
  const units = unitsOf(receipts)
  const tenders = givenBackOf(receipts, stores.webOrders)
  const places = placesOf(stores, receipts)
  const web = units.filter(({ about }) => about.startsWith("order/"))
  return [
    {
      invariant: "I-4",
      what: `units brought back to tills, none twice (${web.length} of web orders)`,
      sides: [
        sum(units.map(({ returnedMilli }) => returnedMilli)) / 1000,
        sum(units.map(({ soldMilli }) => soldMilli)) / 1000,
      ],
      found: findReturnedTwice(units),
    },
    {
      invariant: "I-5",
      what: "tenders that gave back at a till, none more than it took",
      sides: [
        sum(tenders.map(({ givenBackMinor }) => givenBackMinor)),
        sum(tenders.map(({ takenMinor }) => takenMinor)),
      ],
      found: findOverRefunded(tenders),
    },
    {
      invariant: "I-4",
      what: "goods of stores: opening − sold + brought back = on hand",
      sides: [
        sum(places.map(({ onHandMilli }) => onHandMilli)) / 1000,
        sum(places.map((one) => one.openingMilli - one.shippedMilli + one.returnedMilli)) / 1000,
      ],
      found: findStockDifferences(places),
    },
  ]
}

const isLost = ({ what }: Finding) => what.includes("is not known")

const standings: Readonly<Record<string, KnownContent["standing"]>> = {
  "sale.recorded": "recorded",
  "till.recorded": "recorded",
  "sale.parked": "parked",
  "sale.conflicted": "conflicting",
}

function knownOf({ type, data }: EventView): Known[] {
  const standing = standings[type]
  if (standing === undefined) return []
  const { receipt, recordedAt } = data as { receipt: NumberedReceipt; recordedAt: string }
  const content = canonicalJson(receipt)
  return [{ standing, receipt, sale: saleRef(receipt), content, recordedAtMs: Date.parse(recordedAt) }]
}

/** A receipt is stored this much later than its stamp at most, while the database is away or a process stands still. */
const storedWithinMs = 20_000

function gapLooks({ looks, printed }: StoresBook, known: readonly Known[]): GapLook[] {
  const recorded = new Map<string, { before: number; sequence: number }[]>()
  const runOf = (one: { storeId: string; tillId: string; epoch: string }) => `${one.storeId} ${one.tillId} ${one.epoch}`
  for (const { receipt, recordedAtMs, standing } of known) {
    if (standing === "conflicting") continue
    const own = recorded.get(runOf(receipt)) ?? []
    own.push({ before: recordedAtMs, sequence: receipt.sequence })
    recorded.set(runOf(receipt), own)
  }
  const runs = [...Map.groupBy(printed, runOf)]
  return looks.flatMap((look) =>
    runs.flatMap(([run, [first, ...rest]]): GapLook[] => {
      if (!first || first.storeId !== look.storeId) return []
      const came = recorded.get(run) ?? []
      const given = [first, ...rest].map(({ sequence }) => sequence)
      const late = new Set(came.filter(({ before }) => before <= look.endMs).map(({ sequence }) => sequence))
      const mine = <Row extends { tillId: string; epoch: string }>(all: readonly Row[]) =>
        all.filter(({ tillId, epoch }) => tillId === first.tillId && epoch === first.epoch)
      return [
        {
          till: ref("till", first.storeId, first.tillId),
          epoch: first.epoch,
          given,
          knownBefore: came.filter(({ before }) => before < look.atMs - storedWithinMs).map(({ sequence }) => sequence),
          missing: given.filter((n) => !late.has(n)),
          toldLast: Math.max(0, ...mine(look.told).map(({ lastSequence }) => lastSequence)),
          named: mine(look.named),
        },
      ]
    }),
  )
}

function placesOf({ stock }: StoresBook, receipts: readonly NumberedReceipt[]) {
  return stock.map(({ storeId, sku, openingMilli, onHandMilli }) => {
    const own = receipts
      .filter((one) => one.storeId === storeId && (one.status ?? "completed") === "completed")
      .flatMap(({ lines = [] }) => lines.filter((line) => line.sku === sku).map(({ quantityMilli }) => quantityMilli))
    return {
      sku,
      locationId: storeId,
      openingMilli,
      shippedMilli: sum(own.filter((milli) => milli > 0)),
      returnedMilli: -sum(own.filter((milli) => milli < 0)),
      onHandMilli,
      reservedMilli: 0,
      isWanted: false,
    }
  })
}
