import { AppError } from "../../base/errors.ts"
import type { Connection } from "../../effects/connections.ts"
import type { ItemOutcome } from "../../ports/bulk-write.ts"
import type {
  PublishedLevel,
  PublishesStock,
  ShownLevel,
  ShownPage,
  StockLevel,
} from "../../ports/capabilities/stock.ts"
import type { Articles } from "../../stock/articles/articles.ts"
import { callChannel, settleDefaultMs } from "../call.ts"
import type { PublishedRow } from "../decide/row.ts"

const unit = "ea"
const lost = { kind: "unknown", message: "the channel did not answer about it" } as const

/** The stock that one connection shows, read and written through its door, under the channel's own names of articles. */
export class StockInChannel {
  readonly connection: Connection
  readonly #channel: string
  readonly #articles: Pick<Articles, "theirs" | "ours">
  readonly #stock: PublishesStock

  constructor(
    channel: string,
    { connection, articles }: { connection: Connection; articles: Pick<Articles, "theirs" | "ours"> },
  ) {
    const stock = connection.connected.publishesStock
    if (!stock) throw new AppError("CONFIG_INVALID", `connection ${connection.id} cannot publish stock`)
    this.connection = connection
    this.#channel = channel
    this.#articles = articles
    this.#stock = stock
  }

  get itemsMax(): number {
    return this.#stock.publishStock.itemsMax
  }

  get stepMilli(): number {
    return this.#stock.stepMilli
  }

  /** Whether what it shows changes by itself, so that no edit can be told. */
  get losesCount(): boolean {
    return this.#stock.losesCount ?? false
  }

  /** How long after a lost answer the channel may still write. */
  get settleMs(): number {
    return this.#stock.publishStock.settleMs ?? settleDefaultMs
  }

  /** Whether a person paused the connection, or it does not answer. */
  get isClosed(): boolean {
    return this.connection.gate.wakeBudget === "none"
  }

  /** What the channel shows of rows, in their order. */
  async read(
    rows: readonly Pick<PublishedRow, "item" | "scope">[],
    { isBackground = false }: { isBackground?: boolean } = {},
  ): Promise<ItemOutcome<ShownLevel>[]> {
    const names = await this.#names(rows)
    const found: ItemOutcome<ShownLevel>[] = []
    // Channels are read place by place.
    const order = [...rows.keys()].toSorted((a, b) => (rows[a]?.scope ?? "").localeCompare(rows[b]?.scope ?? ""))
    for (let from = 0; from < order.length; from += this.itemsMax) {
      const part = order.slice(from, from + this.itemsMax)
      const places = part.flatMap((n) => {
        const { item = "", scope = "" } = rows[n] ?? {}
        return [{ sku: names.get(item) ?? item, locationId: scope }]
      })
      const answers = await this.#call("readStock", (call) => this.#stock.readStock(places, { ...call, isBackground }))
      for (const [place, n] of part.entries()) found[n] = answers[place] ?? lost
    }
    return found
  }

  /** Writes rows in one call, each only if the channel shows what was observed; an outcome each, in their order. */
  async publish(rows: readonly PublishedRow[], key: string): Promise<readonly ItemOutcome<PublishedLevel>[]> {
    const names = await this.#names(rows)
    const levels = rows.map(({ item, scope, desired, observed, ref }): StockLevel => ({
      sku: names.get(item) ?? item,
      locationId: scope,
      available: { milli: desired ?? 0, unit },
      ...(observed === null ? {} : { expected: { milli: observed, unit } }),
      ...(ref === null ? {} : { articleId: ref }),
    }))
    return this.#call("publishStock", (call) => this.#stock.publishStock.send(levels, { ...call, key }))
  }

  /** A page of all that the channel shows at these places, under our SKUs. */
  async list(locationIds: readonly string[], after: string | undefined): Promise<ShownPage> {
    const page = await this.#call("listStock", (call) =>
      this.#stock.listStock({ locationIds, ...(after === undefined ? {} : { after }) }, call),
    )
    const named = page.levels.map(({ sku: article }) => ({ system: this.#channel, article }))
    const skus = await this.#articles.ours(named)
    return { ...page, levels: page.levels.map((level, n) => ({ ...level, sku: skus[n] ?? level.sku })) }
  }

  async #names(rows: readonly Pick<PublishedRow, "item">[]): Promise<Map<string, string>> {
    return this.#articles.theirs(this.#channel, [...new Set(rows.map(({ item }) => item))])
  }

  #call<Result>(operation: string, work: Parameters<typeof callChannel<Result>>[2]): Promise<Result> {
    const of = { channel: this.#channel, lane: "stock", operation: `publishesStock.${operation}` } as const
    return callChannel(this.connection, of, work)
  }
}
