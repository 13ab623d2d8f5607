import type { CapabilityName } from "./capabilities.ts"

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

/**
 * Crossdock itself, as a route's connection: a store without a system of its own gets its pick list from Crossdock, and its people say
 * there what they found and handed over.
 */
export const storeDesk = "crossdock-store-desk"
/** What `storeDesk` can do. */
export const storeDeskDoes: readonly CapabilityName[] = ["releasesFulfilment", "cancelsReleases"]
