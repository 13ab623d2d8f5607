import { randomStream } from "../../lab/random.ts"
import { orderIdOf } from "../../src/base/ids.ts"
import { dayAfter } from "../../src/base/time.ts"
import { startLine, type Line } from "../../test/fixtures/sales/line.ts"
import type { Books } from "../books/books.ts"
import type { StoresBook } from "../books/stores-book.ts"
import { minorOf } from "../checks/view.ts"
import type { ChaosSettings } from "../settings.ts"
import type { Stage } from "../stage.ts"
import type { OpeningGoods } from "../stream/floor.ts"
import type { OrderKind } from "../stream/kind.ts"
import { plain } from "../stream/kinds.ts"
import { hasLeft, People, type Placed } from "../stream/people.ts"
import { finishStore } from "./finish.ts"
import { readStores } from "./read-stores.ts"
import { ChaosStore } from "./store.ts"
import { storeArticles, type WebUnit } from "./till.ts"

const dayCount = 2
const openingMilli = 100_000_000
/** Between two receipts of all stores together. */
const pauseMs = 45
const webUnitsMost = 12

interface Place {
  locationId: string
  kind: string
  timeZone: string
}

/** The stores of a run: they trade while the web shop does, and tie out afterwards. */
export class Stores {
  /** Units of web orders that came back to tills, as a book of its own. */
  readonly moved: Books["moved"][number][] = []
  readonly #stage: Stage
  readonly #settings: ChaosSettings
  readonly #people: People
  readonly #placed: Placed[] = []
  readonly #webOrders: StoresBook["webOrders"][number][] = []
  readonly #lines: Line[] = []
  #stores: ChaosStore[] = []
  #days: string[] = []
  #windowMs = 0
  #places: Place[] = []
  #keys: string[] = []

  /** Articles that lie on shelves: a kit has none. */
  readonly #shelved: ReadonlySet<string>

  constructor(stage: Stage, settings: ChaosSettings, goods: OpeningGoods) {
    this.#stage = stage
    this.#settings = settings
    this.#shelved = new Set(goods.stock.map(({ sku }) => sku))
    this.#people = new People(stage)
  }

  /** An order was placed in the web shop; a usual one may come back to a till. */
  heard(order: Placed, kind: OrderKind): void {
    if (kind === plain) this.#placed.push(order)
  }

  /** Gives each store its goods, its key, its line and, every other one, its agent. */
  async start(): Promise<void> {
    const { locations } = (await this.#stage.lab("estate", "estate/locations")) as { locations: Place[] }
    this.#places = locations.filter(({ kind }) => kind === "store").slice(0, this.#settings.stores)
    const today = new Date().toISOString().slice(0, 10)
    // Both are over: the clock closes them, too.
    this.#days = Array.from({ length: dayCount }, (_, n) => dayAfter(today, n - dayCount))
    const movements = this.#places.flatMap(({ locationId }) =>
      storeArticles.map(({ sku }) => {
        const fact = `chaos:opening:${sku}:${locationId}`
        return { kind: "receipt", fact, sku, locationId, milli: openingMilli, occurredAt: "2026-01-01T06:00:00.000Z" }
      }),
    )
    if (movements.length > 0) await this.#stage.api("/v1/stock-movements", { method: "POST", body: { movements } })
    for (const { locationId } of this.#places) this.#keys.push(await this.#keyOf(locationId))
  }

  /** Opens the stores for so long. */
  async trade(windowMs: number, onProgress: (text: string) => void): Promise<void> {
    if (this.#places.length === 0) return
    this.#windowMs = windowMs
    for (const [n, place] of this.#places.entries()) this.#stores.push(await this.#open(place, n))
    onProgress(`${this.#stores.length} stores are open`)
    await Promise.all(this.#stores.map((store) => store.trade()))
    onProgress("the stores are shut")
  }

  /** After the faults: what tills and agents still have is sent, gaps are filled, days are closed and corrected. */
  async finish(onProgress: (text: string) => void): Promise<void> {
    if (this.#stores.length === 0) return
    onProgress("tills send what they have, and the days of the stores are closed")
    await Promise.all(this.#stores.map((store) => finishStore(this.#stage, store, this.#days)))
    onProgress("the stores' days are closed and corrected")
  }

  async read(): Promise<StoresBook> {
    const book = await readStores(this.#stage, { stores: this.#stores, days: this.#days, openingMilli })
    for (const line of this.#lines) await line.close()
    return { ...book, webOrders: this.#webOrders }
  }

  async #open({ locationId: storeId, timeZone }: Place, n: number): Promise<ChaosStore> {
    const key = this.#keys[n] ?? ""
    const line = await startLine(this.#stage.gatewayUrls[n % this.#stage.gatewayUrls.length] ?? "")
    this.#lines.push(line)
    const hasAgent = n % 2 === 0
    const agent = hasAgent ? await this.#stage.startAgent({ storeId, timeZone, key, centreUrl: line.url }) : undefined
    return new ChaosStore({
      storeId,
      random: randomStream(this.#settings.seed, `chaos/stores/${storeId}`),
      line,
      agent,
      key,
      days: this.#days,
      windowMs: this.#windowMs,
      pauseMs: pauseMs * this.#places.length,
      ask: (method, path, body) =>
        this.#stage.tryApi(path, { method, ...(body === undefined ? {} : { body }) }).catch(() => undefined),
      webUnit: () => this.#webUnit(storeId),
    })
  }

  /** A unit of a web order that has left, which nobody gave money back for. Each order gives one. */
  async #webUnit(storeId: string): Promise<WebUnit | undefined> {
    const order = this.#webOrders.length < webUnitsMost ? this.#placed.shift() : undefined
    const seen = order && (await this.#people.look(order).catch(() => undefined))
    if (!order || !seen) return undefined
    const line = seen.line_items.find(({ sku, fulfilled_quantity }) => fulfilled_quantity > 0 && this.#shelved.has(sku))
    const { amount, currency_code: currency } = seen.current_total_price_set.shop_money
    const takenMinor = minorOf(amount) ?? 0
    if (!line || !hasLeft(seen) || currency !== "EUR" || seen.cancelled_at !== null || takenMinor < 100) {
      // It may leave later.
      if (seen.cancelled_at === null) this.#placed.push(order)
      return undefined
    }
    const orderId = orderIdOf("shopify", String(order.id))
    this.#webOrders.push({ orderId, takenMinor, currency })
    this.moved.push({ sku: line.sku, locationId: `${storeId}/in-inspection`, milli: 1000 })
    return { orderId, sku: line.sku, paidMinor: 100 }
  }

  async #keyOf(storeId: string): Promise<string> {
    const path = `/v1/consumers/chaos-${storeId}`
    const scopes = ["sales:write", "sales:read", "stores:read"]
    const body = {
      name: `Tills of ${storeId}`,
      owner: "stores",
      scopes,
      stores: [storeId],
      ratePerSecond: 200,
      burst: 400,
    }
    await this.#stage.api(path, { method: "PUT", body })
    const made = await this.#stage.api(`${path}/keys`, { method: "POST", body: {} })
    return (made as { key: string }).key
  }
}
