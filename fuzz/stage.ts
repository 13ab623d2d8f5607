import { startLab, type Lab } from "../lab/start.ts"
import { demoEstate } from "../demo/estate.ts"
import { createLog } from "../src/base/log.ts"
import { openSql, type Sql } from "../src/base/sql.ts"
import { startCrossdock, type Crossdock } from "../src/wiring.ts"
import { Caller, type Answer } from "./call.ts"

/** A Crossdock over a lab, which has traded a little, so that there is something to ask for and to break. */
export interface Stage {
  lab: Lab
  crossdock: Crossdock
  sql: Sql
  caller: Caller
  /** Keys of the API: one that may do everything, one of another channel. */
  keys: { all: string; limited: string }
  /** An order of the shop, all of whose deliveries were taken. */
  orderId: string
  skus: string[]
  locationId: string
  /** Buys orders in the shop; their ids in Crossdock. */
  buy(count: number): Promise<void>
  /** Calls the API with every right; throws unless it succeeds. */
  api(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>
  stop(): Promise<void>
}

const tradeMaxMs = 60_000

/** Starts everything on a migrated, empty database and waits until the first orders have left. */
export async function startStage({ databaseUrl, seed }: { databaseUrl: string; seed: number }): Promise<Stage> {
  const lab = await startQuietLab(seed)
  const crossdock = await startOver(lab, databaseUrl)
  const caller = new Caller(crossdock.gatewayUrl ?? "")
  const sql = openSql(databaseUrl, { connectionsMax: 2, name: "fuzz" })
  const keys = { all: await keyOf(crossdock, "fuzz"), limited: await keyOf(crossdock, "fuzz-limited", ["till"]) }
  const rows = lab.estate.stock.filter(({ onHandMilli, unit }) => onHandMilli > 50_000 && unit === "ea")
  const stage: Stage = {
    lab,
    crossdock,
    sql,
    caller,
    keys,
    orderId: "",
    skus: [...new Set(rows.map(({ sku }) => sku))].slice(0, 5),
    locationId: lab.estate.locations[0]?.locationId ?? "",
    buy: (count) => buyInShop(lab, count),
    api: async (method, path, body) => {
      const answer = await callApi(caller, keys.all, { method, path, body })
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`)
      return JSON.parse(answer.text) as Record<string, unknown>
    },
    stop: async () => {
      caller.close()
      await crossdock.stop()
      await Promise.all([lab.stop(), sql.end({ timeout: 2 })])
    },
  }
  await openStock(stage)
  await stage.buy(6)
  await shippedOrders(stage, 6)
  const { items } = (await stage.api("GET", "/v1/orders?limit=1")) as { items: { id: string }[] }
  return { ...stage, orderId: items[0]?.id ?? "" }
}

/** A lab in which nothing is refused, short or slow. */
function startQuietLab(seed: number): Promise<Lab> {
  return startLab({
    seed,
    skuCount: 40,
    shopify: { oddShare: 0, authorisedShare: 1 },
    warehouse: { habits: { shipAfterMs: { min: 20, max: 60 }, deliverAfterMs: null, splitShare: 0, shortShare: 0 } },
    fraud: { shares: { review: 0, reject: 0, lateReview: 0 }, reviewMs: null },
    stripe: { searchLagMs: 0 },
  })
}

async function startOver(lab: Lab, databaseUrl: string): Promise<Crossdock> {
  const { shopify, sap, stripe, warehouse, tax, fraud, mail, estate } = lab
  const addresses = {
    shopify: shopify.url,
    sap: sap.url,
    stripe: stripe.url,
    warehouse: warehouse.url,
    tax: tax.url,
    fraud: fraud.url,
    smtp: mail.smtpUrl,
  }
  const crossdock = await startCrossdock({
    estate: demoEstate(addresses, estate.locations),
    databaseUrl,
    log: createLog("fuzz", "silent"),
    roles: ["gateway", "worker"],
    host: "127.0.0.1",
    port: 0,
  })
  for (const simulator of [shopify, warehouse, fraud, stripe])
    simulator.setWebhookTarget(`${crossdock.gatewayUrl ?? ""}/hooks/${simulator.name}`)
  return crossdock
}

async function openStock({ lab, api }: Stage): Promise<void> {
  const rows = lab.estate.stock.filter(({ onHandMilli }) => onHandMilli > 0)
  const movements = rows.map(({ sku, locationId, onHandMilli }) => ({
    kind: "receipt",
    fact: `opening:${sku}:${locationId}`,
    sku,
    locationId,
    milli: onHandMilli,
  }))
  for (let from = 0; from < movements.length; from += 500)
    await api("POST", "/v1/stock-movements", { movements: movements.slice(from, from + 500) })
}

async function buyInShop({ shopify }: Lab, count: number): Promise<void> {
  const answer = await fetch(`${shopify.url}/__lab/orders`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ count, odd: [] }),
  })
  if (!answer.ok) throw new Error(`the shop sold nothing: ${answer.status} ${await answer.text()}`)
}

/** Waits until so many orders have shipped; the time it took, or undefined when it took too long. */
export async function shippedOrders({ sql }: Pick<Stage, "sql">, count: number): Promise<number | undefined> {
  const startedAt = Date.now()
  while (Date.now() - startedAt < tradeMaxMs) {
    const [row] = await sql<{ count: number }[]>`
      select count(*) as count from objects where kind = 'order' and state in ('shipped', 'closed')`
    if ((row?.count ?? 0) >= count) return Date.now() - startedAt
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return undefined
}

/** One call with a key and a JSON body. */
function callApi(
  caller: Caller,
  key: string,
  { method, path, body }: { method: string; path: string; body?: unknown },
): Promise<Answer> {
  return caller.send({
    method,
    path,
    headers: { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { "content-type": "application/json" }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
}

async function keyOf({ consumers, access }: Crossdock, id: string, channels?: string[]): Promise<string> {
  await consumers.put({
    id,
    name: id,
    owner: "fuzz",
    scopes: ["*"],
    ...(channels ? { channels } : {}),
    ratePerSecond: 1_000_000,
    burst: 1_000_000,
    apiVersion: "2026-11-01",
  })
  const { key } = await consumers.addKey(id)
  await access.refresh()
  return key
}
