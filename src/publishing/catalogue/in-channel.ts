import { AppError } from "../../base/errors.ts"
import type { Connection } from "../../effects/connections.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type { PriceOfChannel, PublishedPrice, PublishesPrices } from "../../ports/capabilities/prices.ts"
import type {
  ContentOfProduct,
  PublishedField,
  PublishedProduct,
  PublishesProducts,
  ShownState,
} from "../../ports/capabilities/products.ts"
import type { Articles } from "../../stock/articles/articles.ts"
import { callChannel, settleDefaultMs } from "../call.ts"
import type { PublishedRow } from "../decide/row.ts"
import type { PriceChannel } from "../policies.ts"

/** What a connection is asked about a channel, with the channel's own names of articles. Catalogues wait for stock and orders. */
class InChannel {
  readonly connection: Connection
  readonly #channel: string
  readonly #articles: Pick<Articles, "theirs">

  constructor(
    channel: string,
    { connection, articles }: { connection: Connection; articles: Pick<Articles, "theirs"> },
  ) {
    this.connection = connection
    this.#channel = channel
    this.#articles = articles
  }

  get isClosed(): boolean {
    return this.connection.gate.wakeBudget === "none"
  }

  protected names(skus: readonly string[]): Promise<Map<string, string>> {
    return this.#articles.theirs(this.#channel, [...new Set(skus)])
  }

  protected call<Result>(operation: string, work: Parameters<typeof callChannel<Result>>[2]): Promise<Result> {
    return callChannel(this.connection, { channel: this.#channel, lane: "service", operation }, work)
  }
}

type Parts = ConstructorParameters<typeof InChannel>

/** The prices that one connection shows. */
export class PricesInChannel extends InChannel {
  readonly #prices: PublishesPrices

  constructor(...parts: Parts) {
    super(...parts)
    const { publishesPrices } = this.connection.connected
    if (!publishesPrices) throw new AppError("CONFIG_INVALID", `connection ${this.connection.id} cannot publish prices`)
    this.#prices = publishesPrices
  }

  get itemsMax(): number {
    return this.#prices.publishPrices.itemsMax
  }

  get settleMs(): number {
    return this.#prices.publishPrices.settleMs ?? settleDefaultMs
  }

  async read(
    rows: readonly Pick<PublishedRow<unknown>, "item" | "scope">[],
    taxBasis: PriceChannel["taxBasis"],
  ): Promise<readonly ItemOutcome<PublishedPrice>[]> {
    const names = await this.names(rows.map(({ item }) => item))
    const places = rows.map(({ item, scope }) => ({
      sku: names.get(item) ?? item,
      taxBasis,
      ...(scope === "" ? {} : { market: scope }),
    }))
    const found: ItemOutcome<PublishedPrice>[] = []
    for (let from = 0; from < places.length; from += this.itemsMax) {
      const part = places.slice(from, from + this.itemsMax)
      found.push(...(await this.call("publishesPrices.readPrices", (call) => this.#prices.readPrices(part, call))))
    }
    return found
  }

  async publish(prices: readonly PriceOfChannel[], key: string): Promise<readonly ItemOutcome<PublishedPrice>[]> {
    const names = await this.names(prices.map(({ sku }) => sku))
    const theirs = prices.map((one) => ({ ...one, sku: names.get(one.sku) ?? one.sku }))
    return this.call("publishesPrices.publishPrices", (call) =>
      this.#prices.publishPrices.send(theirs, { ...call, key }),
    )
  }
}

/** The products that one connection shows. */
export class ProductsInChannel extends InChannel {
  readonly #products: PublishesProducts

  constructor(...parts: Parts) {
    super(...parts)
    const { publishesProducts } = this.connection.connected
    if (!publishesProducts)
      throw new AppError("CONFIG_INVALID", `connection ${this.connection.id} cannot publish products`)
    this.#products = publishesProducts
  }

  get itemsMax(): number {
    return this.#products.publishProducts.itemsMax
  }

  get settleMs(): number {
    return this.#products.publishProducts.settleMs ?? settleDefaultMs
  }

  get writes(): readonly PublishedField[] {
    return this.#products.writes
  }

  /** The state that it can show of one that it should show. */
  stateShown(state: ShownState): ShownState {
    return state === "archived" && this.#products.states?.includes(state) === false ? "draft" : state
  }

  async read(products: readonly Omit<ContentOfProduct, "fields">[]): Promise<readonly ItemOutcome<PublishedProduct>[]> {
    const asked = await this.#named(products)
    return this.call("publishesProducts.readProducts", (call) => this.#products.readProducts(asked, call))
  }

  async publish(products: readonly ContentOfProduct[], key: string): Promise<readonly ItemOutcome<PublishedProduct>[]> {
    const theirs = await this.#named(products)
    return this.call("publishesProducts.publishProducts", (call) =>
      this.#products.publishProducts.send(theirs, { ...call, key }),
    )
  }

  async #named<Product extends Omit<ContentOfProduct, "fields">>(products: readonly Product[]): Promise<Product[]> {
    const names = await this.names(products.flatMap(({ sku, variants }) => [sku, ...variants]))
    const name = (sku: string) => names.get(sku) ?? sku
    return products.map((one) => ({ ...one, sku: name(one.sku), variants: one.variants.map(name) }))
  }
}
