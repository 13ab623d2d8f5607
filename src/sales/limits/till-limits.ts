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
  /** The lowest price of a unit at a store in the days that the policy names; undefined when nobody knows one. */
  lowestPrice: (of: { source: string; receipt: NumberedReceipt; line: ReceiptLine }) => Promise<LowestUnit | undefined>
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
  ): Promise<Map<string, LowestUnit>> {
    const { policy, lowestPrice } = this.#books
    const lowest = new Map<string, LowestUnit>()
    if (policy.blind === "never" || !policy.blind?.lowestPrice) return lowest
    for (const line of lines) {
      const price = await lowestPrice({ ...of, line })
      if (price) lowest.set(line.lineId, price)
    }
    return lowest
  }

  /** Brings a receipt, and those that count with it, to what is known by now, and says what changed. Under the lock of takings. */
  async stand(
    tx: SqlTransaction,
    of: { receipt: string; looked: readonly NewRefund[]; isVoid: boolean; at: string },
  ): Promise<NewEvent[]> {
    const { receipt, looked, isVoid, at } = of
    if (looked.length === 0) return []
    if (isVoid) await rows.voidRefunds(tx, receipt)
    else for (const one of looked) await rows.putRefund(tx, one)
    const events: NewEvent[] = []
    for (const one of await rows.refundsOf(tx, receipt)) {
      const { kind, countsWith } = one
      const all = countsWith === undefined ? [one] : await rows.refundsTogether(tx, kind, countsWith)
      const counted = all.filter((other) => !other.isVoid)
      for (const gone of all.filter((other) => other.isVoid))
        events.push(...(await note(tx, gone, { breaches: [], at })))
      for (const [n, other] of counted.entries()) {
        const breaches = [...other.breaches, ...this.#together(counted.slice(0, n + 1), other)]
        events.push(...(await note(tx, other, { breaches, at })))
      }
    }
    return events
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

async function note(
  tx: SqlTransaction,
  one: Refund,
  { breaches, at }: { breaches: readonly Breach[]; at: string },
): Promise<NewEvent[]> {
  const overMinor = overMinorOf(breaches)
  const why = breaches.map((breach) => breach.why).join("; ")
  if (one.overMinor === overMinor && one.why === why) return []
  const opened = overMinor > 0 ? overOpened(one, { overMinor, why }, at) : undefined
  await rows.noteRefund(tx, one, { overMinor, why, caseId: opened?.data.exceptionId ?? null })
  const reason = one.isVoid ? "the receipt was voided" : "it stands otherwise by now"
  return [...caseClosed(one, reason, at), ...(opened ? [opened] : [])]
}
