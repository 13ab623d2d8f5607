import type { Money } from "../../base/money.ts"
import type { Ref } from "../../canonical/refs.ts"
import { amountText, type Finding } from "./finding.ts"

/** What a channel gave back of an order. */
export interface GivenBack {
  order: Ref
  /** The channel's number of the refund. */
  refund: string
  amount: Money
}

/** A credit in the books; `refund` is the number that it names. */
export interface Credit extends GivenBack {
  number: string
}

/**
 * Credits of no refund, a second credit of one, and credits over more than was given back. That none is missing shows where what is
 * booked is compared with what was charged.
 */
export function findMiscredited(credits: readonly Credit[], refunds: readonly GivenBack[]): Finding[] {
  const known = new Map(refunds.map((one) => [keyOf(one), one]))
  return [...Map.groupBy(credits, keyOf)].flatMap(([key, own]): Finding[] => {
    const [first] = own
    if (!first) return []
    const about = first.order
    const given = known.get(key)
    const found = own.map(({ number }) => number).join(", ")
    const atRisk = first.amount
    if (!given)
      return [
        { what: `has a credit of refund ${first.refund}, which nobody made`, about, expected: "none", found, atRisk },
      ]
    if (own.length > 1)
      return [{ what: `has refund ${first.refund} credited more than once`, about, expected: "one", found, atRisk }]
    if (first.amount.amountMinor <= given.amount.amountMinor) return []
    const [expected, credited] = [amountText(given.amount), amountText(first.amount)]
    return [
      { what: `has more credited than refund ${first.refund} gave back`, about, expected, found: credited, atRisk },
    ]
  })
}

const keyOf = ({ order, refund }: GivenBack) => JSON.stringify([order, refund])
