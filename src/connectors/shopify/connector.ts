import { Type } from "typebox"
import { createHttpClient } from "../../base/http.ts"
import { defineConnector } from "../../ports/connector.ts"
import { apiVersion, createShopClient } from "./client.ts"
import { keepsSubscriptions } from "./keeps-subscriptions.ts"
import { listsChanges } from "./lists-changes.ts"
import { assertScopes, grantedScopes } from "./graph/scopes.ts"
import { capturesPayments, readsPayments, voidsAuthorisations } from "./payments.ts"
import { publishesPrices } from "./products/publishes-prices.ts"
import { publishesProducts } from "./products/publishes-products.ts"
import { publishesStock } from "./stock/publishes-stock.ts"
import { readsObjects } from "./reads-objects.ts"
import { receivesDeliveries } from "./receives-deliveries.ts"
import { cancelsChannelOrders, readsHolds, refundsChannelOrders, refundsPayments } from "./channels.ts"
import { confirmsFulfilment } from "./confirms-fulfilment.ts"

const tenderKind = Type.Union(
  (["card", "giftCard", "cash", "wallet", "invoice", "other"] as const).map((kind) => Type.Literal(kind)),
)

const timeoutMs = 15_000

/** One Shopify shop over its Admin GraphQL API and webhooks. */
export const shopify = defineConnector({
  name: "shopify",
  apiVersion,
  apiDocs: "https://shopify.dev/docs/api/admin-graphql/2026-10",
  connection: Type.Object(
    {
      baseUrl: Type.String({ format: "uri", description: "https://<shop>.myshopify.com" }),
      shopDomain: Type.String({ description: "the shop's myshopify.com domain, as its webhooks name it" }),
      accessToken: Type.String({ description: "Admin API access token of the app" }),
      webhookSecrets: Type.Array(Type.String({ minLength: 1 }), {
        minItems: 1,
        description: "client secrets of the app; several are live while one is replaced by another",
      }),
      shopCurrency: Type.String({ pattern: "^[A-Z]{3}$", description: "the shop's own currency" }),
      ordersPerPage: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 4,
          description: "orders in one page of the poll, fewer where that asks for too many points; default 4",
        }),
      ),
      pickupProperty: Type.Optional(
        Type.String({
          description:
            "line property in which the theme puts the id of the store that the buyer collects from; default _pickup_location",
        }),
      ),
      componentsProperty: Type.Optional(
        Type.String({ description: "line property that lists a kit's components; default _components" }),
      ),
      gateways: Type.Optional(
        Type.Record(Type.String(), tenderKind, { description: "kinds of tender of gateways Crossdock does not know" }),
      ),
      locations: Type.Optional(
        Type.Record(Type.String(), Type.String({ pattern: "^\\d+$" }), {
          description:
            "number of the shop's location for each location of ours, to publish stock and to show where goods left from; default none",
        }),
      ),
      priceLists: Type.Optional(
        Type.Record(Type.String(), Type.String({ pattern: "^\\d+$" }), {
          description: "number of the shop's price list for each market with prices of its own; default none",
        }),
      ),
      testOrders: Type.Optional(
        Type.Enum(["ignore", "mark"], {
          description:
            "orders of the shop's test mode: ignore leaves them out, mark takes them as orders that say so; default ignore",
        }),
      ),
      allowPrivateNetwork: Type.Optional(
        Type.Boolean({ description: "allow addresses of private networks; only for a simulator" }),
      ),
    },
    { additionalProperties: false },
  ),
  // The cost bucket decides how much a second; this bounds what is under way at once.
  rate: { concurrencyMax: 16 },
  timeoutMs,
  connect(settings, { connectionId, clock }) {
    const http = createHttpClient({
      baseUrl: settings.baseUrl,
      timeoutMs,
      ...(settings.allowPrivateNetwork !== undefined && { allowPrivateNetwork: settings.allowPrivateNetwork }),
    })
    const client = createShopClient({ http, accessToken: settings.accessToken, clock })
    const {
      pickupProperty = "_pickup_location",
      componentsProperty = "_components",
      gateways = {},
      locations = {},
    } = settings
    return {
      receivesDeliveries: receivesDeliveries({
        secrets: settings.webhookSecrets,
        shopDomain: settings.shopDomain,
        shopCurrency: settings.shopCurrency,
        ...(settings.testOrders !== undefined && { testOrders: settings.testOrders }),
        context: {
          system: connectionId,
          conventions: { pickupProperty, componentsProperty },
          gateways,
          places: new Map(Object.entries(locations).map(([ours, theirs]) => [theirs, ours])),
        },
      }),
      readsObjects: readsObjects({ client, connection: connectionId, clock }),
      keepsSubscriptions: keepsSubscriptions({ client, hasLocations: Object.keys(locations).length > 0 }),
      listsChanges: listsChanges({
        client,
        connection: connectionId,
        clock,
        ordersPerPage: settings.ordersPerPage ?? 4,
      }),
      confirmsFulfilment: confirmsFulfilment({ client, system: connectionId, locations }),
      cancelsChannelOrders: cancelsChannelOrders({ client, system: connectionId }),
      refundsChannelOrders: refundsChannelOrders({ client, system: connectionId }),
      readsHolds: readsHolds({ client, system: connectionId }),
      capturesPayments: capturesPayments({ client, system: connectionId }),
      voidsAuthorisations: voidsAuthorisations({ client, system: connectionId }),
      refundsPayments: refundsPayments({ client, system: connectionId }),
      readsPayments: readsPayments({ client, system: connectionId }),
      publishesStock: publishesStock({ client, system: connectionId, locations }),
      publishesPrices: publishesPrices({
        client,
        system: connectionId,
        shopCurrency: settings.shopCurrency,
        priceLists: settings.priceLists ?? {},
      }),
      publishesProducts: publishesProducts({ client, system: connectionId }),
      async check() {
        assertScopes(await grantedScopes(client, { signal: AbortSignal.timeout(timeoutMs), correlation: "check" }))
      },
      close: () => http.close(),
    }
  },
})
