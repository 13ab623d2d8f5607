import { moneyText, type Money } from "../../../base/money.ts"
import type { FoundDocument } from "../../../ports/write.ts"

/** How a document compares with what was asked. */
export interface Comparison {
  /** In one sentence, what the document shows. */
  shows: string
  /** Why it cannot be linked at all. */
  cannotBe?: string
  /** What differs, a few words each. Who links it all the same says why. */
  differences: string[]
}

/** Compares a document with the reference, the worth and the currency that were asked. */
export function compareDocument(
  found: Pick<FoundDocument<unknown>, "reference" | "total" | "state" | "cannotBe" | "others">,
  asked: { key: string; worth: Money | undefined },
): Comparison {
  const { reference, total, state, cannotBe, others = [] } = found
  const shows = [
    state,
    total ? moneyText(total) : "no total",
    reference === "" ? "no reference of ours" : `reference ${reference}`,
  ].join(", ")
  return {
    shows,
    ...(cannotBe === undefined ? {} : { cannotBe }),
    differences: [...ofReference(reference, asked.key), ...ofWorth(total, asked.worth), ...others],
  }
}

function ofReference(reference: string, key: string): string[] {
  if (reference === key) return []
  return [reference === "" ? `it does not carry our reference ${key}` : `its reference is ${reference}, not ${key}`]
}

function ofWorth(total: Money | undefined, worth: Money | undefined): string[] {
  if (worth === undefined) return ["the amount that was asked is not kept, so it is not compared"]
  if (total === undefined) return [`its total cannot be read; ${moneyText(worth)} was asked`]
  if (total.currency !== worth.currency) return [`its currency is ${total.currency}, not ${worth.currency}`]
  return total.amountMinor === worth.amountMinor
    ? []
    : [`its total is ${moneyText(total)}, ${moneyText(worth)} was asked`]
}
