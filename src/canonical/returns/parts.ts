import { Type, type Static } from "typebox"
import { Quantity } from "../../base/quantity.ts"
import { InstantText, LineId, linesMax, LocationId, textMax } from "../parts.ts"
import type { StockState } from "../stock/states.ts"

const closed = { additionalProperties: false } as const

/** How goods that came back look. */
const conditions = ["as new", "opened", "used", "damaged", "wrong article"] as const

/** What becomes of goods that came back. `missing`: they did not come. `kept`: the buyer keeps them, and has the money. */
const dispositions = [
  "sell here",
  "b-grade",
  "repair",
  "to vendor",
  "destroy",
  "donate",
  "quarantine",
  "missing",
  "kept",
] as const
/** See `dispositions`. */
export type Disposition = (typeof dispositions)[number]

/** Where goods of a disposition lie: for sale, in a state in which nobody sells them, or on no shelf at all. */
export const shelfOf: Readonly<Record<Disposition, "for sale" | StockState | "no shelf">> = {
  "sell here": "for sale",
  "b-grade": "blocked",
  repair: "damaged",
  "to vendor": "blocked",
  destroy: "no shelf",
  donate: "no shelf",
  quarantine: "in-inspection",
  missing: "no shelf",
  kept: "no shelf",
}

/** Units of an order's line that are to come back. */
export const ReturnLine = Type.Object(
  {
    lineId: LineId,
    quantity: Quantity,
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: textMax, description: "why, in the buyer's words" })),
  },
  closed,
)
export type ReturnLine = Static<typeof ReturnLine>

/** Units of a line as whoever holds them found them. */
export const InspectedLine = Type.Object(
  {
    lineId: LineId,
    quantity: Quantity,
    condition: Type.Optional(Type.Enum(conditions)),
    disposition: Type.Enum(dispositions),
    isRefunded: Type.Optional(
      Type.Boolean({ default: true, description: "false: the goods are taken, and nothing is given back for them" }),
    ),
    serials: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: textMax }), { maxItems: 1000 })),
    note: Type.Optional(Type.String({ maxLength: 500 })),
  },
  closed,
)
export type InspectedLine = Static<typeof InspectedLine>

/** What was found at one place. */
export const Inspection = Type.Object(
  {
    locationId: LocationId,
    lines: Type.Array(InspectedLine, { minItems: 1, maxItems: linesMax }),
    isLast: Type.Optional(Type.Boolean({ description: "nothing more of this return comes" })),
  },
  closed,
)
export type Inspection = Static<typeof Inspection>

/** How goods come back. `keep`: they do not, the buyer has them and the money. */
export const waysBack = ["send back", "bring to a store", "keep"] as const

/** Where the goods of a return stand. */
export const goodsTracks = [
  "requested",
  "approved",
  "on its way",
  "received",
  "inspected",
  "put away",
  "none",
  "declined",
  "cancelled",
] as const
/** Where its money stands. `left`: a person decided that it is not given back. */
export const moneyTracks = [
  "not due yet",
  "nothing due",
  "waits for approval",
  "being given back",
  "pending",
  "needs a person",
  "given back",
  "left",
] as const
/** Where its books stand. */
export const booksTracks = [
  "not due yet",
  "nothing due",
  "waits for the money",
  "being credited",
  "credited",
  "left",
] as const

/** The three tracks of a return; each ends alone. */
export interface Tracks {
  goods: (typeof goodsTracks)[number]
  money: (typeof moneyTracks)[number]
  books: (typeof booksTracks)[number]
}

/** Why a return is not allowed by the rules. */
const objectionCodes = ["not shipped", "more than was sold", "unknown line", "final sale", "window is over"] as const

/** Why the rules did not allow a return when it was requested. */
export const ReturnObjection = Type.Object(
  {
    code: Type.Enum(objectionCodes),
    lineId: Type.Optional(LineId),
    days: Type.Optional(Type.Integer({ minimum: 0 })),
    endedAt: Type.Optional(InstantText),
  },
  closed,
)
export type ReturnObjection = Static<typeof ReturnObjection>
