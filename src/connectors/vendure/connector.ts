import { Type } from "typebox"
import { AppError } from "../../base/errors.ts"
import { createHttpClient } from "../../base/http.ts"
import { defineConnector } from "../../ports/connector.ts"
import { createVendureClient, type VendureClient } from "./client.ts"
import { objectOf } from "./payloads.ts"
import { listsChanges } from "./lists-changes.ts"
import { readsObjects } from "./reads-objects.ts"
import { receivesDeliveries } from "./receives-deliveries.ts"
import { cancelsChannelOrders, refundsChannelOrders } from "./channels.ts"
import { confirmsFulfilment } from "./confirms-fulfilment.ts"
import { publishesStock } from "./stock/publishes-stock.ts"
import { publishesPrices } from "./catalogue/publishes-prices.ts"
import { publishesProducts } from "./catalogue/publishes-products.ts"
import { checkLanguage, checkLists } from "./catalogue/check-channels.ts"
import { assertLists, listsOf, PriceSettings, ProductSettings } from "./catalogue/settings.ts"

const tenderKind = Type.Union(
  (["card", "giftCard", "cash", "wallet", "invoice", "other"] as const).map((kind) => Type.Literal(kind)),
)

const timeoutMs = 20_000

// `orderPlacedAt` is set before its transaction commits; a minute also covers clocks and the shop's own webhook retries.
const overlapDefaultMs = 60_000

/** One Vendure shop over its Admin API, and over webhooks of a plugin that posts its order events. */
export const vendure = defineConnector({
  name: "vendure",
  apiVersion: "3.7",
  apiDocs: "https://docs.vendure.io/reference/graphql-api/admin/queries",
  connection: Type.Object(
    {
      baseUrl: Type.String({ format: "uri", description: "where the shop answers; /admin-api is added" }),
      user: Type.String({ description: "administrator who may read and change orders" }),
      password: Type.String({ description: "the administrator's password" }),
      webhookSecrets: Type.Array(Type.String({ pattern: "^whsec_[A-Za-z0-9+/=]+$" }), {
        minItems: 1,
        description: "every live signing secret of the webhook plugin; two while one is replaced by another",
      }),
      tenderKinds: Type.Record(Type.String(), tenderKind, {
        description: "kind of tender of each payment method of the shop, by its code",
      }),
      settledByUs: Type.Optional(
        Type.Array(Type.String(), {
          description: "payment methods whose refunds stay pending until somebody settles them, and Crossdock is to",
        }),
      ),
      moneyDigits: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: 6,
          description:
            "decimal places of the shop's amounts (its MoneyStrategy.precision); default: those of the currency; needed to publish prices in a currency that has other than two",
        }),
      ),
      stock: Type.Optional(
        Type.Record(Type.String(), Type.String({ pattern: "^[0-9A-Za-z-]+$" }), {
          description:
            "id of the shop's stock location for each location of ours, to publish stock there; absent: none is published",
        }),
      ),
      prices: Type.Optional(PriceSettings),
      products: Type.Optional(ProductSettings),
      overlapMs: Type.Optional(
        Type.Integer({
          minimum: 5000,
          description: "orders placed this long ago are read again by each poll; default 60,000",
        }),
      ),
      allowPrivateNetwork: Type.Optional(
        Type.Boolean({ description: "allow addresses of private networks; off by default" }),
      ),
    },
    { additionalProperties: false },
  ),
  // No limit is published; one process serves all calls, and more than this at once only queue there.
  rate: { concurrencyMax: 8 },
  timeoutMs,
  connect(settings, { connectionId, clock }) {
    if (settings.prices) assertLists(settings.prices, settings.moneyDigits)
    const http = createHttpClient({
      baseUrl: settings.baseUrl,
      timeoutMs,
      ...(settings.allowPrivateNetwork === undefined ? {} : { allowPrivateNetwork: settings.allowPrivateNetwork }),
    })
    const client = createVendureClient({ http, user: settings.user, password: settings.password, clock })
    const amounts = settings.moneyDigits === undefined ? {} : { digits: settings.moneyDigits }
    const updates = { client, system: connectionId, settledByUs: settings.settledByUs ?? [], amounts }
    return {
      receivesDeliveries: receivesDeliveries({
        secrets: settings.webhookSecrets,
        context: {
          system: connectionId,
          tenderKinds: settings.tenderKinds,
          amounts,
          ...(settings.stock && { stock: settings.stock }),
        },
      }),
      readsObjects: readsObjects({ client, connectionId, clock }),
      listsChanges: listsChanges({ client, connectionId, clock, overlapMs: settings.overlapMs ?? overlapDefaultMs }),
      confirmsFulfilment: confirmsFulfilment(updates, settings.stock),
      cancelsChannelOrders: cancelsChannelOrders(updates),
      refundsChannelOrders: refundsChannelOrders(updates),
      ...(settings.stock && {
        publishesStock: publishesStock({ client, system: connectionId, stock: settings.stock }),
      }),
      ...(settings.prices && {
        publishesPrices: publishesPrices({ client, system: connectionId, amounts, ...listsOf(settings.prices) }),
      }),
      ...(settings.products && {
        publishesProducts: publishesProducts({ client, system: connectionId, ...settings.products }),
      }),
      async check() {
        const call = { signal: AbortSignal.timeout(timeoutMs), correlation: "check" }
        await client.read({ query: "{ activeChannel { id } }", variables: {}, call })
        await checkMoneyDigits(client, settings.moneyDigits ?? 2, call)
        await checkStockLocations(client, Object.values(settings.stock ?? {}), call)
        if (settings.prices) await checkLists(client, listsOf(settings.prices), call)
        if (settings.products) await checkLanguage(client, settings.products.language, call)
      },
      close: () => http.close(),
    }
  },
})

/** A shop whose amounts have other decimal places than we read would be wrong by a factor of ten. */
async function checkMoneyDigits(
  client: VendureClient,
  digits: number,
  call: { signal: AbortSignal; correlation: string },
): Promise<void> {
  const query = "{ globalSettings { serverConfig { moneyStrategyPrecision } } }"
  const { serverConfig } = objectOf((await client.read({ query, variables: {}, call }))["globalSettings"])
  const precision = objectOf(serverConfig)["moneyStrategyPrecision"]
  if (precision !== digits)
    throw new AppError(
      "CONFIG_INVALID",
      `the shop writes amounts with ${String(precision)} decimal places: set moneyDigits of the connection to that`,
    )
}

/** A stock location that the shop does not have is an internal error there, for every article of a call. */
async function checkStockLocations(
  client: VendureClient,
  wanted: readonly string[],
  call: { signal: AbortSignal; correlation: string },
): Promise<void> {
  if (wanted.length === 0) return
  const query = "{ stockLocations(options: { take: 1000 }) { items { id } } }"
  const { items } = objectOf((await client.read({ query, variables: {}, call }))["stockLocations"])
  const known = Array.isArray(items) ? items.map((item) => String(objectOf(item)["id"])) : []
  const missing = wanted.filter((id) => !known.includes(id))
  if (missing.length > 0)
    throw new AppError(
      "CONFIG_INVALID",
      `the shop has no stock location ${missing.join(", ")}; it has ${known.join(", ")}`,
    )
}
