import { createEstate } from "../../lab/estate/estate.ts"
import type { Receipt } from "../../src/canonical/sales/receipt.ts"

const estate = createEstate({ seed: 7 })

/** The estate's stores, in their order. */
export const storeIds = estate.locations.filter(({ kind }) => kind === "store").map(({ locationId }) => locationId)

const skus = estate.skus.filter((item) => item.kind === "plain").map((item) => item.sku)
/** From one line to this many; on average eight. */
const linesMax = 15
const priceMaxMinor = 4000
const vat = { code: "VAT-19", ratePercent: "19", isIncluded: true } as const

/** A number of a till. */
export interface TillNumber {
  storeId: string
  tillId: string
  sequence: number
  businessDay: string
}

/** Lines of the receipt with a number; each is of one piece. */
export function lineCountOf(sequence: number): number {
  return 1 + ((sequence * 7) % linesMax)
}

/** A whole sale, tax included, for cash or by card. The same number has the same content. */
export function receiptOf({ sequence, businessDay, ...till }: TillNumber, endedAt: string): Receipt {
  const lines = Array.from({ length: lineCountOf(sequence) }, (_, n) => {
    const amountMinor = 100 + ((sequence * 31 + n * 977) % priceMaxMinor)
    return {
      lineId: String(n + 1),
      sku: skus[(sequence * 13 + n) % skus.length] ?? "",
      quantityMilli: 1000,
      unit: "ea",
      amountMinor,
      taxes: [{ ...vat, amountMinor: Math.round((amountMinor * 19) / 119) }],
    }
  })
  const amountMinor = lines.reduce((sum, line) => sum + line.amountMinor, 0)
  return {
    ...till,
    sequence,
    businessDay,
    kind: "sale",
    endedAt,
    currency: "EUR",
    lines,
    tenders: [
      sequence % 3 === 0
        ? { kind: "cash", amountMinor }
        : { kind: "card", amountMinor, card: { merchantAccount: "acquirer" } },
    ],
  }
}
