import { createHash } from "node:crypto"
import type { EstatePolicies } from "./areas.ts"
import { isOwn, ownConnections, type EstateFrame, type Route } from "./estate/frame.ts"
import type { CapabilityName } from "./ports/capabilities.ts"
import { routeScopeKeys, type RouteScope } from "./ports/route-scope.ts"

export { storeDesk } from "./ports/route-scope.ts"

/** Everything an integration engineer decides about an estate, as code in `crossdock.config.ts`. */
export interface Estate extends EstateFrame {
  /** What the retailer decides, by area. */
  policies: EstatePolicies
}

/** Declares an estate; what is wrong with it is said at start, all at once. */
export function defineEstate(estate: Estate): Estate {
  return estate
}

/** All routes that fit a scope, primary and shadow, in the order of the estate. A route without a scope fits everywhere. */
export function findRoutes(estate: EstateFrame, capability: CapabilityName, scope: RouteScope): readonly Route[] {
  if (isOwn(capability)) return [{ capability, connection: ownConnections[capability] }]
  return estate.routes.filter(
    (route) =>
      capabilitiesOf(route).includes(capability) &&
      routeScopeKeys.every((name) => route[name] === undefined || route[name] === scope[name]),
  )
}

/**
 * The connection of the primary route that fits; undefined when there is none. `key` names the business object; routes with a
 * share choose by it.
 */
export function findRoute(
  estate: EstateFrame,
  capability: CapabilityName,
  { scope, key }: { scope: RouteScope; key: string },
): string | undefined {
  const routes = findRoutes(estate, capability, scope).filter(isPrimary)
  const [first] = routes
  if (first && (first.share ?? 100) >= 100) return first.connection
  const percentile = percentileOf(key)
  let upTo = 0
  return routes.find(({ share = 100 }) => percentile < (upTo += share))?.connection
}

/** Whether an object falls into the share of a shadow route. */
export function isShadowed(route: Route, key: string): boolean {
  return !isPrimary(route) && percentileOf(key) < (route.share ?? 100)
}

export const isPrimary = ({ role }: Route): boolean => role !== "shadow"

export const capabilitiesOf = ({ capability }: Route): readonly CapabilityName[] =>
  typeof capability === "string" ? [capability] : capability

/** 0 to 99, the same for one key in every process and for ever. */
function percentileOf(key: string): number {
  return createHash("sha256").update(key).digest().readUInt32BE(0) % 100
}
