import { spawn, type ChildProcess } from "node:child_process"
import { fileURLToPath } from "node:url"
import { parseArgs } from "node:util"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { childEnvironment, dataFolder, setDeploymentValue } from "../base/config.ts"
import { AppError } from "../base/errors.ts"
import { createHttpClient, answerJson, type HttpClient } from "../base/http.ts"
import { createLog } from "../base/log.ts"
import { loadEstate, startProgram, type Program } from "../main.ts"
import { runLiveView } from "./live-view.ts"
import { say, untilToldToStop } from "./start.ts"

const labProgram = fileURLToPath(new URL("../../lab/main.ts", import.meta.url))

/** Addresses of the lab, as it prints them when it is ready. */
interface Lab {
  child: ChildProcess
  urls: Record<string, { url: string; smtpUrl?: string }>
}

/** `crossdock demo`: a lab of vendor simulators, Crossdock between them, and orders coming in. */
export async function runDemo(args: string[]): Promise<number> {
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
  const lab = await startLab(values.seed)
  try {
    const addresses = JSON.stringify(labAddresses(lab))
    setDeploymentValue("LAB_ADDRESSES", addresses)
    const program = await startProgram({
      estate: await loadEstate(),
      onProgress: say,
      log: createLog("crossdock", "error"),
    })
    for (const note of program.notes) say(note)
    await trade(program, lab, { ordersPerSecond, isCalm: values.calm })
    writeFileSync(join(dataFolder(), "lab.json"), addresses)
    const view = runLiveView({ isTerminal: process.stdout.isTTY, gatewayUrl: program.gatewayUrl })
    await untilToldToStop()
    view.stop()
    say("stopping …")
    await program.stop()
    return 0
  } finally {
    lab.child.kill("SIGTERM")
  }
}

async function startLab(seed: string): Promise<Lab> {
  const child = spawn(process.execPath, [labProgram, "--seed", seed, "--die-with-parent"], {
    stdio: ["pipe", "pipe", "inherit"],
    env: childEnvironment(),
  })
  const line = await new Promise<string>((resolve, reject) => {
    let text = ""
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString("utf8")
      if (text.includes("\n")) resolve(text.slice(0, text.indexOf("\n")))
    })
    child.once("error", reject)
    child.once("exit", (code) => reject(new AppError("INVARIANT_BROKEN", `the lab ended with code ${code ?? "none"}`)))
  })
  return { child, urls: (JSON.parse(line) as { simulators: Lab["urls"] }).simulators }
}

function labAddresses({ urls }: Lab) {
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
async function trade(program: Program, lab: Lab, how: { ordersPerSecond: number; isCalm: boolean }): Promise<void> {
  const clients = new Map(Object.entries(lab.urls).map(([name, { url }]) => [name, labClient(url)]))
  const put = async (name: string, path: string, body: unknown) => {
    await clients
      .get(name)
      ?.send({ method: "PUT", path, headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
  }
  say("loading the opening stock: the warehouses first, the 20 stores while the shop already sells …")
  const stock = await openingStock(clients.get("estate"))
  const isInWarehouse = (movement: OpeningMovement) => movement.locationId.startsWith("wh-")
  await loadStock(program, stock.filter(isInWarehouse))
  for (const name of ["shopify", "warehouse", "fraud", "stripe"])
    await put(name, "/__lab/webhook-target", { url: `${program.gatewayUrl}/hooks/${name}` })
  if (!how.isCalm) for (const [name, faults] of Object.entries(mildFaults)) await put(name, "/__lab/faults", faults)
  await clients.get("shopify")?.send({
    method: "POST",
    path: "/__lab/trading",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ordersPerSecond: how.ordersPerSecond }),
  })
  for (const client of clients.values()) client.close()
  loadStock(
    program,
    stock.filter((movement) => !isInWarehouse(movement)),
  ).catch((error: unknown) => say(`the stores' opening stock could not be loaded: ${String(error)}`))
}

function labClient(baseUrl: string): HttpClient {
  return createHttpClient({ baseUrl, timeoutMs: 30_000, allowPrivateNetwork: true })
}

const movementsPerRequest = 1000

interface OpeningMovement {
  kind: "receipt"
  fact: string
  sku: string
  locationId: string
  milli: number
  occurredAt: string
}

async function openingStock(estate: HttpClient | undefined): Promise<OpeningMovement[]> {
  if (!estate) return []
  const answer = answerJson(await estate.send({ method: "GET", path: "/__lab/estate" }))
  const { stock, seed } = answer as { seed: number; stock: { sku: string; locationId: string; onHandMilli: number }[] }
  const occurredAt = "2026-01-01T06:00:00.000Z"
  return stock
    .filter((row) => row.onHandMilli > 0)
    .map(({ sku, locationId, onHandMilli }) => ({
      kind: "receipt" as const,
      fact: `demo:${seed}:opening:${sku}:${locationId}`,
      sku,
      locationId,
      milli: onHandMilli,
      occurredAt,
    }))
}

async function loadStock(program: Program, movements: readonly OpeningMovement[]): Promise<void> {
  const gateway = labClient(program.gatewayUrl)
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
  gateway.close()
}
