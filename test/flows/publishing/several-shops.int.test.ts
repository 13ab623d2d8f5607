import { afterAll, beforeAll, expect, test } from "vitest"
import { createEstate } from "../../../lab/estate/estate.ts"
import { startShopify } from "../../../lab/shopify/shopify.ts"
import { topics } from "../../../lab/shopify/store.ts"
import type { Simulator } from "../../../lab/simulator.ts"
import type { Estate } from "../../../src/estate.ts"
import { control, eventually, quietWarehouse } from "../../fixtures/crossdock.ts"
import { rotterdam, ShopView, startPublishing, type PublishingBench } from "../../fixtures/stock/published.ts"

// Three shops sell one stock: what each may sell is the pool of all places, shown at one of them.
let bench: PublishingBench
let others: Simulator[]
let shops: ShopView[]

beforeAll(async () => {
  const estate = createEstate({ seed: 7, skuCount: 60 })
  others = await Promise.all([
    startShopify({ seed: 8, estate, oddShare: 0, appTopics: topics }),
    startShopify({ seed: 9, estate, oddShare: 0, appTopics: topics }),
  ])
  bench = await startPublishing({
    policy: (policy) => ({ ...policy, stock: { places: { [rotterdam]: "pool" } } }),
    estate: withShops,
    start: { orders: { onShortage: "ask" }, lab: quietWarehouse },
  })
  const { gatewayUrl } = bench.test
  for (const [n, shop] of others.entries()) shop.setWebhookTarget(`${gatewayUrl}/hooks/shop-${n}`)
  shops = [bench.shop, ...others.map((one) => new ShopView(one, bench.shop.places))]
  await bench.rest()
}, 120_000)
afterAll(async () => {
  await bench.stop()
  await Promise.all(others.map((one) => one.stop()))
})

/** The same shop twice more, under names of its own. */
function withShops(estate: Estate): Estate {
  const { shopify } = estate.connections
  const shown = estate.policies.publishing?.channels["shopify"]
  if (!shopify || !shown) throw new Error("the demo has no shop")
  const more = others.map((one, n) => [
    `shop-${n}`,
    { ...shopify, settings: { ...(shopify.settings as object), baseUrl: one.url } },
  ])
  // Ownership sends prices and products to the first shop alone.
  const { prices: _prices, products: _products, ...stockAlone } = shown
  const channels = { shopify: shown, ...Object.fromEntries(others.map((_one, n) => [`shop-${n}`, stockAlone])) }
  const routes = estate.routes.flatMap((route) =>
    route.connection === "shopify" && route.channel === "shopify"
      ? [route, ...others.map((_one, n) => ({ ...route, connection: `shop-${n}`, channel: `shop-${n}` }))]
      : [route],
  )
  return {
    ...estate,
    routes,
    connections: { ...estate.connections, ...Object.fromEntries(more) },
    policies: {
      ...estate.policies,
      publishing: { channels },
      orders: { ...estate.policies.orders, paymentsFollow: ["shopify", "shop-0", "shop-1"] },
    },
  }
}

async function reservedOf(sku: string): Promise<number> {
  const [row] = await bench.test.sql`select reserved_milli, on_hand_milli from stock_skus where sku = ${sku}`
  return Number(row?.["reserved_milli"]) / 1000
}

async function onHandOf(sku: string): Promise<number> {
  const [row] = await bench.test.sql`select on_hand_milli from stock_skus where sku = ${sku}`
  return Number(row?.["on_hand_milli"]) / 1000
}

test("PUBLISHING 2: two shops on one stock: each shows its promise, and has on hand its promise and its own open orders", async () => {
  const sku = "SKU-00022"
  const [own, other] = shops
  if (!own || !other) throw new Error("two shops")
  const before = own.total(sku)
  await own.sell(sku)
  const sold = before - own.total(sku)
  await eventually("the order is reserved", async () => (await reservedOf(sku)) > 0)
  await bench.rest()
  const promise = (await onHandOf(sku)) - (await reservedOf(sku))
  expect([own.shown(sku), other.shown(sku)]).toEqual([promise, promise])
  expect(other.onHand(sku)).toBe(promise)
  expect(own.onHandTotal(sku)).toBe(own.total(sku) + (await reservedOf(sku)))
  expect(sold).toBeGreaterThan(0)
})

test("PUBLISHING 6, P-12: an ERP that reports its stock without the sold pieces taken off puts none of them back on sale", async () => {
  const sku = "SKU-00023"
  const [own] = shops
  await own?.sell(sku)
  await eventually("the order is reserved", async () => (await reservedOf(sku)) > 0)
  await bench.rest()
  const shown = shops.map((shop) => shop.shown(sku))
  for (const place of bench.shop.places) {
    const [position] = await bench.test.sql`
      select on_hand_milli from stock_positions where sku = ${sku} and location_id = ${place}`
    if (position) await bench.count(sku, Number(position["on_hand_milli"]) / 1000, { place, includes: "none" })
  }
  await bench.rest()
  expect(shops.map((shop) => shop.shown(sku))).toEqual(shown)
})

test("PUBLISHING 1, P-12: an ERP that took the sale off and says 0 shows 0, takes nothing off twice, and the order ships", async () => {
  const sku = "SKU-00024"
  const [own] = shops
  await control(bench.test.lab.warehouse, "habits", { isPaused: true })
  for (const place of bench.shop.places)
    await bench.count(sku, place === rotterdam ? 9 : 0, { place, includes: "none" })
  await bench.rest()
  await own?.sell(sku)
  // Routed, because an ERP takes off what it was told of, and it is told of orders that have a place.
  const reserved = await eventually("the order is reserved at its place", async () => {
    const [held] = await bench.test.sql<{ milli: number }[]>`
      select sum(held_milli) as milli from stock_reservation_lines where sku = ${sku} and location_id = ${rotterdam} and held_milli > 0`
    return held?.milli ? Number(held.milli) / 1000 : undefined
  })
  await bench.count(sku, 0, { includes: "all" })
  await bench.rest()
  await expect.poll(() => onHandOf(sku)).toBe(reserved)
  await expect.poll(() => shops.map((shop) => Math.max(0, shop.shown(sku)))).toEqual([0, 0, 0])
  await control(bench.test.lab.warehouse, "habits", { isPaused: false })
  await eventually(
    "the goods leave, and nothing is on hand",
    async () => (await onHandOf(sku)) === 0 && (await reservedOf(sku)) === 0,
  )
})

test("X-06: three channels and many buyers at once for 100 pieces: Crossdock promises none twice, and at rest every shop shows what is left", async () => {
  const sku = "SKU-00025"
  for (const place of bench.shop.places)
    await bench.count(sku, place === rotterdam ? 100 : 0, { place, includes: "none" })
  await bench.rest()
  const buy = async (shop: ShopView, attempts: number) => {
    for (let n = 0; n < attempts; n += 1) {
      // A buyer sees what the shop shows, and orders when there is some.
      if (shop.shown(sku) > 0) await shop.sell(sku)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  await Promise.all(shops.flatMap((shop) => [buy(shop, 30), buy(shop, 30)]))
  await bench.rest()
  const [onHand, reserved] = [await onHandOf(sku), await reservedOf(sku)]
  expect(reserved).toBeLessThanOrEqual(onHand)
  await eventually("every shop shows what is left", async () => {
    const left = Math.max(0, (await onHandOf(sku)) - (await reservedOf(sku)))
    return shops.every((shop) => Math.max(0, shop.shown(sku)) <= left)
  })
})

test("rows that a dead worker left as sent are looked up, whether its call arrived or not, and nothing is sent twice", async () => {
  await bench.rest()
  const [arrived, lost] = ["SKU-00026", "SKU-00027"]
  const before = [arrived, lost].map((sku) => bench.shop.shown(sku))
  const leave = async (sku: string, was: number) => {
    await bench.test.sql`
      update published_rows set state = 'sent', observed = to_jsonb(${(was - 5) * 1000}::bigint), sent = to_jsonb(${was * 1000}::bigint),
        due_at = now() + interval '1 second', marks = marks + 1
      where channel = 'shopify' and item = ${sku} and scope = ${rotterdam}`
  }
  // Of the one the shop shows what was sent, of the other what was there before.
  await leave(arrived, before[0] ?? 0)
  await bench.shop.edit(lost, (before[1] ?? 0) - 5)
  await bench.rest()
  const writes = [arrived, lost].map((sku) => bench.shop.writes(sku))
  await leave(lost, before[1] ?? 0)
  await bench.rest()
  expect([arrived, lost].map((sku) => bench.shop.shown(sku))).toEqual(before)
  expect(bench.shop.writes(arrived)).toBe(writes[0])
})

test("a lost call that arrived after all is found, though what is wanted by now is what was shown before it", async () => {
  await bench.rest()
  const sku = "SKU-00028"
  const before = bench.shop.shown(sku)
  // The dead worker's call arrived, and nobody heard of it.
  bench.test.lab.shopify.setFaults({ dropWebhook: 1 })
  await bench.shop.edit(sku, before + 5)
  await bench.test.sql`
    update published_rows set state = 'sent', sent = to_jsonb(${(before + 5) * 1000}::bigint), marks = marks + 1, due_at = now() + interval '1 minute'
    where channel = 'shopify' and item = ${sku} and scope = ${rotterdam}`
  await bench.untilShown(sku, before)
  bench.test.lab.shopify.setFaults({})
  expect(await bench.until(sku, "live")).toMatchObject({ edits: 0 })
})

test("what the shop sold and sent while nobody looked is no edit of its stock", async () => {
  const sku = "SKU-00029"
  const { lab, sql } = bench.test
  await bench.rest()
  await control(lab.warehouse, "habits", { isPaused: false })
  const [shown, before] = [bench.shop.shown(sku), await onHandOf(sku)]
  // The row is not looked at until the goods have left, and the shop's webhooks are lost.
  await sql`update published_rows set held_by = 'person', state = 'held', decisions = decisions + 1 where channel = 'shopify' and item = ${sku}`
  await bench.shop.sell(sku)
  await eventually("the goods have left", async () => (await onHandOf(sku)) < before && (await reservedOf(sku)) === 0)
  const left = before - (await onHandOf(sku))
  lab.shopify.setFaults({ dropWebhook: 1 })
  await bench.shop.edit(sku, shown - left)
  await bench.receive(sku, 3)
  // Marked and decided, as people's acts do, or a drain that has the row in its hands would write it back as done.
  await sql`
    update published_rows set held_by = null, state = 'due', observed = to_jsonb(${shown * 1000}::bigint), needs_look = true,
      observed_at = now() - interval '30 seconds', due_at = now(), marks = marks + 1, decisions = decisions + 1
    where channel = 'shopify' and item = ${sku}`
  await bench.untilShown(sku, shown - left + 3)
  lab.shopify.setFaults({})
  expect(await bench.until(sku, "live")).toMatchObject({ edits: 0 })
})
