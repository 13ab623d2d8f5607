import type { Parcel, TroubleKind } from "./parcel.ts"
import { nameOf, toldOf } from "./parcel.ts"

/** What people read of a trouble, without what is at risk. */
export interface TroubleText {
  summary: string
  ifNobodyActs: string
  allowedActions: readonly string[]
}

const wait = ["wait on", "treat as lost", "close"] as const
const noted = ["acknowledge"] as const

const texts: Readonly<Record<TroubleKind, { says: string; ifNobodyActs: string; allowedActions: readonly string[] }>> =
  {
    "parcel is late": {
      says: "has not been delivered in the time promised",
      ifNobodyActs: "nobody writes to the buyer; it closes by itself when the parcel is delivered",
      allowedActions: wait,
    },
    "parcel is presumed lost": {
      says: "has not been heard of for so long that it is presumed lost",
      ifNobodyActs: "the buyer has paid and has no goods, and nobody claims them from the carrier",
      allowedActions: wait,
    },
    "parcel is not collected": {
      says: "lies ready for collection and nobody came",
      ifNobodyActs: "it goes back to the sender when its time is up",
      allowedActions: ["wait on", "close"],
    },
    "carrier could not deliver": {
      says: "could not be delivered",
      ifNobodyActs: "the carrier brings it back or keeps it",
      allowedActions: wait,
    },
    "carrier reports damage": {
      says: "is damaged, says the carrier",
      ifNobodyActs: "the buyer gets damaged goods, or none",
      allowedActions: wait,
    },
    "carrier lost it": {
      says: "is lost, says the carrier",
      ifNobodyActs: "the buyer has paid and has no goods, and nobody claims them from the carrier",
      allowedActions: wait,
    },
    "parcel is coming back": {
      says: "is on its way back to the sender",
      ifNobodyActs: "it comes back, and then somebody is told again",
      allowedActions: ["wait on", "close"],
    },
    "delivered to whom": {
      says: "was delivered while it was on its way back: to the buyer, or to the sender",
      ifNobodyActs: "the order counts as not delivered",
      allowedActions: ["it arrived", "it came back"],
    },
    "parcel came back": {
      says: "came back",
      ifNobodyActs: "the buyer has paid for goods that lie with the sender",
      allowedActions: ["open a return", "acknowledge"],
    },
    "lost parcel arrived": {
      says: "was treated as lost and has been delivered after all",
      ifNobodyActs: "the buyer may have the goods and the money, or the goods twice",
      allowedActions: noted,
    },
  }

/** What people are told of a trouble of a parcel, with the carrier's newest words. */
export function troubleText(parcel: Parcel, kind: TroubleKind, isAtAnEnd: boolean): TroubleText {
  const { says, ifNobodyActs, allowedActions } = texts[kind]
  // A damaged parcel that has arrived can only be noted.
  const canOnlyBeNoted = isAtAnEnd && kind === "carrier reports damage"
  const words = toldOf(parcel).findLast(({ text, place }) => text !== undefined || place !== undefined)
  const carrier = words ? ` Last told: ${[words.text, words.place].filter((one) => one !== undefined).join(", ")}.` : ""
  return {
    summary: `${nameOf(parcel)} ${says}.${carrier}`,
    ifNobodyActs,
    allowedActions: canOnlyBeNoted ? noted : allowedActions,
  }
}
