import { Type, type Static } from "typebox"
import type { Problem } from "../base/errors.ts"
import { Duration, isMoment } from "../base/time.ts"
import { own } from "../base/lookup.ts"
import { LocationId } from "../canonical/parts.ts"
import { Day } from "../canonical/sales/receipt.ts"
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
    firstDays: Type.Optional(
      Type.Object(
        {
          all: Type.Optional({ ...Day, description: "Of every store that is not named: YYYY-MM-DD." }),
          stores: Type.Optional(Type.Record(Type.String(), Day, { description: "By store." })),
        },
        {
          additionalProperties: false,
          description:
            "The first business day whose receipts come here. A return of a sale before it opens no case: its receipt is not expected. Default: every receipt is expected.",
        },
      ),
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
  firstDays: {},
  poslog: {},
  folders: [],
} as const satisfies Required<SalesPolicyBlock>

export type SalesPolicies = Required<SalesPolicyBlock>

/** The first business day of a store whose receipts come here; undefined where nobody said it. */
export function firstDayOf(storeId: string, { firstDays }: Pick<SalesPolicies, "firstDays">): string | undefined {
  return own(firstDays.stores ?? {}, storeId) ?? firstDays.all
}

/** First days that are no days, or of no store: every problem with its place. */
export function firstDayProblems(
  { all, stores = {} }: SalesPolicies["firstDays"],
  known: ReadonlySet<string>,
): Problem[] {
  const isDay = (day: string) => isMoment(`${day}T00:00:00Z`)
  return [
    ...(all === undefined || isDay(all) ? [] : [{ pointer: "/firstDays/all", message: `${all} is no day` }]),
    ...Object.entries(stores).flatMap(([store, day]) => {
      const pointer = `/firstDays/stores/${store}`
      return [
        ...(known.has(store) ? [] : [{ pointer, message: `there is no store "${store}"` }]),
        ...(isDay(day) ? [] : [{ pointer, message: `${day} is no day` }]),
      ]
    }),
  ]
}

/** The run of numbers that a receipt's number belongs to. */
export function runOf(
  { storeId, epoch, businessDay }: { storeId: string; epoch: string; businessDay: string },
  { numberedByDay }: Pick<SalesPolicies, "numberedByDay">,
): string {
  return numberedByDay.includes(storeId) ? `${epoch}/${businessDay}` : epoch
}
