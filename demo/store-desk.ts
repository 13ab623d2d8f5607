import { storeDesk, type Estate } from "../src/estate.ts"

/** The estate with a store that has no system of its own: it gets its list from Crossdock. */
export function withStoreDesk(estate: Estate, locationId: string): Estate {
  const capability = ["releasesFulfilment", "cancelsReleases"] as const
  return {
    ...estate,
    routes: [{ capability, connection: storeDesk, location: locationId }, ...estate.routes],
    policies: {
      ...estate.policies,
      pickups: {
        readyWithin: { minutes: 5 },
        keepFor: { minutes: 30 },
        remindAfter: { minutes: 10 },
        putBackWithin: { minutes: 10 },
        // A real estate takes it from the deployment: `value("PICKUP_CODE_KEY")`.
        codeKey: "the demo's key for codes of pickups",
        checkIdFrom: [{ amountMinor: 100_000, currency: "EUR" }],
      },
    },
  }
}
