import type { Problem } from "../base/errors.ts"
import { moneyText, type Money } from "../base/money.ts"
import type { Ref } from "../canonical/refs.ts"
import type { AwaitedNews, Translation } from "../ports/capabilities/intake.ts"

// Orders that are read part by part (P-31): what one part cannot say hides nothing of the others.

/** A part of an order that tells nothing yet. */
export interface OddPart {
  kind: "content" | "edit" | "refund" | "fulfilment" | "transaction"
  /** Its own id; empty for what there is only one of. */
  id: string
  pointer: string
  problems: Problem[]
  /** The money that it moves, as far as it can be read. */
  money?: Money
  waitsFor?: AwaitedNews
  /** See `OrderPart`. */
  factAbout?: Ref
  /** The time of its own state, where the system states one; otherwise the order's. */
  at?: string
}

const words = {
  content: "what was sold cannot be understood",
  edit: "an edit cannot be understood",
  refund: "refund",
  fulfilment: "fulfilment",
  transaction: "payment",
} as const

/** Parts that wait, each under the name of the fact that it will tell one day. `fact` is how the facts of the order begin. */
export function waitingParts(
  odd: readonly OddPart[],
  order: { system: string; id: string; fact: string; at: string; number?: string },
): Pick<Translation, "refused"> {
  if (odd.length === 0) return {}
  const { system, id, fact, at, number } = order
  return {
    refused: odd.map(({ kind, id: partId, pointer, problems, money, waitsFor, factAbout, at: ownAt }) => ({
      pointer,
      code: problems.every((problem) => problem.code === "VENDOR_VALUE_UNKNOWN")
        ? "VENDOR_VALUE_UNKNOWN"
        : "TRANSLATION_FAILED",
      message: partId === "" ? words[kind] : `${words[kind]} ${partId.split(":")[0]} waits`,
      about: { system, type: "order", id },
      problems,
      part: {
        name: partId === "" ? `${fact}:${kind}@${at}` : `${fact}:${kind}:${partId}`,
        at: ownAt ?? at,
        ...(number === undefined ? {} : { number }),
        ...(money && { money }),
        ...(waitsFor && { waitsFor }),
        ...(factAbout && { factAbout }),
      },
    })),
  }
}

/** A refund that has not been paid back: the money is on its way, or the payment of it failed. */
export function unpaidRefund(
  { id, pointer, money }: { id: string; pointer: string; money: Money },
  { isPending }: { isPending: boolean },
): OddPart {
  const message = isPending
    ? `${moneyText(money)} of the refund are on their way and have not been paid back yet`
    : `${moneyText(money)} were to be paid back, and the payment failed: the buyer has not got them`
  return {
    kind: "refund",
    // When it has failed it waits for other news, under another name, so that the wait for the money ends.
    id: isPending ? id : `${id}:failed`,
    pointer,
    problems: [{ pointer: "", message }],
    money,
    waitsFor: isPending ? refundArrives : refundIsRepeated,
  }
}

/** News that ends the wait for a refund that is on its way. */
const refundArrives: AwaitedNews = {
  cause: "refund is on its way",
  ifNobodyActs:
    "nothing needs to be done: the exception ends when the money has arrived, and another one comes if it fails",
  owner: "finance",
}

/** News that ends the wait for a refund whose payment failed. */
const refundIsRepeated: AwaitedNews = {
  cause: "refund did not arrive",
  ifNobodyActs: "the buyer does not get the money: give it back in the shop in another way",
  owner: "finance",
}
