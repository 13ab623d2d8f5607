import type { StoreEntry } from "../../canonical/sales/store-entry.ts"
import type { EntryRequest } from "./payloads.ts"

/** The entry in the protocol's form. */
export function entryRequest(entry: StoreEntry): EntryRequest {
  const { entryId, storeId, businessDay, postingDate = businessDay, currency, text, lines, receipts } = entry
  return {
    entryId,
    storeId,
    businessDate: businessDay,
    postingDate,
    currency,
    text,
    receipts,
    lines: lines.map((line) => ({ ...line })),
  }
}
