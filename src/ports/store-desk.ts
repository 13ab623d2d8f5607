import type { CapabilityName } from "./capabilities.ts"

/**
 * Crossdock itself, as a route's connection: a store without a system of its own gets its pick list from Crossdock, and its people say
 * there what they found and handed over.
 */
export const storeDesk = "crossdock-store-desk"
/** What `storeDesk` can do. */
export const storeDeskDoes: readonly CapabilityName[] = ["releasesFulfilment", "cancelsReleases"]
