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

type Numbered = ReceiptReference & { epoch: string; sequence: number }

/** The receipt that one voids; a document by its number 0. Where tills number by the day, one that is named without its day is of the same. */
export function voidedBy(
  { kind, voids, businessDay: today }: NumberedReceipt,
  { numberedByDay }: ByDay,
): Numbered | undefined {
  if (kind !== "void" || !voids) return undefined
  const { documentId, epoch = documentId ?? "1", sequence = 0, ...till } = voids
  const isOfToday = documentId === undefined && numberedByDay.includes(voids.storeId)
  const { businessDay = isOfToday ? today : undefined } = voids
  return { ...till, epoch, sequence, ...(businessDay === undefined ? {} : { businessDay }) }
}

/** The line that sold what a line takes back: as it is named, or the same line of the receipt that is voided. */
export function namedBy(
  receipt: NumberedReceipt,
  { lineId, returned }: ReceiptLine,
  policies: ByDay,
): LineNamed | undefined {
  if (returned?.original) return lineIn(returned.original)
  const voided = returned ? undefined : voidedBy(receipt, policies)
  return voided && { ...voided, lineId }
}

type Original = NonNullable<NonNullable<ReceiptLine["returned"]>["original"]>

/** An amount that came back is of no line. A document is the number 0 of itself; its till is known when it has come. */
function lineIn({
  storeId,
  tillId,
  epoch,
  businessDay,
  sequence,
  documentId,
  soldAt,
  lineId,
}: Original): LineNamed | undefined {
  if (lineId === undefined) return undefined
  const named = {
    storeId,
    ...(businessDay === undefined ? {} : { businessDay }),
    ...(soldAt === undefined ? {} : { soldAt }),
    lineId,
  }
  const till = tillId === undefined ? {} : { tillId }
  if (sequence === undefined)
    return documentId === undefined ? undefined : { ...named, ...till, epoch: documentId, sequence: 0, documentId }
  return tillId === undefined ? undefined : { ...named, tillId, epoch: epoch ?? "1", sequence }
}
