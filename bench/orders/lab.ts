import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { createEstate } from "../../lab/estate/estate.ts"
import { startReady, type Child } from "../child.ts"
import { callGateway, operatorKey, type Stack } from "../stack.ts"

type Simulators = Record<string, { url: string; smtpUrl?: string }>

/** The vendors' simulators in a process of their own: without latency, faults, rate limits and reviews, with plain orders. */
export interface BenchLab extends Child {
  addresses: string
  /** Points the vendors' webhooks at the gateway and puts enough stock everywhere. */
  open(stack: Stack, gatewayUrl: string): Promise<void>
  /** Points the vendors' webhooks at a gateway. */
  pointAt(gatewayUrl: string): Promise<void>
  /** Places orders in the shop, all at once or at a rate; resolves when the last is placed. */
  place(count: number, ratePerSecond?: number): Promise<string[]>
  books(name: string, only: string): Promise<unknown[]>
}

const plenty = 1000
// The shop sells only these, so that booking the opening stock takes seconds.
const skuCount = 200
const estate = createEstate({ seed: 7 })
const stocked = estate.skus.filter((item) => item.kind === "plain").slice(0, skuCount)
const skus = stocked.map((item) => item.sku)
const linesMax = 3
// Orders of one request have the same lines.
const alikeMax = 4

/** One to three random SKUs. */
function basket(): string[] {
  const count = 1 + Math.floor(Math.random() * linesMax)
  return Array.from({ length: count }, () => skus[Math.floor(Math.random() * skus.length)] ?? "")
}
const movementsPerRequest = 1000
const noWait = { min: 0, max: 0 }
const overrides = {
  shopify: { oddShare: 0, costBucket: { maximum: 1_000_000_000, restorePerSecond: 1_000_000_000 } },
  fraud: { shares: { review: 0, reject: 0, lateReview: 0, rejectAfterReview: 0 } },
  warehouse: {
    habits: {
      shipAfterMs: noWait,
      deliverAfterMs: noWait,
      tellsTheWay: false,
      mishapShare: 0,
      splitShare: 0,
      shortShare: 0,
    },
  },
}

export async function startBenchLab(stack: Stack): Promise<BenchLab> {
  const configFile = join(stack.folder, "lab.json")
  writeFileSync(configFile, JSON.stringify(overrides))
  const child = await startReady<{ simulators: Simulators }>("lab", [
    "lab/main.ts",
    "--seed",
    "7",
    "--config",
    configFile,
  ])
  const simulators = child.ready.simulators
  const url = (name: string) => simulators[name]?.url ?? ""
  const pointAt = async (gatewayUrl: string) => {
    for (const name of ["shopify", "warehouse", "fraud", "stripe"])
      await ask("PUT", `${url(name)}/__lab/webhook-target`, { url: `${gatewayUrl}/hooks/${name}` })
  }
  return {
    ...child,
    addresses: JSON.stringify({
      shopify: url("shopify"),
      sap: url("sap-s4hana"),
      stripe: url("stripe"),
      warehouse: url("warehouse"),
      tax: url("tax"),
      fraud: url("fraud"),
      smtp: simulators["mail"]?.smtpUrl ?? "",
      estate: url("estate"),
      books: url("books"),
    }),
    open: async (at, gatewayUrl) => {
      await fillStock(at, gatewayUrl)
      await pointAt(gatewayUrl)
    },
    pointAt,
    place: async (count, ratePerSecond) => {
      const names: string[] = []
      while (names.length < count) {
        const wish = { count: Math.min(alikeMax, count - names.length), odd: false, skus: basket() }
        const paced = ratePerSecond === undefined ? wish : { ...wish, ratePerSecond }
        const placed = (await ask("POST", `${url("shopify")}/__lab/orders`, paced)) as { orders: { name: string }[] }
        names.push(...placed.orders.map((order) => order.name))
        // The shop pauses between the orders of one request, not after the last.
        if (ratePerSecond !== undefined) await sleep(1000 / ratePerSecond)
      }
      return names
    },
    books: async (name, only) => {
      const books = (await ask("GET", `${url(name)}/__lab/books?only=${only}`)) as Record<string, unknown[]>
      return books[only] ?? []
    },
  }
}

async function fillStock(stack: Stack, gatewayUrl: string): Promise<void> {
  const isSold = new Set(skus)
  const movements = estate.stock
    .filter((row) => row.onHandMilli > 0 && isSold.has(row.sku))
    .map(({ sku, locationId, onHandMilli }) => ({
      kind: "receipt",
      fact: `bench:opening:${sku}:${locationId}`,
      sku,
      locationId,
      milli: onHandMilli * plenty,
    }))
  for (let at = 0; at < movements.length; at += movementsPerRequest) {
    const body = { movements: movements.slice(at, at + movementsPerRequest) }
    await callGateway(gatewayUrl, operatorKey(stack), { method: "POST", path: "/v1/stock-movements", body })
  }
}

async function ask(method: string, address: string, body?: unknown): Promise<unknown> {
  const answer = await fetch(address, {
    method,
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(600_000),
  })
  if (answer.status >= 300)
    throw new Error(`${method} ${address} answered ${answer.status}: ${(await answer.text()).slice(0, 300)}`)
  return answer.json()
}
