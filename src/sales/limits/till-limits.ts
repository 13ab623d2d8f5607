import { textKey } from "../../base/ids.ts"
import type { SqlTransaction } from "../../base/sql.ts"
import { epochMs } from "../../base/time.ts"
import type { NewEvent } from "../../canonical/events.ts"
import type { TillReturnPolicy } from "../../canonical/returns/till-policy.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { NumberedReceipt } from "../../canonical/sales/receipt.ts"
import {
  blindBreaches,
  blindGivenMinor,
  blindLines,
  customerBreach,
  givenForGoodsMinor,
  offlineBreaches,
  overMinorOf,
  type Breach,
  type LowestUnit,
} from "../../rules/returns/till-limits.ts"
import { caseClosed } from "../takings/told.ts"
import type { Recorded } from "../takings/originals.ts"
import * as rows from "./rows.ts"
import type { NewRefund, Refund } from "./rows.ts"
import { overOpened } from "./told.ts"

interface Books {
  policy: TillReturnPolicy
  /**
   * The lowest price of a unit at a store in the days that the policy names; undefined when nobody knows one, `another unit` when none is
   * known to be of the line's unit.
   */
  lowestPrice: (of: {
    source: string
    receipt: NumberedReceipt
    line: ReceiptLine
  }) => Promise<LowestUnit | "another unit" | undefined>
}

/**
 * Judges what tills gave back against the policy: for goods without their receipt, and while they had no connection. Goods and money have
 * moved, so nothing is refused: what is beyond is told with its amount. Receipts that count together are judged anew when one of them comes
 * or is voided, in the order in which they came: so a repeat changes nothing, and a voided one makes room for the next.
 */
export class TillLimits {
  readonly #books: Books

  constructor(books: Books) {
    this.#books = books
  }

  /** What a receipt gave that the policy limits, with what its prices were. Read before anything is locked. */
  async look({ data: { receipt }, source }: Recorded): Promise<NewRefund[]> {
    const { policy } = this.#books
    const given = givenForGoodsMinor(receipt)
    const blind = policy.blind === undefined ? [] : blindLines(receipt)
    const isOffline = policy.offline !== undefined && receipt.isOffline === true && given > 0
    if (blind.length === 0 && !isOffline) return []
    const { storeId, tillId, businessDay, documentId, currency, customerId, endedAt: at } = receipt
    const of = { receipt: saleRef(receipt), ...(documentId === undefined ? {} : { documentId }), currency, at }
    const customer = customerId === undefined ? {} : { countsWith: textKey(customerId) }
    const found: NewRefund[] = []
    if (blind.length > 0 && policy.blind !== undefined) {
      const breaches = blindBreaches(receipt, policy.blind, await this.#lowest({ receipt, source }, blind))
      found.push({ ...of, kind: "blind", ...customer, givenMinor: blindGivenMinor(receipt), breaches })
    }
    if (isOffline) {
      const countsWith = [storeId, tillId, businessDay, currency].join("/")
      found.push({ ...of, kind: "offline", countsWith, givenMinor: given, breaches: [] })
    }
    return found
  }

  async #lowest(
    of: { receipt: NumberedReceipt; source: string },
    lines: readonly ReceiptLine[],
  ): Promise<Map<string, LowestUnit | "another unit">> {
    const { policy, lowestPrice } = this.#books
    const lowest = new Map<string, LowestUnit | "another unit">()
    if (policy.blind === "never" || !policy.blind?.lowestPrice) return lowest
    for (const line of lines) {
      const price = await lowestPrice({ ...of, line })
      if (price) lowest.set(line.lineId, price)
    }
    return lowest
  }

  /**
   * Brings a receipt, and those that count with it, to what is known by now, and says what changed. `lost`: receipts whose money for units
   * that were given back before has changed; it is told by a case of its own, and what a till gave is told once. Under the lock of takings.
   */
  async stand(
    tx: SqlTransaction,
    of: { receipt: string; looked: readonly NewRefund[]; isVoid: boolean; lost: readonly string[]; at: string },
  ): Promise<NewEvent[]> {
    const { receipt, looked, isVoid, lost, at } = of
    if (looked.length > 0 && isVoid) await rows.voidRefunds(tx, receipt)
    else for (const one of looked) await rows.putRefund(tx, one)
    const touched = new Set(looked.length > 0 ? [receipt, ...lost] : lost)
    const events: NewEvent[] = []
    // What is blind first: it may be told by that, and is then no case of being offline as well.
    for (const kind of ["blind", "offline"] as const)
      for (const group of await groupsOf(tx, [...touched], kind))
        for (const told of await this.#judge(tx, group, at)) {
          touched.add(told.receipt)
          events.push(...told.events)
        }
    return events
  }

  /** Judges receipts that count together, and answers those that stand otherwise by now. */
  async #judge(tx: SqlTransaction, group: NewRefund, at: string): Promise<{ receipt: string; events: NewEvent[] }[]> {
    const all = await rows.refundsTogether(tx, group)
    const counted = all.filter((one) => !one.isVoid)
    const changed: { receipt: string; events: NewEvent[] }[] = []
    for (const one of all) {
      const n = counted.indexOf(one)
      const breaches = n < 0 ? [] : [...one.breaches, ...this.#together(counted.slice(0, n + 1), one)]
      const events = await note(tx, one, { breaches, at })
      if (events) changed.push({ receipt: one.receipt, events })
    }
    return changed
  }

  #together(all: readonly Refund[], { kind, currency, countsWith }: Refund): Breach[] {
    const { policy } = this.#books
    if (kind === "offline") return offlineBreaches(all, policy, currency)
    const { blind = "never" } = policy
    if (blind === "never" || countsWith === undefined) return []
    return customerBreach(
      all.map(({ givenMinor, at }) => ({ givenMinor, atMs: epochMs(at) })),
      blind,
    )
  }
}

/** One of each group of receipts that are counted together, of those that some receipts are in. */
async function groupsOf(
  tx: SqlTransaction,
  receipts: readonly string[],
  kind: NewRefund["kind"],
): Promise<NewRefund[]> {
  const groups = new Map<string, NewRefund>()
  for (const receipt of receipts)
    for (const one of await rows.refundsOf(tx, receipt))
      if (one.kind === kind) groups.set(one.countsWith ?? one.receipt, one)
  return [...groups.values()]
}

/** Undefined when it stands as it stood. */
async function note(
  tx: SqlTransaction,
  one: Refund,
  { breaches, at }: { breaches: readonly Breach[]; at: string },
): Promise<NewEvent[] | undefined> {
  const overMinor = Math.max(0, overMinorOf(breaches) - one.toldMinor)
  const why = overMinor === 0 ? "" : breaches.map((breach) => breach.why).join("; ")
  if (one.overMinor === overMinor && one.why === why) return undefined
  const opened = overMinor > 0 ? overOpened(one, { overMinor, why }, at) : undefined
  await rows.noteRefund(tx, one, { overMinor, why, caseId: opened?.data.exceptionId ?? null })
  const reason = one.isVoid ? "the receipt was voided" : "it stands otherwise by now"
  return [...caseClosed(one, reason, at), ...(opened ? [opened] : [])]
}
