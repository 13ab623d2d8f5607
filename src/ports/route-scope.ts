/** What a route may be chosen by. The list is closed, so that a misspelt key in an estate is an error and not a route for everything. */
export const routeScopeKeys = [
  "channel",
  "location",
  /** The tender's provider, when a payment is routed. */
  "provider",
  "brand",
  "region",
  "store",
  /** A legal entity, when books are kept apart. */
  "entity",
] as const

/** A key of a scope. */
export type RouteScopeKey = (typeof routeScopeKeys)[number]

/** Where a capability is needed, or where a route applies. */
export type RouteScope = { [Key in RouteScopeKey]?: string }
