import type { BusinessDate } from "../../base/time.ts"

/** What the workflow of a store's day takes of the estate. */
export interface StoreDayPolicies {
  onClosedPeriod: "next open day" | "ask"
  /** The day it is now at a place. */
  businessDay: (at: string, locationId?: string) => BusinessDate
}
