import { deploymentValue } from "../src/base/config.ts"
import type { Estate } from "../src/estate.ts"
import { demoEstate, type LabAddresses } from "../demo/estate.ts"
import { publishingStock } from "../demo/publishing.ts"
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
const demo = demoEstate(lab ?? none, [...places, ...chain])
// Places whose stock the shop shows; none but for the scenario of publishing.
const shown = places.slice(0, Number(deploymentValue("BENCH_PUBLISHED_PLACES") ?? 0))
const estate = shown.length > 0 ? onlyStock(publishingStock(demo, shown)) : demo

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

/** Without buffers and the day's reading back, so that what is there is shown, and only what changes is read. */
function onlyStock(published: Estate): Estate {
  const channels = Object.entries(published.policies.publishing?.channels ?? {}).map(
    ([channel, { stock, prices, products }]) => [
      channel,
      { stock, prices, products, dryRun: deploymentValue("BENCH_PUBLISH_DRY") === "yes" },
    ],
  )
  return {
    ...published,
    policies: {
      ...published.policies,
      stock: { ...published.policies.stock, buffers: [] },
      publishing: { channels: Object.fromEntries(channels) },
    },
  }
}

export default { ...estate, policies, connections: unlimited } satisfies Estate
