import { randomBytes } from "node:crypto"
import { mkdirSync, rmSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { startFraud, fraudToken, fraudWebhookSecret } from "../../lab/fraud/fraud.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { startTax, taxToken } from "../../lab/tax/tax.ts"
import { startWarehouse, warehouseToken, warehouseWebhookSecret } from "../../lab/warehouse/warehouse.ts"
import { orderFields } from "../../src/connectors/vendure/payloads.ts"
import { CrossdockProcess } from "./crossdock-process.ts"
import { freePort, isSkip } from "./machine/processes.ts"
import type { RealSystems } from "./real-systems.ts"
import { warehouseId } from "./real-systems.ts"
import { endProcessesOf, scratchFolder } from "./machine/scratch.ts"
import { ShopBuyer, type Bought, type Purchase } from "./vendure/shop-buyer.ts"
import { tieOut, type Placed } from "./tie-out.ts"
import { prepareTryton, type TrytonServer } from "./tryton/tryton.ts"
import { prepareVendure, type VendureServer } from "./vendure/vendure.ts"

// A real shop and a real ERP with Crossdock between them: 60 buyers at once for 20 pieces, 100 plain orders beside them,
// Crossdock killed half-way; then the books of both systems must agree to the cent.
const HOT_SKU = "SKU-000"
const HOT_PIECES = 20
const HOT_ORDERS = Number(process.env["CROSSDOCK_REAL_HOT"] ?? 60)
const PLAIN_ORDERS = Number(process.env["CROSSDOCK_REAL_PLAIN"] ?? 100)
const PLAIN_BUYERS = 6
const PLAIN_PIECES = 10_000
// The ERP's own work is what takes time: two minutes on two idle cores, much longer beside other work.
const STUCK_AFTER_MS = 120_000
const GIVE_UP_AFTER_MS = 1_200_000
const DOWN_MS = 3_000

type Houses = Record<"warehouse" | "tax" | "fraud", Simulator>

const startedMs = performance.now()

function say(message: string): void {
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${message}`)
}

async function startHouses(gatewayUrl: string): Promise<Houses> {
  const hook = (name: string): string => `${gatewayUrl}/hooks/${name}`
  const warehouse = await startWarehouse({
    seed: 1,
    locationIds: [warehouseId],
    webhookTarget: hook("warehouse"),
    // One parcel an order: what a sale in the books that is split over parcels needs is a test of its own.
    habits: { splitShare: 0, shortShare: 0, deliverAfterMs: null },
  })
  const tax = await startTax({ seed: 1 })
  const shares = { review: 0, reject: 0, lateReview: 0 }
  const fraud = await startFraud({ seed: 1, webhookTarget: hook("fraud"), shares })
  return { warehouse, tax, fraud }
}

function systemsOf(shop: VendureServer, secret: string, from: { books: TrytonServer; houses: Houses }): RealSystems {
  const { books, houses } = from
  return {
    shop: { url: shop.url, user: shop.user, password: shop.password, webhookSecret: secret },
    books: {
      url: books.url,
      database: books.database,
      user: books.user,
      password: books.password,
      set: books.books,
    },
    houses: {
      warehouse: { url: houses.warehouse.url, token: warehouseToken, webhookSecret: warehouseWebhookSecret },
      tax: { url: houses.tax.url, token: taxToken, webhookSecret: "" },
      fraud: { url: houses.fraud.url, token: fraudToken, webhookSecret: fraudWebhookSecret },
    },
  }
}

async function stockShelves(crossdock: CrossdockProcess, skus: readonly string[]): Promise<void> {
  const occurredAt = new Date(Date.now() - 3_600_000).toISOString()
  const movements = skus.map((sku) => ({
    kind: "receipt",
    fact: `opening:${sku}`,
    sku,
    locationId: warehouseId,
    milli: (sku === HOT_SKU ? HOT_PIECES : PLAIN_PIECES) * 1000,
    occurredAt,
  }))
  await crossdock.api("POST", "/v1/stock-movements", { movements })
}

/** Plain baskets differ in size and price, and some hold two articles. */
function plainPurchase(number: number, skus: readonly string[]): Purchase {
  const others = skus.filter((sku) => sku !== HOT_SKU)
  const pick = (offset: number): string => others[(number * 7 + offset) % others.length] ?? HOT_SKU
  const first = { sku: pick(0), quantity: 1 + (number % 4) }
  const second = { sku: pick(3), quantity: 1 + (number % 2) }
  return { basket: number % 3 === 0 ? [first, second] : [first], emailAddress: `plain-${number}@example.com` }
}

/** Places everything; `onPlaced` hears how many there are. A shop that refuses is asked again by another buyer. */
async function placeAll(shop: VendureServer, onPlaced: (count: number) => void): Promise<Placed[]> {
  const buyer = new ShopBuyer(shop)
  const placed: Placed[] = []
  const buy = async (kind: Placed["kind"], purchase: Purchase): Promise<void> => {
    const bought: Bought = await buyer.buy(purchase)
    if (bought.outcome === "refused")
      throw new Error(`the shop refused ${kind} order at ${bought.at}: ${bought.reason}`)
    placed.push({
      kind,
      id: bought.id,
      code: bought.code,
      chargedMinor: bought.totalWithTaxMinor,
      netMinor: bought.totalMinor,
    })
    onPlaced(placed.length)
  }
  const hot = Array.from({ length: HOT_ORDERS }, (_, number) =>
    buy("hot", { basket: [{ sku: HOT_SKU, quantity: 1 }], emailAddress: `hot-${number}@example.com` }),
  )
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < PLAIN_ORDERS) await buy("plain", plainPurchase(next++, shop.skus))
  }
  await Promise.all([...hot, ...Array.from({ length: PLAIN_BUYERS }, lane)])
  return placed
}

async function killHalfWay(crossdock: CrossdockProcess, countPlaced: () => number): Promise<void> {
  while (countPlaced() < (HOT_ORDERS + PLAIN_ORDERS) / 2) await sleep(50)
  await crossdock.kill()
  say(`Crossdock killed with SIGKILL after ${countPlaced()} orders were placed`)
  await sleep(DOWN_MS)
  const tookMs = await crossdock.start()
  say(`Crossdock is back after ${((DOWN_MS + tookMs) / 1000).toFixed(1)} s; ${countPlaced()} orders are placed by now`)
}

const FINAL = new Set(["closed", "cancelled", "refused"])

/** Waits until every placed order has ended in Crossdock, as long as anything moves; answers how many have. */
async function untilQuiet(crossdock: CrossdockProcess, wanted: number): Promise<number> {
  const startedMs = performance.now()
  let last = { text: "", atMs: startedMs }
  for (;;) {
    if (interrupted) throw new Error("told to stop")
    const orders = await crossdock.list<{ state: string }>("/v1/orders").catch(() => [])
    const byState = Object.entries(Object.groupBy(orders, ({ state }) => state))
    const text = byState.map(([state, own]) => `${own?.length ?? 0} ${state}`).join(", ")
    if (text !== last.text) {
      say(text)
      last = { text, atMs: performance.now() }
    }
    const ended = orders.filter(({ state }) => FINAL.has(state)).length
    const nowMs = performance.now()
    const isOver = nowMs - last.atMs > STUCK_AFTER_MS || nowMs - startedMs > GIVE_UP_AFTER_MS
    if (ended >= wanted || isOver) return ended
    await sleep(3_000)
  }
}

async function trade(shop: VendureServer, crossdock: CrossdockProcess): Promise<Placed[]> {
  let count = 0
  const placing = placeAll(shop, (now) => (count = now)).then((placed) => {
    say(`${placed.length} orders placed through the shop's own API`)
    return placed
  })
  const [placed] = await Promise.all([placing, killHalfWay(crossdock, () => count)])
  return placed
}

async function runWith(shop: VendureServer, books: TrytonServer, crossdock: CrossdockProcess): Promise<boolean> {
  say(`Crossdock is ready after ${((await crossdock.start()) / 1000).toFixed(1)} s`)
  await stockShelves(crossdock, shop.skus)
  const placed = await trade(shop, crossdock)
  const ended = await untilQuiet(crossdock, placed.length)
  say(`${ended} of ${placed.length} orders have ended`)
  return tieOut({
    placed,
    shop,
    books,
    crossdock,
    hot: { sku: HOT_SKU, pieces: HOT_PIECES },
    plainPieces: PLAIN_PIECES,
  })
}

/** What has to be stopped in the end, the last started first. */
const closers: (() => Promise<unknown>)[] = []

/** Set once somebody told this run to stop; whatever fails from then on fails because of it. */
let interrupted: Promise<void> | undefined

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0))
    await close().catch((error: unknown) => say(`while stopping: ${String(error)}`))
}

async function main(): Promise<number> {
  const scratch = scratchFolder()
  say(`real systems below ${scratch}; the first time they are installed, which takes a few minutes`)
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (interrupted ??= closeAll()))
  try {
    const vendure = await prepareVendure(scratch)
    if (isSkip(vendure)) return skip(vendure.skipped)
    closers.unshift(vendure.close)
    const tryton = await prepareTryton(scratch)
    if (isSkip(tryton)) return skip(tryton.skipped)
    closers.unshift(tryton.close)
    const port = await freePort()
    const gatewayUrl = `http://127.0.0.1:${port}`
    const houses = await startHouses(gatewayUrl)
    closers.unshift(() => Promise.all(Object.values(houses).map((house) => house.stop())))
    const secret = `whsec_${randomBytes(24).toString("base64")}`
    const webhook = { url: `${gatewayUrl}/hooks/shop`, secret, fields: orderFields }
    const [shop, books] = await Promise.all([vendure.start({ webhook }), tryton.start()])
    closers.unshift(shop.stop, books.stop)
    say(`Vendure at ${shop.url}, Tryton at ${books.url}`)
    const dataFolder = path.join(scratch, "crossdock")
    await endProcessesOf(dataFolder)
    rmSync(dataFolder, { recursive: true, force: true })
    mkdirSync(dataFolder, { recursive: true })
    const values = { REAL_SYSTEMS: JSON.stringify(systemsOf(shop, secret, { books, houses })) }
    const crossdock = new CrossdockProcess({ dataFolder, scratchDir: scratch, port, values })
    closers.unshift(() => crossdock.stop())
    const isFine = await runWith(shop, books, crossdock)
    if (!isFine) console.log(`Crossdock's last words:\n${crossdock.logTail()}`)
    return isFine ? 0 : 1
  } finally {
    await closeAll()
  }
}

function skip(why: string): number {
  console.log(`skipped: ${why}`)
  return 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!interrupted) throw error
  await interrupted
  process.exitCode = 130
}
