import { deploymentValue } from "../../src/base/config.ts"
import { fraudHttp } from "../../src/connectors/fraud-http/connector.ts"
import { taxHttp } from "../../src/connectors/tax-http/connector.ts"
import type { CatalogueSettings } from "../../src/connectors/tryton/catalogue/settings.ts"
import { tryton } from "../../src/connectors/tryton/connector.ts"
import { vendure } from "../../src/connectors/vendure/connector.ts"
import { warehouseHttp } from "../../src/connectors/warehouse-http/connector.ts"
import { defineEstate, type Estate } from "../../src/estate.ts"
import { own } from "../../src/governance/ownership/own.ts"
import { warehouseId, type RealSystems } from "./real-systems.ts"

/** A shop and an ERP nobody here wrote; warehouse, tax and fraud screening are the lab's. */
function realEstate({ shop, books, houses, priceList }: RealSystems): Estate {
  return defineEstate({
    name: "two real systems",
    connections: {
      shop: {
        connector: vendure,
        settings: {
          allowPrivateNetwork: true,
          baseUrl: shop.url,
          user: shop.user,
          password: shop.password,
          webhookSecrets: [shop.webhookSecret],
          tenderKinds: { dummy: "card" },
          settledByUs: ["dummy"],
          ...(priceList === undefined ? {} : { prices: { currency: "USD" }, products: { language: "en" } }),
        },
        captures: "nobody yet",
        pollEveryMs: 10_000,
      },
      books: {
        connector: tryton,
        settings: {
          ...trytonSettings(books),
          ...(priceList === undefined ? {} : { catalogue: catalogueOf(priceList) }),
        },
        ...(priceList === undefined ? {} : { pollEveryMs: 2000 }),
      },
      warehouse: { connector: warehouseHttp, settings: house(houses.warehouse, true), pollEveryMs: 5000 },
      tax: { connector: taxHttp, settings: house(houses.tax, false) },
      fraud: { connector: fraudHttp, settings: house(houses.fraud, true) },
    },
    routes: [
      { capability: "screensFraud", connection: "fraud" },
      { capability: "checksTax", connection: "tax" },
      {
        capability: ["booksOrders", "amendsOrders", "cancelsOrders", "recordsDeliveries", "postsJournals"],
        connection: "books",
      },
      { capability: ["releasesFulfilment", "cancelsReleases"], connection: "warehouse" },
      {
        capability: ["confirmsFulfilment", "cancelsChannelOrders", "refundsChannelOrders"],
        connection: "shop",
        channel: "shop",
      },
    ],
    locations: [
      {
        id: warehouseId,
        kind: "warehouse",
        timeZone: "America/New_York",
        dayEndsAt: "00:00",
        currency: "USD",
        shipping: {
          latitude: 42.7,
          longitude: -73.8,
          costPerShipmentMinor: 500,
          serviceDays: 1,
          capacityPerDay: 10_000,
        },
      },
    ],
    ...(priceList === undefined ? {} : { ownership }),
    policies: { orders, deliveries, ...(priceList === undefined ? {} : { publishing }) },
  })
}

/** The books own what is sold and for how much, and the shop shows it. */
const ownership: NonNullable<Estate["ownership"]> = [
  own("product.*", {}, { owner: "books", to: ["shop"], foreign: "restore" }),
  own("price.*", {}, { owner: "books", to: ["shop"], foreign: "restore" }),
  own("price.cost", {}, { owner: "books" }),
  own("promotion.terms", {}, { owner: "people" }),
  own("stock.*", {}, { owner: "warehouse" }),
]

const publishing: NonNullable<Estate["policies"]["publishing"]> = {
  channels: {
    shop: {
      prices: { currency: "USD", taxBasis: "exclusive" },
      products: { fields: ["title", "state"] },
    },
  },
}

const catalogueOf = (list: number): CatalogueSettings => ({
  products: { fields: ["title", "description", "units", "gtins", "state"], languages: { de: "de" } },
  prices: [{ list, tax: "exclusive", rounding: "half up" }],
})

const deliveries: NonNullable<Estate["policies"]["deliveries"]> = {
  deliverWithin: { days: 5 },
  tellLateAfter: { days: 1 },
  presumedLostAfter: { days: 10 },
  collectWithin: { days: 7 },
  attemptsMax: 2,
  askAgainAfter: { days: 3 },
}

const orders: Estate["policies"]["orders"] = {
  onShortage: "cancel",
  onBooksRefusal: "ask",
  capture: "once",
  paymentsFollow: [],
  onAccount: [],
  captureWithin: { hours: 1 },
  tellBeforeLapse: { days: 1 },
  payWithin: { days: 3 },
  askReviewAfter: { minutes: 5 },
  askHoldsAfter: { minutes: 5 },
  holdWithin: { days: 2 },
  taxToleranceMinor: 50_000,
  onLateEdit: "ask",
  onClosedPeriod: "next open day",
  shipWithin: { days: 2 },
  routeAgainAfter: { minutes: 1 },
  routing: { perKilometreMinor: 0, perServiceDayMinor: 50, splitPenaltyMinor: 400, fullnessMinor: 0 },
  locate: () => undefined,
  timeZone: "UTC",
}

function trytonSettings({ set, ...server }: RealSystems["books"]) {
  const [customer] = set.customers
  if (!customer) throw new Error("the seeded books have no customer")
  const { url: baseUrl, database, user, password } = server
  return {
    allowPrivateNetwork: true,
    baseUrl,
    database,
    user,
    password,
    currency: "USD",
    timeZone: "America/New_York",
    company: set.companyId,
    currencyId: 1,
    ...customer,
    paymentTerm: set.paymentTermId,
    warehouses: { [warehouseId]: set.warehouseId },
    units: { ea: set.unitId },
    chargeProducts: { shipping: "SHIPPING", rounding: "DISCOUNT" },
    taxAccount: set.accounts.tax,
    payment: { method: set.paymentMethodId, receivable: set.accounts.receivable },
  }
}

function house({ url, token, webhookSecret }: RealSystems["houses"]["tax"], sendsEvents: boolean) {
  const webhooks = sendsEvents ? { webhookSecrets: [webhookSecret] } : {}
  return { baseUrl: url, token, allowPrivateNetwork: true, ...webhooks }
}

const told = deploymentValue("REAL_SYSTEMS")
if (told === undefined) throw new Error("test/real/run.ts tells this estate where its systems are")
// The cast: run.ts writes exactly this object.
export default realEstate(JSON.parse(told) as RealSystems)
