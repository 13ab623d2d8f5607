import { deploymentValue } from "../src/base/config.ts"
import type { Estate } from "../src/estate.ts"
import { demoEstate, type LabAddresses } from "../demo/estate.ts"
import { createEstate } from "../lab/estate/estate.ts"

const nowhere = "http://127.0.0.1:9"
const none: LabAddresses = {
  shopify: nowhere,
  sap: nowhere,
  stripe: nowhere,
  warehouse: nowhere,
  tax: nowhere,
  fraud: nowhere,
  smtp: "smtp://127.0.0.1:9",
}
const lab = JSON.parse(deploymentValue("LAB_ADDRESSES") ?? "null") as LabAddresses | null
const places = createEstate({ seed: 7 }).locations
// Stores without stock, for scenarios of a chain.
const chain = places
  .filter(({ kind }) => kind === "store")
  .slice(0, 1)
  .flatMap((store) =>
    Array.from({ length: Number(deploymentValue("BENCH_STORES") ?? 0) }, (_, n) => {
      return { ...store, locationId: `bench-${n + 1}` }
    }),
  )
const estate = demoEstate(lab ?? none, [...places, ...chain])

// The demo's estate without the vendors' rate limits, which would otherwise be measured, and without the backstop's
// polls, which read from the simulators what their webhooks already delivered.
const unlimited = Object.fromEntries(
  Object.entries(estate.connections).map(([id, { pollEveryMs: _poll, ...connection }]) => [
    id,
    { ...connection, rate: { concurrencyMax: 64, perSecond: 1_000_000, burst: 1_000_000, operations: {} } },
  ]),
)

// Days are closed by whoever measures that, not by the clock.
const policies = { ...estate.policies, sales: { closeAfter: { days: 30 } } }

export default { ...estate, policies, connections: unlimited } satisfies Estate
