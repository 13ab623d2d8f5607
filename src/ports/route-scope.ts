/**
 * The keys a route may be chosen by. The list is closed: otherwise a misspelt key in an estate would make the route
 * match everything.
 */
export const routeScopeKeys = [
  "channel",
  "location",
  /** The provider of the tender, when a payment is routed. */
  "provider",
  "brand",
  "region",
  "store",
  /** A legal entity, when its books are kept separately. */
  "entity",
] as const

/** A key of a scope. */
export type RouteScopeKey = (typeof routeScopeKeys)[number]

/** Where a capability is needed, or where a route applies. */
export type RouteScope = { [Key in RouteScopeKey]?: string }
