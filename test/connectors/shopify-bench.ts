import { createEstate, type Estate } from "../../lab/estate/estate.ts"
import { startReceiver, type Delivery as Received } from "../../lab/receiver.ts"
import { shopifyDefaults, startShopify } from "../../lab/shopify/shopify.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { shopify } from "../../src/connectors/shopify/connector.ts"
import type { Delivery } from "../../src/ports/capabilities/intake.ts"
import type { Call } from "../../src/ports/write.ts"

export type ConnectedShop = ReturnType<typeof shopify.connect>

/** The shop's simulator, a receiver of its webhooks and a connection to it. */
export interface ShopBench {
  estate: Estate
  simulator: Simulator
  shop: ConnectedShop
  /** Webhooks that have arrived since the last call, once the simulator has sent them all. */
  webhooks(): Promise<Delivery[]>
  /** Plays the customer or the merchant. */
  act(path: string, body?: unknown): Promise<unknown>
  stop(): Promise<void>
}

export async function startShopBench(
  options: { seed?: number; skuCount?: number; shopCurrency?: string; jobMs?: number } = {},
): Promise<ShopBench> {
  const { seed = 7, skuCount = 300, shopCurrency = "EUR" } = options
  const estate = createEstate({ seed, skuCount })
  const receiver = await startReceiver()
  const simulator = await startShopify({
    seed,
    estate,
    shopCurrency,
    webhookTarget: receiver.url,
    jobMs: options.jobMs ?? 20,
    costBucket: { maximum: 2_000_000, restorePerSecond: 1_000_000 },
    authorisedShare: 0.3,
    createAuthorisation: () => Promise.resolve(`pi_${(authorisations += 1)}`),
  })
  let authorisations = 0
  const shop = shopify.connect(shopSettings(simulator.url, shopCurrency), {
    connectionId: "shop-de",
    clock: systemClock,
    log: createLog("test", "silent"),
  })
  return {
    estate,
    simulator,
    shop,
    webhooks: async () => {
      await simulator.webhooks()?.idle()
      return receiver.received.splice(0).map(asDelivery)
    },
    act: async (path, body = {}) => {
      const answer = await fetch(`${simulator.url}/__lab/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      })
      if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
      return answer.json()
    },
    stop: async () => {
      shop.close()
      await simulator.stop()
      await receiver.stop()
    },
  }
}

export function shopSettings(baseUrl: string, shopCurrency = "EUR") {
  return {
    baseUrl,
    shopDomain: shopifyDefaults.shopDomain,
    accessToken: shopifyDefaults.accessToken,
    webhookSecrets: ["an-older-secret", shopifyDefaults.clientSecret],
    shopCurrency,
    allowPrivateNetwork: true,
  }
}

function asDelivery({ headers, body }: Received): Delivery {
  return {
    connection: "shop-de",
    via: "webhook",
    headers,
    bytes: Buffer.from(body),
    receivedAt: "2026-11-20T22:00:00.000Z",
  }
}

let keys = 0

export function newCall(key = `test_${(keys += 1)}`): Call {
  return { key, signal: AbortSignal.timeout(20_000), correlation: "test" }
}

/** Every order change since the beginning, as the poll finds it. */
export async function pollAll(shop: ConnectedShop, sinceMs: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = []
  let cursor: string | undefined
  for (;;) {
    const page = await shop.listsChanges.orders.listChanges({ cursor, sinceMs }, newCall())
    deliveries.push(...page.deliveries)
    cursor = page.nextCursor
    if (!page.hasMore) return deliveries
  }
}
