import type { News } from "../news.ts"
import { capturesOf } from "../shipment.ts"
import type { Fulfilment } from "../state.ts"
import { done, type Next } from "../tasks.ts"
import { authorisationLapsesSoon } from "../texts/money.ts"

/** Tells of authorisations that lapse soon, unless all of one was captured by then or nothing more can be. */
export function lapseSoon(state: Fulfilment, { lapsing }: Extract<News, { type: "authorisations lapse soon" }>): Next {
  const lapses = lapsing.flatMap(({ tenderId, heldUntil }) => {
    const tender = state.order.tenders.find(({ id }) => id === tenderId)
    const { isEnded, takenMinor } = capturesOf(state, tenderId)
    const leftMinor = (tender?.amount.presentment.amountMinor ?? 0) - takenMinor
    return !tender || isEnded || leftMinor <= 0 ? [] : [{ tender, leftMinor, heldUntil }]
  })
  const raisedLapses = [...state.raisedLapses, ...lapses.map(({ tender }) => tender.id)]
  return done(
    { ...state, raisedLapses },
    lapses.map((lapse) => ({ do: "raise" as const, ...authorisationLapsesSoon(state.order, lapse) })),
  )
}
