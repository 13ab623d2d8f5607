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
const estate = demoEstate(lab ?? none, createEstate({ seed: 7 }).locations)

// The demo's estate without the vendors' rate limits, which would otherwise be measured, and without the backstop's
// polls, which read from the simulators what their webhooks already delivered.
const unlimited = Object.fromEntries(
  Object.entries(estate.connections).map(([id, { pollEveryMs: _poll, ...connection }]) => [
    id,
    { ...connection, rate: { concurrencyMax: 64, perSecond: 1_000_000, burst: 1_000_000, operations: {} } },
  ]),
)

export default { ...estate, connections: unlimited } satisfies Estate
