import type { Instant } from "../base/time.ts"
import { isEffective } from "../canonical/sales/receipt-law.ts"
import type { NumberedReceipt } from "../canonical/sales/receipt.ts"
import { lineKey, postReceipt } from "../rules/sales/post-receipt.ts"
import { runOf, type SalesPolicies } from "./policies.ts"

/** A receipt as its row is made from, when it comes and when its row is made anew from the log. */
interface RowParts {
  receipt: NumberedReceipt
  digest: string
  isParked: boolean
  sent?: string
}

/** The columns of a receipt's row that follow from the receipt itself. */
export function receiptRow(
  { receipt, digest, isParked, sent }: RowParts,
  policies: Pick<SalesPolicies, "numberedByDay">,
): object {
  const { storeId, tillId, epoch, businessDay, sequence, kind, status = "completed", sessionId, currency } = receipt
  const lines = isParked ? [] : postReceipt(receipt)
  return {
    store_id: storeId,
    till_id: tillId,
    epoch,
    run: receipt.documentId === undefined ? runOf(receipt, policies) : null,
    business_day: businessDay,
    sequence,
    document_id: receipt.documentId ?? null,
    digest,
    is_parked: isParked,
    kind,
    status,
    session_id: sessionId ?? null,
    currency,
    accounts: lines.map(lineKey),
    amounts: lines.map(({ amountMinor }) => amountMinor),
    details: detailsOf(receipt),
    last_sequence: receipt.closes?.lastSequence ?? null,
    ended_at: receipt.endedAt satisfies Instant,
    sent: sent ?? null,
  }
}

/** What a closing asks of a receipt beside its sums. */
function detailsOf({ kind, counts, cashier, override, resumes, ...receipt }: NumberedReceipt): object | null {
  if (resumes) return { resumes }
  if (!counts || (kind !== "count" && kind !== "close") || !isEffective({ kind, ...receipt })) return null
  return { counts, cashier: cashier ?? null, approver: override?.approver ?? null }
}
