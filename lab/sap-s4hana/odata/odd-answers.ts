import type { Random } from "../../random.ts"
import type { Fields } from "./filter.ts"

/** How often an answer is odd, and from which stream of decisions. */
export type Oddness = { share: number; random: Random }

// Fields that a system leaves empty as "" or as null; the vendor's metadata allows both for everything but keys.
const emptied: ReadonlySet<string> = new Set([
  "SalesDocumentRjcnReason",
  "DeliveryBlockReason",
  "AssignmentReference",
  "UnderlyingPurchaseOrderItem",
  "StorageLocation",
  "DeliveryDocumentBySupplier",
  "BillOfLading",
  "MeansOfTransport",
  "OverallOrdReltdBillgStatus",
  "OverallDelivReltdBillgStatus",
])

// Statuses of a tenant that has switched on what nobody here asks about.
const unknownStatuses: Fields = { TotalCreditCheckStatus: "#", SDProcessStatus: "?" }

/**
 * What a real tenant does to a row: empty fields as null, fields of the tenant's own (`YY1_…`), statuses nobody knows.
 * A reader that demands more of an answer than the vendor guarantees fails here.
 */
export function oddRow(fields: Fields, { share, random }: Oddness): Fields {
  if (!random.chance(share)) return fields
  const nulled = Object.entries(fields).map(([name, value]) => [name, value === "" && emptied.has(name) ? null : value])
  return { ...Object.fromEntries(nulled), ...unknownStatuses, YY1_ShopReference_SDH: "", YY1_Priority_SDI: null }
}
