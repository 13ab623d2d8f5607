import { ref } from "../../../src/canonical/refs.ts"
import { saleRef } from "../../../src/canonical/sales/events.ts"
import type { ReceiptLine } from "../../../src/canonical/sales/receipt-line.ts"
import type { NumberedReceipt } from "../../../src/canonical/sales/receipt.ts"
import type { GivenBack, ReturnedUnits } from "../../../src/rules/tie-out/stores/returns.ts"
import type { StoresBook } from "../../books/stores-book.ts"
import { sum } from "../view.ts"

type Original = NonNullable<NonNullable<ReceiptLine["returned"]>["original"]>

/** Each line that was sold at a till, and each web order of which something came back, with its units. */
export function unitsOf(receipts: readonly NumberedReceipt[]): ReturnedUnits[] {
  const lines = receipts
    .filter(isCompleted)
    .flatMap((receipt) => (receipt.lines ?? []).map((line) => ({ receipt, line })))
  const back = Map.groupBy(
    lines.filter(({ line }) => line.quantityMilli < 0),
    ({ receipt, line }) => {
      const { original, orderId } = line.returned ?? {}
      if (orderId !== undefined) return `${ref("order", orderId)} any`
      if (original) return `${soldBy(original)} ${original.lineId}`
      return receipt.voids ? `${saleRef(receipt.voids)} ${line.lineId}` : "blind"
    },
  )
  const sold = lines.filter(({ line }) => line.quantityMilli > 0)
  const soldMilli = new Map(sold.map(({ receipt, line }) => [`${saleRef(receipt)} ${line.lineId}`, line.quantityMilli]))
  return [...back].map(([key, own]) => {
    const [about = "", lineId = ""] = key.split(" ")
    const returnedMilli = -sum(own.map(({ line }) => line.quantityMilli))
    // Of a web order the tills take one unit.
    const isWeb = about.startsWith("order/")
    return {
      about: about as ReturnedUnits["about"],
      lineId,
      soldMilli: isWeb ? 1000 : (soldMilli.get(key) ?? 0),
      returnedMilli,
    }
  })
}

/** For each sale and web order: the money that was taken for it, and the money that tills gave back. */
export function givenBackOf(receipts: readonly NumberedReceipt[], webOrders: StoresBook["webOrders"]): GivenBack[] {
  const counting = receipts.filter(isCompleted)
  const paid = new Map(counting.map((receipt) => [saleRef(receipt) as string, receipt]))
  const taken = new Map(webOrders.map(({ orderId, takenMinor }) => [ref("order", orderId) as string, takenMinor]))
  const back = Map.groupBy(counting.filter(isBack), ({ voids, lines = [] }) => {
    const { original, orderId } = lines[0]?.returned ?? {}
    if (orderId !== undefined) return ref("order", orderId) as string
    return original ? soldBy(original) : voids ? saleRef(voids) : "blind"
  })
  return [...back].map(([about, own]) => ({
    about: about as GivenBack["about"],
    tender: own[0]?.tenders?.[0]?.kind ?? "cash",
    currency: "EUR",
    takenMinor: taken.get(about) ?? paidMinor(paid.get(about)),
    givenBackMinor: -sum(own.map(paidMinor)),
  }))
}

/** Tills of the chaos number their receipts. */
const soldBy = ({ lineId: _line, tillId = "", ...original }: Original) => saleRef({ ...original, tillId })

const isCompleted = ({ status = "completed" }: NumberedReceipt) => status === "completed"
const isBack = ({ lines = [] }: NumberedReceipt) => lines.some(({ quantityMilli }) => quantityMilli < 0)

function paidMinor(receipt: NumberedReceipt | undefined): number {
  return sum((receipt?.tenders ?? []).map(({ amountMinor, changeMinor = 0 }) => amountMinor - changeMinor))
}
