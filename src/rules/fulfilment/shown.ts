import type { EventData } from "../../canonical/events.ts"
import { closed, type Action } from "./actions.ts"
import type { Fulfilment } from "./state.ts"
import { done, type Next } from "./tasks.ts"
import { fulfilledPastUs, pastUsName, takenBackByShop } from "./texts/shop.ts"

// What the shop shows of parcels. Its messages come in any order.

/** The shop reports a fulfilment: either our own, echoed (P-08), or one that somebody shipped outside of Crossdock. */
export function hearFulfilled(state: Fulfilment, told: EventData<"order.fulfilled-by-channel">): Next {
  const { trackingNumber, fulfilmentId } = told
  const isKnown = trackingNumber === undefined || state.knownTracking.includes(trackingNumber)
  if (isKnown || state.takenBack.some((one) => one.fulfilmentId === fulfilmentId)) return done(state)
  const shippedPastUs = new Map(state.shippedPastUs).set(trackingNumber, fulfilmentId)
  return done({ ...state, shippedPastUs }, [{ do: "raise", ...fulfilledPastUs(state.order, told) }])
}

/**
 * The shop cancelled a fulfilment (P-39). One of ours has left its location, which nobody can stop, so a person sees it. One that
 * only the shop knew of is as if it had never been: our locations ship its units.
 */
export function hearTakenBack(before: Fulfilment, told: EventData<"order.fulfilment-taken-back">): Next {
  const { fulfilmentId, trackingNumber } = told
  if (before.takenBack.some((one) => one.fulfilmentId === fulfilmentId)) return done(before)
  const state = { ...before, takenBack: [...before.takenBack, told] }
  const isOurs =
    trackingNumber === undefined
      ? told.lines.some(({ lineId }) => (state.shipped.get(lineId) ?? 0) > 0)
      : state.knownTracking.includes(trackingNumber)
  if (isOurs) return done(state, [{ do: "raise", ...takenBackByShop(state.order, told) }])
  const shippedPastUs = new Map([...state.shippedPastUs].filter(([, id]) => id !== fulfilmentId))
  if (shippedPastUs.size === state.shippedPastUs.size) return done(state)
  return done({ ...state, shippedPastUs }, [closed(pastUsName(fulfilmentId), "the shop took the fulfilment back")])
}

/** What follows when a location reports a parcel that the shop has shown before, or shows no more. */
export function seenBefore(state: Fulfilment, tracking: string): Action[] {
  const fulfilmentId = state.shippedPastUs.get(tracking)
  const takenBack = state.takenBack.find(({ trackingNumber }) => trackingNumber === tracking)
  return [
    ...(fulfilmentId === undefined ? [] : [closed(pastUsName(fulfilmentId), "a location reported the same parcel")]),
    ...(takenBack ? [{ do: "raise", ...takenBackByShop(state.order, takenBack) } as const] : []),
  ]
}
