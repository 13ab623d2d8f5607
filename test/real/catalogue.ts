import { randomBytes } from "node:crypto"
import { mkdirSync, rmSync } from "node:fs"
import path from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import postgres from "postgres"
import { startFraud, fraudToken, fraudWebhookSecret } from "../../lab/fraud/fraud.ts"
import { startTax, taxToken } from "../../lab/tax/tax.ts"
import { startWarehouse, warehouseToken, warehouseWebhookSecret } from "../../lab/warehouse/warehouse.ts"
import { CrossdockProcess } from "./crossdock-process.ts"
import { freePort, isSkip } from "./machine/processes.ts"
import { endProcessesOf, scratchFolder } from "./machine/scratch.ts"
import { warehouseId, type RealSystems } from "./real-systems.ts"
import { decimal, openTrytonClient, type TrytonClient } from "./tryton/tryton-client.ts"
import { prepareTryton, type TrytonServer } from "./tryton/tryton.ts"
import { prepareVendure, type VendureServer } from "./vendure/vendure.ts"

// What a real ERP says of products and prices is what a real shop shows: names, prices that the ERP computes by a price list, what it
// takes off sale. Crossdock is killed while they change. In the end the ERP's own answers and the shop's own tables must agree.
const WITHIN_MS = 180_000
const startedMs = performance.now()
const say = (message: string) =>
  console.log(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${message}`)

/** What a system says of an article. */
interface Article {
  name: string
  priceMinor: number
  isSold: boolean
}
type Articles = ReadonlyMap<string, Article>

/** The books as people work with them, by their own protocol. */
class Staff {
  readonly #client: TrytonClient
  readonly #books: TrytonServer
  readonly #templates = new Map<string, number>()

  constructor(client: TrytonClient, books: TrytonServer) {
    this.#client = client
    this.#books = books
  }

  async open(): Promise<number> {
    const { products, companyId } = this.#books.books
    const rows = await this.#client.call<{ id: number; template: number }[]>(
      "model.product.product.read",
      Object.values(products),
      ["template"],
    )
    for (const [code, id] of Object.entries(products))
      this.#templates.set(code, rows.find((row) => row.id === id)?.template ?? 0)
    const lines = [
      // A third has no end, and is rounded as a line of a sale would be.
      { product: products["SKU-003"], formula: "list_price / 3", sequence: 1 },
      { formula: "list_price", sequence: 2 },
    ]
    const list = { name: "Shop", company: companyId, unit: "product_default", lines: [["create", lines]] }
    const [made] = await this.#client.call<number[]>("model.product.price_list.create", [list])
    if (made === undefined) throw new Error("the books made no price list")
    return made
  }

  template(code: string, values: object): Promise<unknown> {
    return this.#client.call("model.product.template.write", [this.#templates.get(code)], values)
  }

  product(code: string, values: object): Promise<unknown> {
    return this.#client.call("model.product.product.write", [this.#books.books.products[code]], values)
  }

  german(code: string, name: string): Promise<unknown> {
    const id = this.#templates.get(code)
    return this.#client.callIn({ language: "de" }, "model.product.template.write", [id], { name })
  }

  /** Every formula but the first one. */
  async formula(list: number, formula: string): Promise<void> {
    const [row] = await this.#client.call<{ lines: number[] }[]>("model.product.price_list.read", [list], ["lines"])
    const last = row?.lines.at(-1)
    const change = { lines: [["write", [last], { formula }]] }
    await this.#client.call("model.product.price_list.write", [list], change)
  }

  /** What the books themselves answer for what the shop sells. */
  async articles(list: number, skus: readonly string[]): Promise<Articles> {
    const ids = skus.map((sku) => this.#books.books.products[sku])
    const rows = await this.#client.callIn<
      { code: string; name: string; active: boolean; sale_price_uom: { decimal: string } }[]
    >({ price_list: list, active_test: false }, "model.product.product.read", ids, [
      "code",
      "name",
      "active",
      "sale_price_uom",
    ])
    return new Map(
      rows.map((row) => [
        row.code,
        { name: row.name, priceMinor: Math.round(Number(row.sale_price_uom.decimal) * 100), isSold: row.active },
      ]),
    )
  }
}

/** What the shop's own tables say. */
async function shopArticles(shop: VendureServer): Promise<Articles> {
  const sql = postgres(shop.databaseUrl, { max: 1, idle_timeout: 5 })
  try {
    const rows = await sql<{ sku: string; name: string; priceMinor: number; isSold: boolean }[]>`
      select v.sku, t.name, x.price as "priceMinor", p.enabled as "isSold"
      from product_variant v join product p on p.id = v."productId"
      join product_translation t on t."baseId" = p.id and t."languageCode" = 'en'
      join product_variant_price x on x."variantId" = v.id and x."currencyCode" = 'USD'
      where v."deletedAt" is null order by v.sku`
    return new Map(rows.map(({ sku, ...rest }) => [sku, rest]))
  } finally {
    await sql.end()
  }
}

function differences(books: Articles, shop: Articles): string[] {
  return [...books].flatMap(([sku, { name, priceMinor, isSold }]) => {
    const shown = shop.get(sku)
    const isSame = shown?.name === name && shown.priceMinor === priceMinor && shown.isSold === isSold
    return isSame ? [] : [`${sku}: books ${name} ${priceMinor} ${isSold}, shop ${JSON.stringify(shown)}`]
  })
}

async function untilSame(what: string, read: () => Promise<string[]>): Promise<void> {
  for (const until = performance.now() + WITHIN_MS; ;) {
    const found = await read()
    if (found.length === 0) return say(`${what}: both say the same`)
    if (performance.now() > until) throw new Error(`${what}: ${found.slice(0, 5).join("; ")}`)
    await sleep(1000)
  }
}

/** What has to be stopped in the end, the last started first. */
const closers: (() => Promise<unknown>)[] = []

async function closeAll(): Promise<void> {
  for (const close of closers.splice(0))
    await close().catch((error: unknown) => say(`while stopping: ${String(error)}`))
}

async function startCrossdock(scratch: string, from: { shop: VendureServer; books: TrytonServer; priceList: number }) {
  const { shop, books, priceList } = from
  const warehouse = await startWarehouse({ seed: 1, locationIds: [warehouseId] })
  const tax = await startTax({ seed: 1 })
  const fraud = await startFraud({ seed: 1 })
  closers.unshift(() => Promise.all([warehouse.stop(), tax.stop(), fraud.stop()]))
  const webhookSecret = `whsec_${randomBytes(24).toString("base64")}`
  const systems: RealSystems = {
    shop: { url: shop.url, user: shop.user, password: shop.password, webhookSecret },
    books: { url: books.url, database: books.database, user: books.user, password: books.password, set: books.books },
    priceList,
    houses: {
      warehouse: { url: warehouse.url, token: warehouseToken, webhookSecret: warehouseWebhookSecret },
      tax: { url: tax.url, token: taxToken, webhookSecret: "" },
      fraud: { url: fraud.url, token: fraudToken, webhookSecret: fraudWebhookSecret },
    },
  }
  const dataFolder = path.join(scratch, "crossdock-catalogue")
  await endProcessesOf(dataFolder)
  rmSync(dataFolder, { recursive: true, force: true })
  mkdirSync(dataFolder, { recursive: true })
  const values = { REAL_SYSTEMS: JSON.stringify(systems) }
  const crossdock = new CrossdockProcess({ dataFolder, scratchDir: scratch, port: await freePort(), values })
  closers.unshift(() => crossdock.stop())
  await crossdock.start()
  return crossdock
}

interface Known {
  sku: string
  earlierSkus: string[]
  values: { field: string; scope: { locale?: string }; value?: unknown }[]
}

/** What no shop shows of it: a German name, GTINs, another code. */
async function checkCatalogue(crossdock: CrossdockProcess): Promise<string[]> {
  const found: string[] = []
  const ask = async (sku: string) => crossdock.api<Known>("GET", `/v1/products/${sku}`).catch(() => undefined)
  const valueOf = (known: Known | undefined, field: string, locale?: string) =>
    known?.values.find((one) => one.field === field && one.scope.locale === locale)?.value
  const two = await ask("SKU-002")
  if (valueOf(two, "title", "de") !== "Grüner Tee") found.push(`title@de: ${JSON.stringify(two)}`)
  const gtins = JSON.stringify(valueOf(two, "gtins"))
  if (gtins !== '[{"gtin":"04006381333931","unit":"ea"}]') found.push(`gtins: ${gtins}`)
  const renamed = await ask("SKU-006-NEW")
  if (!renamed?.earlierSkus.includes("SKU-006")) found.push(`renamed: ${JSON.stringify(renamed?.earlierSkus)}`)
  return found
}

async function runWith(shop: VendureServer, books: TrytonServer, scratch: string): Promise<void> {
  const staff = new Staff(await openTrytonClient(books), books)
  const priceList = await staff.open()
  const crossdock = await startCrossdock(scratch, { shop, books, priceList })
  say("Crossdock is ready")
  const compare = async (skus: readonly string[]) =>
    differences(await staff.articles(priceList, skus), await shopArticles(shop))
  try {
    await untilSame("20 articles as the books had them before Crossdock was there", () => compare(shop.skus))
    await staff.template("SKU-001", { list_price: decimal("12.34") })
    await staff.template("SKU-002", { name: "Green tea" })
    await crossdock.kill()
    say("Crossdock killed with SIGKILL; the books go on")
    await staff.german("SKU-002", "Grüner Tee")
    await staff.product("SKU-002", { identifiers: [["create", [{ type: "ean", code: "4006381333931" }]]] })
    await staff.product("SKU-004", { active: false })
    await staff.template("SKU-005", { list_price: decimal("7.77") })
    await staff.template("SKU-005", { list_price: decimal("10") })
    await crossdock.start()
    await untilSame("a price, a name and what was taken off sale", () => compare(shop.skus))
    await staff.formula(priceList, "list_price * 0.9")
    await staff.product("SKU-004", { active: true })
    await untilSame("a formula of the price list, and what is sold again", () => compare(shop.skus))
    await staff.product("SKU-006", { suffix_code: "SKU-006-NEW" })
    await untilSame("what only Crossdock's catalogue has", () => checkCatalogue(crossdock))
    const open = await crossdock.list<{ cause: string; summary: string }>("/v1/exceptions")
    const others = open.filter(({ cause }) => cause !== "a reader is behind its time")
    if (others.length > 0) throw new Error(`exceptions: ${others.map(({ summary }) => summary).join("; ")}`)
    say("no exception is open")
  } catch (error) {
    console.log(`Crossdock's last words:\n${crossdock.logTail()}`)
    throw error
  }
}

async function main(): Promise<void> {
  const scratch = scratchFolder()
  say(`real systems below ${scratch}; the first time they are installed, which takes a few minutes`)
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => void closeAll().finally(() => process.exit(130)))
  try {
    const vendure = await prepareVendure(scratch)
    if (isSkip(vendure)) return say(`skipped: ${vendure.skipped}`)
    closers.unshift(vendure.close)
    const tryton = await prepareTryton(scratch)
    if (isSkip(tryton)) return say(`skipped: ${tryton.skipped}`)
    closers.unshift(tryton.close)
    const [shop, books] = await Promise.all([vendure.start(), tryton.start()])
    closers.unshift(shop.stop, books.stop)
    say(`Vendure at ${shop.url}, Tryton at ${books.url}`)
    await runWith(shop, books, scratch)
  } finally {
    await closeAll()
  }
}

await main()
