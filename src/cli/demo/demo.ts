import { parseArgs } from "node:util"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { dataFolder, setDeploymentValue } from "../../base/config.ts"
import { AppError } from "../../base/errors.ts"
import { createHttpClient, answerJson, type HttpClient } from "../../base/http.ts"
import { createLog } from "../../base/log.ts"
import { loadEstate, startProgram, type Program } from "../../main.ts"
import { labFolder, startLabProcess, type LabProcess } from "./lab-process.ts"
import { startStoreAgent, type DemoAgent } from "./store-agent.ts"
import { demoDesk, staffStore } from "./store-people.ts"
import { rememberOrdinaryDay, runBreak, runMend } from "./break-command.ts"
import { runLiveView } from "./live-view.ts"
import { say, untilToldToStop } from "../start.ts"

/**
 * `crossdock demo`: a lab of vendor simulators, Crossdock between them, and orders coming in. `demo break` and `demo mend` change
 * the running one.
 */
export async function runDemo(args: string[]): Promise<number> {
  const [verb, ...rest] = args
  if (verb === "break") return runBreak(rest)
  if (verb === "mend") return runMend(rest)
  const { values } = parseArgs({
    args,
    options: {
      "orders-per-second": { type: "string", default: "2" },
      seed: { type: "string", default: "7" },
      calm: { type: "boolean", default: false },
    },
  })
  const ordersPerSecond = Number(values["orders-per-second"])
  if (!(ordersPerSecond >= 0 && ordersPerSecond <= 500))
    throw new AppError("REQUEST_INVALID", "--orders-per-second takes 0 to 500")
  say("starting the lab: a shop, an ERP, payment, warehouses, tax, fraud and mail, all simulated on this machine …")
  const lab = await startLabProcess(values.seed)
  if (lab.run > 1)
    say(`the lab goes on where it stopped: ${lab.ordersBefore} orders in its shop (kept in ${labFolder()})`)
  try {
    const addresses = JSON.stringify(labAddresses(lab))
    setDeploymentValue("LAB_ADDRESSES", addresses)
    setDeploymentValue("STORE_DESK", demoDesk)
    const program = await startProgram({
      estate: await loadEstate(),
      onProgress: say,
      log: createLog("crossdock", "error"),
    })
    for (const note of program.notes) say(note)
    let agent: DemoAgent | undefined
    try {
      await checkThatBothRemember(program, lab)
      agent = await startStoreAgent(program, { storeId: demoDesk, timeZone: "Europe/Amsterdam", say })
      await trade(program, lab, { ordersPerSecond, isCalm: values.calm, tillsUrl: agent.url })
      writeFileSync(join(dataFolder(), "lab.json"), addresses)
      rememberOrdinaryDay({ ordersPerSecond, faults: values.calm ? {} : mildFaults })
      const view = runLiveView({ isTerminal: process.stdout.isTTY, ...program })
      const goHome = staffStore(program)
      await untilToldToStop()
      goHome()
      view.stop()
      say("stopping …")
    } finally {
      await agent?.stop()
      await program.stop()
    }
    return 0
  } finally {
    lab.child.kill("SIGTERM")
  }
}

/**
 * The lab and Crossdock's database tell of one history. With only one of them gone, the shop would give numbers to new
 * orders that Crossdock knows as old ones, or Crossdock would meet orders that were finished long ago.
 */
async function checkThatBothRemember(program: Program, lab: LabProcess): Promise<void> {
  const gateway = labClient(program.gatewayUrl)
  const read = async (path: string) => {
    const headers = { authorization: `Bearer ${program.operatorKey}` }
    return answerJson(await gateway.send({ method: "GET", path, headers, isRead: true }))
  }
  const { items } = (await read("/v1/orders?limit=1")) as { items: unknown[] }
  const { stock } = (await read("/v1/kpis")) as { stock: { onHand: number } }
  gateway.close()
  const problem = memoryProblem({
    ordersInLab: lab.ordersBefore,
    crossdockHasOrders: items.length > 0,
    // The opening stock is loaded before the shop opens, so a Crossdock without it never saw an order.
    crossdockHasStock: stock.onHand > 0,
  })
  if (problem !== undefined) throw new AppError("CONFIG_INVALID", problem)
}

/** What is wrong when only one of the two remembers the former runs; undefined when both do, or neither. */
export function memoryProblem(memory: {
  ordersInLab: number
  crossdockHasOrders: boolean
  crossdockHasStock: boolean
}): string | undefined {
  const { ordersInLab, crossdockHasOrders, crossdockHasStock } = memory
  const remedy = `To begin anew, remove ${dataFolder()}, and empty the database if DATABASE_URL names one.`
  if (crossdockHasOrders && ordersInLab === 0)
    return `Crossdock's database has orders of former runs, and the lab in ${labFolder()} has none: its shop would use their numbers again. ${remedy}`
  if (ordersInLab > 0 && !crossdockHasOrders && !crossdockHasStock)
    return `The lab in ${labFolder()} has ${ordersInLab} orders of former runs, and Crossdock's database knows nothing of them. ${remedy}`
  return undefined
}

function labAddresses({ urls }: LabProcess) {
  const url = (name: string) => {
    const found = urls[name]?.url
    if (found === undefined) throw new AppError("INVARIANT_BROKEN", `the lab has no ${name}`)
    return found
  }
  return {
    shopify: url("shopify"),
    sap: url("sap-s4hana"),
    stripe: url("stripe"),
    warehouse: url("warehouse"),
    tax: url("tax"),
    fraud: url("fraud"),
    smtp: urls["mail"]?.smtpUrl ?? "",
    books: url("books"),
    estate: url("estate"),
  }
}

// A little of everything that goes wrong on an ordinary day; `--calm` leaves it out.
const mildFaults: Record<string, object> = {
  "sap-s4hana": { commitThenReset: 0.05, rate5xx: 0.01, rate429: 0.02 },
  shopify: { duplicateWebhook: 0.05, reorderWebhook: 0.05, dropWebhook: 0.02 },
  stripe: { commitThenReset: 0.01 },
  warehouse: { commitThenReset: 0.02, duplicateWebhook: 0.03 },
}

/** Loads the opening stock, points the vendors' webhooks at us, and lets the shop sell. */
async function trade(
  program: Program,
  lab: LabProcess,
  how: { ordersPerSecond: number; isCalm: boolean; tillsUrl: string },
): Promise<void> {
  const clients = new Map(Object.entries(lab.urls).map(([name, { url }]) => [name, labClient(url)]))
  const put = async (name: string, path: string, body: unknown) => {
    await clients
      .get(name)
      ?.send({ method: "PUT", path, headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
  }
  say("loading the opening stock: the warehouses first, the 20 stores while the shop already sells …")
  const estate = labClient(lab.urls["estate"]?.url ?? "")
  const { seed, locations } = await readLab<{ seed: number; locations: { locationId: string; kind: string }[] }>(
    estate,
    "/__lab/estate/locations",
  )
  const load = async (kind: string) => {
    for (const place of locations.filter((one) => one.kind === kind))
      await loadStock(program, estate, { seed, locationId: place.locationId })
  }
  await load("warehouse")
  for (const name of ["shopify", "warehouse", "fraud", "stripe"])
    await put(name, "/__lab/webhook-target", { url: `${program.gatewayUrl}/hooks/${name}` })
  if (!how.isCalm) for (const [name, faults] of Object.entries(mildFaults)) await put(name, "/__lab/faults", faults)
  await clients.get("shopify")?.send({
    method: "POST",
    path: "/__lab/trading",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ordersPerSecond: how.ordersPerSecond }),
  })
  // Without orders nobody sells in the store, either.
  if (how.ordersPerSecond > 0) await openTills(how.tillsUrl, clients.get("tills"))
  for (const client of clients.values()) client.close()
  load("store")
    .catch((error: unknown) => say(`the stores' opening stock could not be loaded: ${String(error)}`))
    .finally(() => estate.close())
}

/** One store with two tills that sell every few seconds, on the same day as the shop. They know only the agent of their store. */
async function openTills(gatewayUrl: string, tills: HttpClient | undefined): Promise<void> {
  await tills?.send({
    method: "POST",
    path: "/__lab/trading",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ gatewayUrl, path: "/sales", key: "none", storeId: demoDesk, tills: 2, everyMs: 3000 }),
  })
}

function labClient(baseUrl: string): HttpClient {
  return createHttpClient({ baseUrl, timeoutMs: 30_000, allowPrivateNetwork: true })
}

async function readLab<Answer>(client: HttpClient, path: string): Promise<Answer> {
  // The lab is ours: its answers have the shapes of lab/estate.
  return answerJson(await client.send({ method: "GET", path, isRead: true })) as Answer
}

const movementsPerRequest = 1000

/** Loads what lay at one place on the first morning. Done again it changes nothing: each receipt is a fact with a name. */
async function loadStock(
  program: Program,
  estate: HttpClient,
  { seed, locationId }: { seed: number; locationId: string },
): Promise<void> {
  const { stock } = await readLab<{ stock: { sku: string; onHandMilli: number }[] }>(
    estate,
    `/__lab/estate/stock/${locationId}`,
  )
  const movements = stock
    .filter((row) => row.onHandMilli > 0)
    .map(({ sku, onHandMilli }) => ({
      kind: "receipt",
      fact: `demo:${seed}:opening:${sku}:${locationId}`,
      sku,
      locationId,
      milli: onHandMilli,
      occurredAt: "2026-01-01T06:00:00.000Z",
    }))
  const gateway = labClient(program.gatewayUrl)
  try {
    for (let at = 0; at < movements.length; at += movementsPerRequest) {
      const sent = await gateway.send({
        method: "POST",
        path: "/v1/stock-movements",
        headers: { authorization: `Bearer ${program.operatorKey}`, "content-type": "application/json" },
        body: JSON.stringify({ movements: movements.slice(at, at + movementsPerRequest) }),
      })
      if (sent.status >= 300)
        throw new AppError("INVARIANT_BROKEN", `the opening stock was refused: ${sent.text.slice(0, 500)}`)
    }
  } finally {
    gateway.close()
  }
}
