import assert from "node:assert/strict"
import { createLog } from "../../../src/base/log.ts"
import { money } from "../../../src/base/money.ts"
import { systemClock } from "../../../src/base/time.ts"
import { vendure } from "../../../src/connectors/vendure/connector.ts"
import type { VendureServer } from "./vendure.ts"
import { graphqlClient } from "./vendure-client.ts"

const call = () => ({ key: "smoke", signal: AbortSignal.timeout(20_000), correlation: "smoke" })

type ShownVariant = { sku: string; price: number; currencyCode: string; stockLevel: string }
type ShownProduct = { name: string; description: string; variants: ShownVariant[] } | null

/** Publishes stock, a price and a text to the real shop by the connector, and looks at them as a buyer does. */
export async function tryPublishing(server: VendureServer): Promise<void> {
  await openChannels(server)
  const shop = connect(server, {
    currency: "USD",
    lists: { EU: { currency: "EUR" }, TRADE: { channel: "trade", currency: "EUR" } },
    compareAtField: "compareAt",
  })
  try {
    await shop.check()
    const { publishesStock, publishesPrices, publishesProducts } = shop
    assert(publishesStock && publishesPrices && publishesProducts)
    const [stock] = await publishesStock.publishStock.send([{ ...at("SKU-003"), available: pieces(0) }], call())
    assert.equal(stock?.kind, "done", JSON.stringify(stock))
    const usd = (minor: number) => money(minor, "USD")
    const items = [
      { sku: "SKU-003", taxBasis: "exclusive" as const, amount: usd(1234), compareAt: usd(1999) },
      { sku: "SKU-003", taxBasis: "exclusive" as const, market: "EU", amount: money(1111, "EUR") },
      { sku: "SKU-003", taxBasis: "inclusive" as const, market: "TRADE", amount: money(1500, "EUR") },
      { sku: "SKU-NEVER-WAS", amount: usd(1) },
      { sku: "SKU-004", taxBasis: "inclusive" as const, amount: usd(1) },
    ]
    const prices = await publishesPrices.publishPrices.send(items, call())
    const kinds = prices.map(({ kind }) => kind)
    assert.deepEqual(kinds, ["done", "done", "done", "rejected", "rejected"], JSON.stringify(prices))
    assert.deepEqual(
      await publishesPrices.publishPrices.probe(items.slice(0, 3), call()),
      outcomesOf(prices.slice(0, 3)),
    )
    const text = { sku: "SKU-003", variants: [], fields: { title: "Blaues Hemd", description: "<p>Leinen</p>" } }
    const [written] = await publishesProducts.publishProducts.send([text], call())
    assert.equal(written?.kind, "done", JSON.stringify(written))
    await asBuyersSeeIt(server)
    const hidden = { sku: "SKU-003", variants: [], fields: { state: "archived" } }
    const [gone] = await publishesProducts.publishProducts.send([hidden], call())
    assert.equal(gone?.kind, "done", JSON.stringify(gone))
    assert.equal(await shown(server, ""), null)
    await refusals(server)
    console.log("Vendure: stock, prices in two channels and a German text published, and seen by its shop API")
  } finally {
    shop.close()
  }
}

const at = (sku: string) => ({ sku, locationId: "wh-albany" })
const pieces = (count: number) => ({ milli: count * 1000, unit: "ea" })

function outcomesOf(outcomes: readonly { kind: string }[]): unknown[] {
  return outcomes.map((one) => ("outcome" in one ? one.outcome : undefined))
}

function connect(server: VendureServer, prices: object) {
  const { url: baseUrl, user, password } = server
  const settings = {
    baseUrl,
    user,
    password,
    webhookSecrets: [`whsec_${Buffer.from("smoke").toString("base64")}`],
    tenderKinds: {} as never,
    allowPrivateNetwork: true,
    stock: { "wh-albany": "1" },
    prices: prices as never,
    products: { language: "de" },
  }
  return vendure.connect(settings, { connectionId: "shop", clock: systemClock, log: createLog("smoke", "silent") })
}

/** A second currency and language, and a second channel with gross prices that has one article. */
async function openChannels({ admin }: VendureServer): Promise<void> {
  const { activeChannel } = await admin<{
    activeChannel: { id: string; defaultTaxZone: { id: string }; seller: { id: string } | null }
  }>(`{ activeChannel { id defaultTaxZone { id } seller { id } } }`)
  await admin(`mutation { updateGlobalSettings(input: { availableLanguages: [en, de] }) { __typename } }`)
  await admin(
    `mutation ($id: ID!) { updateChannel(input: { id: $id, availableCurrencyCodes: [USD, EUR],
       availableLanguageCodes: [en, de] }) { __typename } }`,
    { id: activeChannel.id },
  )
  const { createChannel } = await admin<{ createChannel: { __typename: string; id: string; message?: string } }>(
    `mutation ($zone: ID!, $seller: ID) { createChannel(input: { code: "trade", token: "trade", defaultLanguageCode: en,
       availableLanguageCodes: [en, de], pricesIncludeTax: true, defaultCurrencyCode: EUR, availableCurrencyCodes: [EUR],
       defaultTaxZoneId: $zone, defaultShippingZoneId: $zone, sellerId: $seller }) { __typename
       ... on Channel { id } ... on ErrorResult { message } } }`,
    { zone: activeChannel.defaultTaxZone.id, seller: activeChannel.seller?.id ?? null },
  )
  assert.equal(createChannel.__typename, "Channel", createChannel.message)
  const { productVariants } = await admin<{ productVariants: { items: { id: string }[] } }>(
    `{ productVariants(options: { filter: { sku: { eq: "SKU-003" } } }) { items { id } } }`,
  )
  await admin(
    `mutation ($ids: [ID!]!, $channel: ID!) { assignProductVariantsToChannel(input: { productVariantIds: $ids,
       channelId: $channel, priceFactor: 1 }) { id } }`,
    { ids: productVariants.items.map(({ id }) => id), channel: createChannel.id },
  )
}

async function shown({ url }: VendureServer, query: string): Promise<ShownProduct> {
  const { product } = await graphqlClient(`${url}/shop-api${query}`)<{ product: ShownProduct }>(
    `{ product(slug: "sku-003") { name description variants { sku price currencyCode stockLevel } } }`,
  )
  return product
}

async function asBuyersSeeIt(server: VendureServer): Promise<void> {
  const variant = { sku: "SKU-003", stockLevel: "OUT_OF_STOCK" }
  const english = await shown(server, "")
  assert.equal(english?.name, "SKU-003")
  assert.deepEqual(english.variants, [{ ...variant, price: 1234, currencyCode: "USD" }])
  const german = await shown(server, "?languageCode=de")
  assert.deepEqual([german?.name, german?.description], ["Blaues Hemd", "<p>Leinen</p>"])
  const inEuro = await shown(server, "?currencyCode=EUR")
  assert.deepEqual(inEuro?.variants, [{ ...variant, price: 1111, currencyCode: "EUR" }])
}

/** What the simulator says that the shop refuses. */
async function refusals({ admin }: VendureServer): Promise<void> {
  const { productVariants } = await admin<{ productVariants: { items: { id: string; product: { id: string } }[] } }>(
    `{ productVariants(options: { filter: { sku: { in: ["SKU-005", "SKU-006"] } } }) { items { id product { id } } } }`,
  )
  const [one, other] = productVariants.items
  const prices = `mutation ($i: [UpdateProductVariantInput!]!) { updateProductVariants(input: $i) { id } }`
  const priced = (id: string | undefined, currencyCode: string, price: number) => ({
    id,
    prices: [{ currencyCode, price }],
  })
  const refused = async (query: string, i: object[], words: string) => {
    const before = JSON.stringify(await readAll())
    await assert.rejects(admin(query, { i }), new RegExp(words))
    // The others of a call may end later than its answer.
    await new Promise((resolve) => setTimeout(resolve, 300))
    assert.equal(JSON.stringify(await readAll()), before, `${words}: something of the call was written`)
  }
  const readAll = () =>
    admin(`{ productVariants(options: { filter: { sku: { in: ["SKU-005", "SKU-006"] } }, sort: { id: ASC } }) { items { id
      prices { currencyCode price } product { id enabled translations { languageCode name slug } } } } }`)
  await refused(prices, [priced(one?.id, "USD", 1), priced(other?.id, "GBP", 1)], "USER_INPUT_ERROR")
  await refused(prices, [priced(one?.id, "USD", 1), priced("9999", "USD", 1)], "ENTITY_NOT_FOUND")
  await refused(prices, [priced(one?.id, "USD", 1), priced(other?.id, "USD", 2 ** 31)], "out of range for type integer")
  await refused(
    prices,
    [priced(one?.id, "USD", 1), priced(other?.id, "USD", 1.5)],
    "invalid input syntax for type integer",
  )
  const products = `mutation ($i: [UpdateProductInput!]!) { updateProducts(input: $i) { id } }`
  const bare = { id: other?.product.id, translations: [{ languageCode: "de", name: "Ohne Adresse" }] }
  await refused(products, [{ id: one?.product.id, enabled: false }, bare], "violates not-null constraint")
  await refused(products, [{ id: "9999", enabled: false }], "ENTITY_NOT_FOUND")
}
