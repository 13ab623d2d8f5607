import type { CatalogueItem } from "../estate/catalogue.ts"
import type { KeptMap } from "../keep/kept.ts"
import type { SimulatorContext } from "../simulator.ts"
import type { CancelRequest } from "./changes/requests.ts"
import type { UserError } from "./changes/requests.ts"
import { InventoryBook } from "./inventory/inventory-book.ts"
import { ProductBook } from "./products/product-book.ts"
import type { FulfillmentOrder, ShopLocation, ShopOrder, Transaction } from "./orders/model.ts"
import { restTransaction } from "./rest/parts.ts"

export const topics = [
  "orders/create",
  "orders/updated",
  "orders/paid",
  "orders/cancelled",
  "orders/edited",
  "orders/fulfilled",
  "fulfillments/create",
  "fulfillments/update",
  "fulfillment_events/create",
  "fulfillment_orders/placed_on_hold",
  "fulfillment_orders/hold_released",
  "fulfillment_orders/scheduled_fulfillment_order_ready",
  "fulfillment_orders/rescheduled",
  "fulfillment_orders/moved",
  "fulfillment_orders/cancelled",
  "refunds/create",
  "order_transactions/create",
  "inventory_levels/update",
] as const
export type Topic = (typeof topics)[number]

export type Subscription = {
  id: number
  topic: Topic
  uri: string
  filter: string | null
  /** Fields of the body that are sent; empty = all. */
  includeFields: string[]
  createdAtMs: number
  apiVersion: string
}

export type RefundOutcome = { orderId: number; refundId: number } | { userErrors: UserError[] }

/** The app's access: the scopes that the merchant granted, and whether Shopify refuses it protected customer data. */
export type Access = { scopes: Set<string>; refusesPersonal: boolean }

const shownForMs = 60 * 24 * 3_600_000

const grantedScopes = [
  "read_all_orders",
  "write_orders",
  "write_merchant_managed_fulfillment_orders",
  "write_inventory",
  "write_products",
  "read_locations",
  "read_customers",
]

export type CancelJob = { isDone: boolean; orderId: number; request: CancelRequest; error?: string }

const idBase = 9_000_000_000_000

export type Publish = (topic: Topic, order: ShopOrder, body: () => unknown) => void

type Change = { order: ShopOrder; sequence: number }

export type Page = { orders: { order: ShopOrder; sequence: number }[]; hasNext: boolean }

/** Everything the shop knows; orders are also kept in the order of their last change, for paging. */
export class ShopStore {
  readonly orders: KeptMap<number, ShopOrder>
  readonly subscriptions: KeptMap<number, Subscription>
  readonly access: Access = { scopes: new Set(grantedScopes), refusesPersonal: false }
  readonly locations: readonly ShopLocation[]
  readonly inventory: InventoryBook
  readonly products: ProductBook
  /** Results of mutations, by idempotency key. */
  readonly idempotent: KeptMap<string, { fingerprint: string; outcome: unknown }>
  readonly jobs: KeptMap<string, CancelJob>
  /** The shop's payment provider refuses every refund; a control of the lab. */
  refusesRefunds = false
  /** Articles that the shop sells under another name than the estate's; a control of the lab. */
  readonly soldAs = new Map<string, string>()
  /** Set by the simulator once its webhooks exist. */
  publish: Publish = () => {}
  /** The number of each order's last change. */
  readonly #latest: KeptMap<number, number>
  readonly #numbers: KeptMap<"lastId", number>
  #changes: Change[] = []
  #sequence = 0
  #lastMs = 0

  constructor(
    locations: readonly ShopLocation[],
    {
      skus,
      keep,
      keepList,
    }: Pick<SimulatorContext, "keep" | "keepList"> & {
      skus: readonly CatalogueItem[]
    },
  ) {
    this.locations = locations
    this.inventory = new InventoryBook(skus, locations, {
      levels: keep("stock-levels"),
      history: keepList("stock-level-changes"),
    })
    this.products = new ProductBook(skus, {
      changes: keep("products"),
      fixed: keep("fixed-prices"),
      history: keepList("product-changes"),
    })
    this.orders = keep("orders")
    this.subscriptions = keep("subscriptions")
    this.idempotent = keep("mutations-by-key")
    this.jobs = keep("jobs")
    this.#latest = keep("changes")
    this.#numbers = keep("numbers")
    this.#goOn()
  }

  /** Restores the order of changes of the previous shop. */
  #goOn(): void {
    for (const [id, sequence] of this.#latest) {
      const order = this.orders.get(id)
      if (order === undefined) continue
      this.inventory.follow(order, false)
      this.#changes.push({ order, sequence })
      this.#lastMs = Math.max(this.#lastMs, order.updatedAtMs)
    }
    this.#changes.sort((a, b) => a.sequence - b.sequence)
    this.#sequence = this.#changes.at(-1)?.sequence ?? 0
  }

  nextId(): number {
    const next = (this.#numbers.get("lastId") ?? idBase) + 1
    this.#numbers.set("lastId", next)
    return next
  }

  lastOrderNumber(): number {
    let last = 0
    for (const order of this.orders.values()) last = Math.max(last, order.number)
    return last
  }

  /** Never goes back, so that the order of changes is the order of `updatedAt`. */
  /**
   * An app without `read_all_orders` is shown the orders of the last 60 days only
   * (https://shopify.dev/docs/api/admin-graphql/2025-10/enums/Audience, note at Order; read 2026-11).
   */
  isShown(order: ShopOrder): boolean {
    return this.access.scopes.has("read_all_orders") || order.createdAtMs >= this.nowMs() - shownForMs
  }

  nowMs(): number {
    this.#lastMs = Math.max(this.#lastMs, Date.now())
    return this.#lastMs
  }

  /** Order webhooks contain no payments; each payment has a webhook of its own. */
  publishTransaction(order: ShopOrder, transaction: Transaction): void {
    this.publish("order_transactions/create", order, () => restTransaction(transaction, order))
  }

  add(order: ShopOrder): void {
    this.orders.set(order.id, order)
    this.touch(order)
  }

  touch(order: ShopOrder): void {
    order.updatedAtMs = this.nowMs()
    this.inventory.follow(order)
    this.orders.changed(order.id)
    this.#sequence += 1
    this.#latest.set(order.id, this.#sequence)
    this.#changes.push({ order, sequence: this.#sequence })
    if (this.#changes.length > 1_000 && this.#changes.length > 2 * this.orders.size) {
      this.#changes = this.#changes.filter((change) => this.#isLatest(change))
    }
  }

  /** Orders by last change, from a time on (to the second, as the API's filter) or after a cursor. */
  page(request: { sinceMs: number; afterSequence: number; limit: number; accepts(order: ShopOrder): boolean }): Page {
    const orders: Page["orders"] = []
    let index = this.#firstIndex(request)
    for (; index < this.#changes.length && orders.length <= request.limit; index++) {
      const change = this.#changes[index]
      if (change === undefined || !this.#isLatest(change) || !request.accepts(change.order)) continue
      orders.push(change)
    }
    return { orders: orders.slice(0, request.limit), hasNext: orders.length > request.limit }
  }

  clear(): void {
    this.orders.clear()
    this.inventory.reset()
    this.products.reset()
    this.subscriptions.clear()
    this.idempotent.clear()
    this.jobs.clear()
    this.#latest.clear()
    this.#changes = []
  }

  #isLatest(change: Change): boolean {
    return this.#latest.get(change.order.id) === change.sequence
  }

  #firstIndex({ sinceMs, afterSequence }: { sinceMs: number; afterSequence: number }): number {
    let low = 0
    let high = this.#changes.length
    while (low < high) {
      const middle = (low + high) >> 1
      const change = this.#changes[middle]
      // A stale entry carries its order's newer time, so the search goes by sequence and only the walk checks times.
      if (change !== undefined && change.sequence <= afterSequence) low = middle + 1
      else high = middle
    }
    while (low < this.#changes.length) {
      const change = this.#changes[low]
      if (change !== undefined && this.#isLatest(change) && change.order.updatedAtMs >= sinceMs) break
      low += 1
    }
    return low
  }
}

/** Ids of fulfillment orders are the order's id and a bit: below the next thousand. */
export function ownerOf(
  store: ShopStore,
  id: number,
): { order: ShopOrder; fulfillmentOrder: FulfillmentOrder } | undefined {
  const order = store.orders.get(id - (id % 1_000))
  const fulfillmentOrder = order?.fulfillmentOrders.find((candidate) => candidate.id === id)
  return order && fulfillmentOrder ? { order, fulfillmentOrder } : undefined
}
