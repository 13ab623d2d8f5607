import { setTimeout as sleep } from "node:timers/promises"
import { startProgram, type Child, type Program } from "../child.ts"
import type { Booked } from "../programs/publishing/stock-load.ts"
import type { Budget, ShownChange } from "../programs/publishing/shop.ts"
import { makeBenchKey, type Stack } from "../stack.ts"

type Level = readonly [sku: string, place: string, pieces: number]

const lookEveryMs = 100
const quietWithinMs = 600_000

/** A Crossdock that publishes the stock of a catalogue to the lab's shop, and the shop's own account of it. */
export class BenchChannel {
  readonly stack: Stack
  readonly shop: Program
  readonly load: Program
  readonly gateway: Child & { url: string }
  worker: Child
  readonly #environment: (isDryRun: boolean) => [addresses: string, more: Record<string, string>]
  readonly places: readonly string[]
  readonly key: string

  private constructor(
    stack: Stack,
    parts: Pick<BenchChannel, "shop" | "load" | "gateway" | "worker" | "places" | "key">,
    environment: (isDryRun: boolean) => [addresses: string, more: Record<string, string>],
  ) {
    this.stack = stack
    this.#environment = environment
    ;({
      shop: this.shop,
      load: this.load,
      gateway: this.gateway,
      worker: this.worker,
      places: this.places,
      key: this.key,
    } = parts)
  }

  static async start(
    stack: Stack,
    {
      skus,
      places,
      budget,
      isDryRun = false,
    }: { skus: number; places: number; budget: { maximum: number; restorePerSecond: number }; isDryRun?: boolean },
  ): Promise<BenchChannel> {
    const shop = startProgram("publishing/shop")
    const load = startProgram("publishing/stock-load")
    const { url, places: names } = await shop.ask<{ url: string; places: string[] }>({
      do: "start",
      skus,
      places,
      budget,
    })
    const environment = (dry: boolean): [string, Record<string, string>] => [
      labAddresses(url),
      { CROSSDOCK_VALUE_BENCH_PUBLISHED_PLACES: String(places), CROSSDOCK_VALUE_BENCH_PUBLISH_DRY: dry ? "yes" : "no" },
    ]
    const gateway = await stack.startCrossdock("gateway", ...environment(isDryRun))
    const worker = await stack.startCrossdock("worker", ...environment(isDryRun))
    await shop.ask({ do: "pointAt", url: gateway.url })
    const key = await makeBenchKey(stack, gateway.url)
    return new BenchChannel(stack, { shop, load, gateway, worker, places: names, key }, environment)
  }

  async stop(): Promise<void> {
    await Promise.all([this.load.stop(), this.worker.stop()])
    await this.gateway.stop()
    await this.shop.stop()
  }

  /** As an operator does who declares something else. */
  async stopWorker(): Promise<void> {
    await this.worker.stop()
  }

  async killWorker(): Promise<void> {
    process.kill(this.worker.pid, "SIGKILL")
    await this.worker.stop()
  }

  async startWorker({ isDryRun }: { isDryRun: boolean }): Promise<void> {
    this.worker = await this.stack.startCrossdock("worker", ...this.#environment(isDryRun))
  }

  /** Own processes; the shop and the load are somebody else's. */
  get pids(): Record<string, number> {
    return { postgres: this.stack.pids["postgres"] ?? 0, gateway: this.gateway.pid, worker: this.worker.pid }
  }

  budget(): Promise<Budget> {
    return this.shop.ask<Budget>({ do: "budget" })
  }

  /** Asks the load for one piece of work, and says where the gateway is. */
  ask<Answer>(request: { do: string; skus: number } & Record<string, unknown>): Promise<Answer> {
    return this.load.ask<Answer>({ url: this.gateway.url, key: this.key, places: this.places, ...request })
  }

  count(): Promise<number> {
    return this.shop.ask<number>({ do: "count" })
  }

  async changesSince(from: number): Promise<readonly ShownChange[]> {
    return (await this.shop.ask<{ changes: ShownChange[] }>({ do: "changes", from })).changes
  }

  /** Waits until no change of stock is left to be shown, and what the shop told of it is heard. */
  async untilShown(): Promise<void> {
    const deadline = Date.now() + quietWithinMs
    for (let quiet = 0; quiet < 3;) {
      const [row] = await this.stack.sql<{ isOpen: boolean }[]>`
        select exists (select from stock_changes) or exists (select from published_rows where channel = 'shopify' and aspect = 'stock' and marks > assessed)
          or exists (select from published_rows where channel = 'shopify' and aspect = 'stock' and due_at <= now()) as "isOpen"`
      quiet = row?.isOpen === false ? quiet + 1 : 0
      if (Date.now() > deadline) throw new Error("changes of stock are not shown")
      await sleep(lookEveryMs)
    }
  }

  /** Milliseconds from each booked change to the moment at which the shop showed it; undefined where it never did. */
  latencies(booked: readonly Booked[], changes: readonly ShownChange[], before = new Map<string, number>()) {
    const shown = Map.groupBy(changes, ([sku, place]) => `${place}/${sku}`)
    return booked.map(([sku, place, pieces, dueMs]) => {
      const at = `${place}/${sku}`
      const found = shown.get(at)?.find(([, , to]) => to >= pieces + (before.get(at) ?? 0))
      return found && Math.max(0, found[3] - dueMs)
    })
  }

  /** Every level of the shop is what is there, and nothing else is. */
  async violations(): Promise<string[]> {
    const levels = await this.shop.ask<Level[]>({ do: "levels" })
    const there = await this.stack.sql<{ sku: string; place: string; pieces: number }[]>`
      select sku, location_id as place, (on_hand_milli / 1000)::integer as pieces from stock_positions where on_hand_milli <> 0`
    const shown = new Map(levels.map(([sku, place, pieces]) => [`${place}/${sku}`, pieces]))
    const wrong = there.filter(({ sku, place, pieces }) => shown.get(`${place}/${sku}`) !== pieces)
    const odd = await this.stack.sql<{ state: string; count: number }[]>`
      select state, count(*)::integer as count from published_rows where aspect = 'stock' and item like 'PUB-%' and state <> 'live' group by 1`
    return [
      ...(wrong.length > 0
        ? [`${wrong.length} of ${there.length} levels of the shop are wrong, e.g. ${JSON.stringify(wrong[0])}`]
        : []),
      ...(shown.size === there.length ? [] : [`the shop shows ${shown.size} levels, there are ${there.length}`]),
      ...odd.map(({ state, count }) => `${count} rows are ${state}`),
    ]
  }
}

/** Only the shop is there. */
function labAddresses(shopify: string): string {
  const nowhere = "http://127.0.0.1:9"
  const others = { sap: nowhere, stripe: nowhere, warehouse: nowhere, tax: nowhere, fraud: nowhere }
  return JSON.stringify({ shopify, ...others, smtp: "smtp://127.0.0.1:9" })
}
