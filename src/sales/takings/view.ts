import { inTransaction, storage } from "../../base/sql.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import type { ReceiptReference } from "../../canonical/sales/receipt.ts"
import type { Selling } from "../selling.ts"
import type { Page } from "../views.ts"
import { takingsOf, type Taking } from "./rows.ts"

/**
 * What became of goods that a receipt took back.
 * - `waiting`: the receipt that sold them has not come;
 * - `older`: it has not, and is not expected: it is of before its store's first day here. No case is opened;
 * - `standing`: it counts, as far as it was granted; `why` says why not all of it.
 */
export interface TakenBack {
  state: "waiting" | "older" | "standing" | "voided"
  original?: Taking["line"]
  orderId?: string
  sku?: string
  quantityMilli: number
  grantedMilli: number
  lostMinor: number
  currency: string
  why?: string
}

/** Adds to receipts what they took back by themselves, not for a return. */
export async function withTakings<Receipt extends object>(
  { sql }: Pick<Selling, "sql">,
  page: Page<Receipt>,
): Promise<Page<Receipt & { tookBack?: TakenBack[] }>> {
  const items = await storage(() =>
    inTransaction(sql, async (tx) => {
      const shown: (Receipt & { tookBack?: TakenBack[] })[] = []
      for (const receipt of page.items) {
        // What findReceipts returns has its number, and how it stands.
        const found = receipt as ReceiptReference & { standing?: string }
        const takings = found.standing === "recorded" ? await takingsOf(tx, saleRef(found)) : []
        shown.push({ ...receipt, ...(takings.length > 0 ? { tookBack: takings.map(takenBackOf) } : {}) })
      }
      return shown
    }),
  )
  return { ...page, items }
}

function takenBackOf(taking: Taking): TakenBack {
  const { state, isOlder, line, orderId, sku, milli, grantedMilli, lostMinor, currency, why } = taking
  return {
    state: state === "waiting" && isOlder ? "older" : state,
    ...(line ? { original: line } : {}),
    ...(orderId === undefined ? {} : { orderId }),
    ...(sku === undefined ? {} : { sku }),
    quantityMilli: milli,
    grantedMilli,
    lostMinor,
    currency,
    ...(why ? { why } : {}),
  }
}
