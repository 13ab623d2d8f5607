import { demoEstate, type LabAddresses, type LabLocation } from "./demo/estate.ts"
import { publishingStock } from "./demo/publishing.ts"
import { withStoreDesk } from "./demo/store-desk.ts"
import { createHttpClient } from "./src/base/http.ts"
import { deploymentValue } from "./src/base/config.ts"

// The demo's estate. A retailer's own file declares connections, routes, locations and policies in the same form;
// docs/guides/first-connector.md starts from here.
const lab = JSON.parse(deploymentValue("LAB_ADDRESSES") ?? "{}") as LabAddresses & { estate?: string }

async function places(): Promise<LabLocation[]> {
  if (!lab.estate) throw new Error("no lab is running: start with `npm start`, or write your own crossdock.config.ts")
  const client = createHttpClient({ baseUrl: lab.estate, timeoutMs: 10_000, allowPrivateNetwork: true })
  const answer = await client.send({ method: "GET", path: "/__lab/estate/locations" })
  client.close()
  const estate = JSON.parse(answer.text) as { locations: LabLocation[] }
  return estate.locations
}

const found = await places()
// Chaos has everything read back while it waits for rest; a day is long.
const auditSeconds = Number(deploymentValue("AUDIT_SECONDS") ?? 86_400)
const estate = publishingStock(demoEstate(lab, found), found, { shown: "pool", auditSeconds })
// `npm start` has people in one store, who get goods ready by Crossdock's list.
const desk = deploymentValue("STORE_DESK")
export default desk === undefined ? estate : withStoreDesk(estate, desk)
