import type { NumberedReceipt } from "../../src/canonical/sales/receipt.ts"
import type { Closure } from "../../src/canonical/sales/store-day.ts"

/** The tills' own papers, what the centre says of stores, and the books that their days are posted to. */
export interface StoresBook {
  storeIds: readonly string[]
  /** Every receipt that a till printed, in the order of its till. */
  printed: readonly NumberedReceipt[]
  looks: readonly StoreLook[]
  days: readonly { storeId: string; businessDay: string; state: string; closures: readonly Closure[] }[]
  entries: readonly StoreEntryPosted[]
  /** Goods that only stores sell. */
  stock: readonly { storeId: string; sku: string; openingMilli: number; onHandMilli: number }[]
  /** Web orders of which a unit came back to a till, with what was taken for them less what the shop gave back. */
  webOrders: readonly { orderId: string; takenMinor: number; currency: string }[]
  /** Must be empty: wrong answers to tills and agents, broken journals, incidents that never reached the centre. */
  complaints: readonly string[]
  /** Rows of the views of sales that a rebuild from the log would change. */
  differing: readonly object[]
  /** How often each fault was injected, by its name. */
  troubles: Readonly<Record<string, number>>
}

/** One look at the numbers that are outstanding in a store. */
export interface StoreLook {
  storeId: string
  atMs: number
  endMs: number
  /** The last numbers that the centre was told before. */
  told: readonly { tillId: string; epoch: string; lastSequence: number }[]
  named: readonly { tillId: string; epoch: string; from: number; to: number }[]
}

/** An entry as the books have it. */
export interface StoreEntryPosted {
  entryId: string
  documentNumber: string
  storeId: string
  businessDate: string
  currency: string
  lines: readonly {
    account: string
    taxCode?: string
    tender?: string
    merchantAccount?: string
    amountMinor: number
  }[]
}
