import { setTimeout as sleep } from "node:timers/promises"
import { randomStream, type Random } from "../../lab/random.ts"
import type { Books } from "../books/books.ts"
import type { Stage } from "../stage.ts"

/** A SKU at a place of which there is plenty. */
interface Shelf {
  sku: string
  locationId: string
}

/** What there is to begin with: stock by place, and the SKUs of everything that is sold. */
export interface OpeningGoods {
  stock: readonly (Books["openingStock"][number] & { unit: string })[]
  skus: readonly string[]
}

/** Few articles, so that each is moved often, and they are those that sell. */
const skusMoved = 30
const plentyMilli = 40_000
const neverEmptyMilli = 1_000_000_000
const pauseMsMax = 600
const arrivesAfterMsMax = 4000
/** The third edit of an article within an hour is no accident: it is held, and nobody here publishes it again. */
const editsMost = 2

/**
 * People on the floors of the warehouses and at the shop's desk, while the shop sells: goods come in, are found and missing, break, go
 * from place to place; and somebody types a stock level into the shop's admin.
 */
export class FloorPeople {
  /** What they did, as a book of its own. */
  readonly moved: Books["moved"][number][] = []
  readonly transfers: Books["transfers"][number][] = []
  edits = 0
  readonly #stage: Stage
  readonly #random: Random
  readonly #shelves: Shelf[]
  readonly #opening: readonly (Shelf & { onHandMilli: number; unit: string })[]
  readonly #shown: string
  readonly #stop = new AbortController()
  readonly #editsOf = new Map<string, number>()
  readonly #arrivals: Promise<void>[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(stage: Stage, seed: number, { stock, skus: all }: OpeningGoods) {
    this.#stage = stage
    this.#random = randomStream(seed, "chaos/floor")
    const stocked = new Set(stock.map(({ sku }) => sku))
    const places = [...new Set(stock.map(({ locationId }) => locationId))]
    const kits = all.filter((sku) => !stocked.has(sku))
    this.#opening = [
      ...stock,
      ...places.flatMap((locationId) =>
        kits.map((sku) => ({ sku, locationId, onHandMilli: neverEmptyMilli, unit: "ea" })),
      ),
    ]
    const many = stock.filter(({ unit, onHandMilli }) => unit === "ea" && onHandMilli >= plentyMilli)
    const skus = [...new Set(many.map(({ sku }) => sku))].slice(0, skusMoved)
    this.#shelves = many.filter(({ sku }) => skus.includes(sku))
    this.#shown = stock[0]?.locationId ?? ""
  }

  /**
   * The warehouse keeps a number for every shelf of a place as soon as it has one: what stands there, because a gap in its movements has
   * it read. A kit has no shelf of its own, and there is always one to be packed.
   */
  async start(): Promise<void> {
    await this.#stage.lab("warehouse", "stock", { method: "PUT", body: { rows: this.#opening } })
    this.#running = this.#work()
    // Awaited in `stop`; until then a failure must not end the process and leave everything running.
    this.#running.catch(() => undefined)
  }

  /** Ends when everything that left has arrived. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
    await Promise.all(this.#arrivals)
  }

  async #work(): Promise<void> {
    while (!this.#stop.signal.aborted && this.#shelves.length > 0) {
      const shelf = this.#random.pick(this.#shelves)
      const pieces = this.#random.integer(1, 4)
      const kinds = ["receive", "find", "miss", "break", "transfer", "transfer", "edit"] as const
      const kind = this.#random.pick(kinds)
      if (kind === "receive") await this.#move("received", shelf, pieces)
      if (kind === "find") await this.#move("adjusted", shelf, 1)
      if (kind === "miss") await this.#move("adjusted", shelf, -1)
      if (kind === "break") await this.#break(shelf)
      if (kind === "transfer") await this.#transfer(shelf, pieces)
      if (kind === "edit") await this.#edit(shelf.sku)
      await sleep(this.#random.integer(50, pauseMsMax), undefined, { signal: this.#stop.signal }).catch(() => undefined)
    }
  }

  async #move(movement: "received" | "adjusted", { sku, locationId }: Shelf, pieces: number): Promise<void> {
    await this.#tell({ movement, locationId, lines: [lineOf(sku, pieces)] })
    this.moved.push({ sku, locationId, milli: pieces * 1000 })
  }

  async #break({ sku, locationId }: Shelf): Promise<void> {
    await this.#tell({ movement: "state-changed", locationId, toState: "damaged", lines: [lineOf(sku, 1)] })
    this.moved.push({ sku, locationId, milli: -1000 }, { sku, locationId: `${locationId}/damaged`, milli: 1000 })
  }

  async #transfer({ sku, locationId }: Shelf, pieces: number): Promise<void> {
    const others = this.#shelves.filter((one) => one.sku === sku && one.locationId !== locationId)
    if (others.length === 0) return
    const to = this.#random.pick(others).locationId
    const transferId = `chaos-${this.transfers.length + 1}`
    const lines = [{ sku, milli: pieces * 1000, unit: "ea" }]
    const ordered = { transferId, fromLocationId: locationId, toLocationId: to, lines }
    await this.#stage.api("/v1/transfers", { method: "POST", body: ordered })
    const part = { transferId, lines: [lineOf(sku, pieces)] }
    await this.#tell({ movement: "transfer-shipped", locationId, toLocationId: to, ...part })
    this.transfers.push({ transferId, sku, fromLocationId: locationId, toLocationId: to, milli: pieces * 1000 })
    const arrives = sleep(this.#random.integer(0, arrivesAfterMsMax)).then(() =>
      this.#tell({ movement: "transfer-received", locationId: to, ...part }),
    )
    arrives.catch(() => undefined)
    this.#arrivals.push(arrives)
  }

  /** Somebody in the shop sets a level that is none of theirs. */
  async #edit(sku: string): Promise<void> {
    const count = this.#editsOf.get(sku) ?? 0
    if (count >= editsMost) return
    this.#editsOf.set(sku, count + 1)
    const by = this.#random.pick([-2, 3, 50])
    await this.#stage.lab("shopify", "stock", { method: "PUT", body: { sku, locationId: this.#shown, by } })
    this.edits += 1
  }

  async #tell(movement: object): Promise<void> {
    await this.#stage.lab("warehouse", "movements", { method: "POST", body: movement })
  }
}

const lineOf = (sku: string, pieces: number) => ({ sku, quantityMilli: pieces * 1000, unit: "ea" })
