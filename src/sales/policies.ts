import { Type, type Static } from "typebox"
import { Duration } from "../base/time.ts"
import { LocationId } from "../canonical/parts.ts"
import { DropFolder } from "./files/policy.ts"
import { PoslogPolicy } from "./poslog/policy.ts"

/** What a retailer decides about tills and store days: `policies.sales` of the estate. */
export const SalesPolicyBlock = Type.Object(
  {
    closeAfter: Type.Optional({
      ...Duration,
      description: "How long after its end a day that nobody closed is closed. Default: two hours.",
    }),
    waitForReceipts: Type.Optional({
      ...Duration,
      description: "How long a closing waits for what is missing; then what is there is posted. Default: four hours.",
    }),
    gapsToldAfter: Type.Optional({
      ...Duration,
      description: "How long a number of a till may be missing before people are told. Default: fifteen minutes.",
    }),
    approveAboveMinor: Type.Optional(
      Type.Integer({ minimum: 0, description: "A count that is further off needs a second person. Default: 2000." }),
    ),
    onClosedPeriod: Type.Optional(
      Type.Enum(["next open day", "ask"], {
        description: "What happens when the books are closed for a store's day. Default: next open day.",
      }),
    ),
    numberedByDay: Type.Optional(
      Type.Array(LocationId, {
        description: "Stores whose tills begin with new numbers each day; in the others numbers go on.",
      }),
    ),
    poslog: Type.Optional(PoslogPolicy),
    folders: Type.Optional(
      Type.Array(DropFolder, { maxItems: 100, description: "Folders in which the systems of tills leave files." }),
    ),
  },
  { additionalProperties: false, description: "Tills, and the days of stores." },
)
export type SalesPolicyBlock = Static<typeof SalesPolicyBlock>

export const salesDefaults = {
  closeAfter: { hours: 2 },
  waitForReceipts: { hours: 4 },
  gapsToldAfter: { minutes: 15 },
  approveAboveMinor: 2000,
  onClosedPeriod: "next open day",
  numberedByDay: [],
  poslog: {},
  folders: [],
} as const satisfies Required<SalesPolicyBlock>

export type SalesPolicies = Required<SalesPolicyBlock>

/** The run of numbers that a receipt's number belongs to. */
export function runOf(
  { storeId, epoch, businessDay }: { storeId: string; epoch: string; businessDay: string },
  { numberedByDay }: Pick<SalesPolicies, "numberedByDay">,
): string {
  return numberedByDay.includes(storeId) ? `${epoch}/${businessDay}` : epoch
}
