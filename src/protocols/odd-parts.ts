import type { Problem } from "../base/errors.ts"
import type { Money } from "../base/money.ts"
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
    refused: odd.map(({ kind, id: partId, pointer, problems, money, waitsFor }) => ({
      pointer,
      code: problems.every((problem) => problem.code === "VENDOR_VALUE_UNKNOWN")
        ? "VENDOR_VALUE_UNKNOWN"
        : "TRANSLATION_FAILED",
      message: partId === "" ? words[kind] : `${words[kind]} ${partId.split(":")[0]} waits`,
      about: { system, type: "order", id },
      problems,
      part: {
        name: partId === "" ? `${fact}:${kind}@${at}` : `${fact}:${kind}:${partId}`,
        at,
        ...(number === undefined ? {} : { number }),
        ...(money && { money }),
        ...(waitsFor && { waitsFor }),
      },
    })),
  }
}

/** What a refund waits for that the channel has begun to pay back. */
export const refundArrives: AwaitedNews = {
  cause: "refund is on its way",
  ifNobodyActs:
    "nothing needs to be done: the exception ends when the money has arrived, and another one comes if it fails",
  owner: "finance",
}

/** What a refund waits for of which nothing arrived. */
export const refundIsRepeated: AwaitedNews = {
  cause: "refund did not arrive",
  ifNobodyActs: "the buyer does not get the money: give it back in the shop in another way",
  owner: "finance",
}
