import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { NumberedReceipt, ReceiptReference } from "../../canonical/sales/receipt.ts"
import type { SalesPolicies } from "../policies.ts"
import type { LineNamed } from "./rows.ts"

/** Goods that come back by a receipt, and that no return asked for. What a void repeats of a return is not taken by it. */
export function backLines({ kind, lines = [] }: NumberedReceipt): ReceiptLine[] {
  return lines.filter(({ as = "goods", quantityMilli, orderId, returned }) => {
    if (kind === "void" && returned) return false
    return as === "goods" && quantityMilli < 0 && orderId === undefined && returned?.returnId === undefined
  })
}

/** Whether a receipt takes anything back, or takes a receipt out. */
export function takesBack(receipt: NumberedReceipt): boolean {
  return receipt.voids !== undefined || backLines(receipt).length > 0
}

type ByDay = Pick<SalesPolicies, "numberedByDay">

/** The receipt that one voids. Where tills number by the day, one that is named without its day is of the same. */
export function voidedBy(
  { kind, voids, businessDay: today }: NumberedReceipt,
  { numberedByDay }: ByDay,
): (ReceiptReference & { epoch: string }) | undefined {
  if (kind !== "void" || !voids) return undefined
  const { epoch = "1", businessDay = numberedByDay.includes(voids.storeId) ? today : undefined, ...number } = voids
  return { ...number, epoch, ...(businessDay === undefined ? {} : { businessDay }) }
}

/** The line that sold what a line takes back: as it is named, or the same line of the receipt that is voided. */
export function namedBy(
  receipt: NumberedReceipt,
  { lineId, returned }: ReceiptLine,
  policies: ByDay,
): LineNamed | undefined {
  if (returned?.original) return { epoch: "1", ...returned.original }
  const voided = returned ? undefined : voidedBy(receipt, policies)
  return voided && { ...voided, lineId }
}
