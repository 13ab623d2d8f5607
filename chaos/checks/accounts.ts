import type { EventView } from "../books/books.ts"
import type { Findings, View, Violation } from "./view.ts"

/** The account of each order: made anew from the log it is the same, it has what the payment provider has, and nothing is given back twice. */
export function checkAccounts({ books }: View): Findings {
  const violations: Violation[] = []
  const received = new Map(books.payments.map(({ id, amount_received }) => [id, amount_received]))
  const roundedMinor = cashRounding(books.events)
  let takenMinor = 0
  let receivedMinor = 0
  for (const { orderId, isChanged, tenders, openClaims } of books.accounts) {
    if (isChanged) violations.push({ invariant: "I-10", what: `the account of ${orderId} is not what the log says` })
    for (const { tenderId, reference, taken, givenBack } of tenders) {
      const { amountMinor } = taken
      if (givenBack.amountMinor > amountMinor + (roundedMinor.get(orderId) ?? 0))
        violations.push({
          invariant: "I-5",
          what: `tender ${tenderId} of ${orderId} took ${amountMinor} and gave ${givenBack.amountMinor} back`,
        })
      const theirs = received.get(reference ?? "")
      if (theirs === undefined) continue
      takenMinor += amountMinor
      receivedMinor += theirs
      if (theirs !== amountMinor)
        violations.push({
          invariant: "I-5",
          what: `the account of ${orderId} says ${amountMinor} were taken, the provider says ${theirs}`,
        })
    }
    const isWithPerson = books.exceptions.some((one) => one.orderId === orderId && one.state === "open")
    if (openClaims.length > 0 && !isWithPerson)
      violations.push({ invariant: "I-6", what: `a claim of ${orderId} is open and nobody knows of it` })
  }
  return {
    violations,
    rows: [
      {
        what: "account of each order: as the log says, taken as the provider says, nothing given back twice",
        ours: String(takenMinor),
        theirs: String(receivedMinor),
        differences: violations.length,
      },
    ],
  }
}

/** By order, what was rounded off at the till: a shop's refund of a cash payment does not say how it was rounded. */
function cashRounding(events: readonly EventView[]): ReadonlyMap<string, number> {
  return new Map(
    events.flatMap(({ type, data }) => {
      if (type !== "order.placed") return []
      const { order } = data as { order: { id: string; cashRounding: { presentment: { amountMinor: number } } } }
      return [[order.id, Math.abs(order.cashRounding.presentment.amountMinor)] as const]
    }),
  )
}
