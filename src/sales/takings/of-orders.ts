import type { Ref } from "../../canonical/refs.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { Recorded } from "./originals.ts"

/** Units of an order that a till took back: its account says how many of them are back now. */
interface OrderTaking {
  event: Recorded
  line: ReceiptLine
  orderId: string
  milli: number
  /** Tells a later try from the first: units that others gave back are claimed again. */
  again?: string
}

/** The accounts of orders. Both are safe to repeat. */
export interface OrderTakings {
  /** How much of it was granted, in thousandths; `partOf`: the kit or sales unit of the order that has such goods in it. */
  claim(of: OrderTaking): Promise<{ grantedMilli: number; partOf?: string }>
  /** What a receipt had claimed is not back after all. */
  giveBack(of: { orderId: string; receipt: Ref; at: string }): Promise<void>
}
