import type { Problem } from "../base/errors.ts"
import { capabilitiesOf, isPrimary, type Estate } from "../estate.ts"
import type { Connected } from "../ports/connector.ts"
import { whoCaptures } from "../ports/who-captures.ts"

/** Channels that do not say who captures their payments, or whose routes say otherwise. */
export function captureProblems(estate: Estate, connected: ReadonlyMap<string, Connected>): Problem[] {
  return Object.entries(estate.connections).flatMap(([id, { captures }]) => {
    const pointer = `/connections/${id}/captures`
    const sells = connected.get(id)?.receivesDeliveries?.states.includes("order.placed") ?? false
    if (captures === undefined)
      return sells
        ? [{ pointer, message: `is missing: who captures the payments of "${id}": ${whoCaptures.join(", ")}` }]
        : []
    if (!whoCaptures.includes(captures)) return [{ pointer, message: `is none of ${whoCaptures.join(", ")}` }]
    const routes = estate.routes.filter(
      (route) =>
        isPrimary(route) &&
        capabilitiesOf(route).includes("capturesPayments") &&
        (route.channel === undefined || route.channel === id),
    )
    if (captures === "crossdock" && routes.length === 0)
      return [{ pointer, message: `says crossdock, and no primary route of capturesPayments is for "${id}"` }]
    if (captures !== "crossdock" && routes.some(({ channel }) => channel === id))
      return [{ pointer, message: `says ${captures}, and a route of capturesPayments is for "${id}"` }]
    return []
  })
}
