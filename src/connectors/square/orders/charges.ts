import { cut } from "../../../base/text.ts"
import { signed, taxesOf } from "./applied.ts"
import type { Charge, LinesOf } from "./lines.ts"
import type { Spot } from "./spot.ts"

/** OrderServiceChargeType. A gratuity that the seller adds by itself is a charge: what it is called says so. */
const chargeTypes = { AUTO_GRATUITY: true, CUSTOM: true } as const
/** OrderServiceChargeTreatmentType: whether lines show their parts of it as well. It is counted here, once. */
const treatments = { LINE_ITEM_TREATMENT: true, APPORTIONED_TREATMENT: true } as const

/** Service charges of a sale, or those that came back. `applied_money` has included tax in it and no other (OrderServiceCharge). */
export function serviceChargeOf(spot: Spot, { definitions, sign, settings }: LinesOf): Charge {
  if (spot.has("type")) spot.word("type", chargeTypes)
  if (spot.has("treatment_type")) spot.word("treatment_type", treatments)
  const taxes = taxesOf(spot, { definitions, sign, taxCodes: settings.taxCodes })
  return {
    kind: "fee",
    amountMinor: signed(spot.amount("applied_money"), sign),
    ...(taxes.length > 0 ? { taxes } : {}),
    text: cut(spot.text("name") ?? "service charge", 64),
  }
}

/** A tip, given or given back. */
export function tipOf(minor: number, sign: 1 | -1): Charge[] {
  return minor === 0 ? [] : [{ kind: "tip", amountMinor: signed(minor, sign) }]
}
