import { booksHttp } from "../src/connectors/books-http/connector.ts"
import { fraudHttp } from "../src/connectors/fraud-http/connector.ts"
import { sapS4hana } from "../src/connectors/sap-s4hana/connector.ts"
import { shopify } from "../src/connectors/shopify/connector.ts"
import { smtp } from "../src/connectors/smtp/connector.ts"
import { stripe } from "../src/connectors/stripe/connector.ts"
import { taxHttp } from "../src/connectors/tax-http/connector.ts"
import { warehouseHttp } from "../src/connectors/warehouse-http/connector.ts"
import { defineEstate, type Estate } from "../src/estate.ts"
import { modes } from "./modes.ts"
import { catalogue, ownership } from "./ownership.ts"
import { promises } from "./promises.ts"

/** Addresses of the lab's simulators, as `lab/main.ts` prints them. */
export interface LabAddresses {
  shopify: string
  sap: string
  stripe: string
  warehouse: string
  tax: string
  fraud: string
  smtp: string
  /** The books of stores; without them finance posts the days of stores by hand. */
  books?: string
}

/** What `GET /__lab/estate/locations` says of a place. */
export interface LabLocation {
  locationId: string
  kind: "warehouse" | "store"
  countryCode: string
  latitude: number
  longitude: number
  timeZone: string
  capacityPerDay: number
  costPerShipmentMinor: number
  erpPlant: string
}

const whsec = (secret: string) => `whsec_${Buffer.from(secret).toString("base64")}`

// Countries' middles are enough to tell near from far in a demo; a real estate asks a geocoder.
const countryCentres: Readonly<Record<string, { latitude: number; longitude: number }>> = {
  NL: { latitude: 52.2, longitude: 5.3 },
  BE: { latitude: 50.6, longitude: 4.7 },
  DE: { latitude: 51.2, longitude: 10.4 },
  FR: { latitude: 46.6, longitude: 2.5 },
  AT: { latitude: 47.6, longitude: 14.1 },
  IT: { latitude: 42.8, longitude: 12.6 },
  ES: { latitude: 40.2, longitude: -3.6 },
}

/**
 * The demo retailer: one Shopify shop, SAP S/4HANA, Stripe, one warehouse system for all places, tax, fraud and mail.
 * Every password and token here belongs to a simulator on this machine.
 */
export function demoEstate(
  lab: LabAddresses,
  places: readonly LabLocation[],
  changes: Partial<OrderPolicies> = {},
): Estate {
  return defineEstate({
    name: "demo",
    connections: { ...connections(lab, places), ...storeBooks(lab) },
    routes: [...routes, ...(lab.books === undefined ? [] : [postsStoreDays])],
    locations: places.map((place) => ({
      id: place.locationId,
      kind: place.kind,
      timeZone: place.timeZone,
      dayEndsAt: "00:00",
      currency: "EUR",
      shipping: {
        latitude: place.latitude,
        longitude: place.longitude,
        costPerShipmentMinor: place.costPerShipmentMinor,
        serviceDays: place.kind === "warehouse" ? 1 : 2,
        capacityPerDay: place.capacityPerDay,
      },
    })),
    ownership,
    policies: { orders: { ...orders, ...changes }, deliveries, stock, modes, promises, catalogue, subscriptions },
  })
}

function connections(lab: LabAddresses, places: readonly LabLocation[]): Estate["connections"] {
  const local = { allowPrivateNetwork: true }
  const mail = new URL(lab.smtp)
  return {
    shopify: {
      connector: shopify,
      settings: {
        ...local,
        baseUrl: lab.shopify,
        shopDomain: "lab-shop.myshopify.com",
        accessToken: "shpat_lab_0123456789abcdef",
        webhookSecrets: ["shpss_lab_fedcba9876543210"],
        shopCurrency: "EUR",
      },
      pollEveryMs: 10_000,
      // Shopify repeats for four hours: https://shopify.dev/docs/apps/build/webhooks (read 2026-11).
      retryHorizonMs: 4 * 3_600_000,
      // The demo's shop authorises at Stripe, and Crossdock captures there when goods leave.
      captures: "crossdock",
    },
    sap: { connector: sapS4hana, settings: { ...local, baseUrl: lab.sap, ...sapCompany(places) } },
    stripe: {
      connector: stripe,
      settings: {
        ...local,
        baseUrl: lab.stripe,
        secretKey: "sk_test_lab",
        webhookSecrets: ["whsec_lab_stripe_webhook_secret"],
      },
    },
    warehouse: {
      connector: warehouseHttp,
      settings: {
        ...local,
        baseUrl: lab.warehouse,
        token: "lab-warehouse-token",
        webhookSecrets: [whsec("lab-warehouse-webhook-secret")],
      },
      pollEveryMs: 5000,
    },
    tax: { connector: taxHttp, settings: { ...local, baseUrl: lab.tax, token: "lab-tax-token" } },
    fraud: {
      connector: fraudHttp,
      settings: {
        ...local,
        baseUrl: lab.fraud,
        token: "lab-fraud-token",
        webhookSecrets: [whsec("lab-fraud-webhook-secret")],
      },
    },
    mail: {
      connector: smtp,
      settings: {
        ...local,
        host: mail.hostname,
        port: Number(mail.port),
        tls: "none",
        from: "Lab Shop <orders@lab-shop.example>",
        shopName: "Lab Shop",
        contact: "help@lab-shop.example",
        messageIdDomain: "lab-shop.example",
      },
    },
  }
}

const routes: Estate["routes"] = [
  { capability: "screensFraud", connection: "fraud" },
  { capability: "checksTax", connection: "tax" },
  {
    capability: ["authorisesPayments", "capturesPayments", "voidsAuthorisations", "refundsPayments", "readsPayments"],
    connection: "stripe",
    provider: "stripe",
  },
  // What the shop's own payments hold, the shop captures and gives back.
  {
    capability: ["capturesPayments", "voidsAuthorisations", "refundsPayments", "readsPayments"],
    connection: "shopify",
    provider: "shopify_payments",
  },
  {
    capability: ["booksOrders", "amendsOrders", "cancelsOrders", "recordsDeliveries", "postsJournals", "postsCredits"],
    connection: "sap",
  },
  { capability: ["releasesFulfilment", "cancelsReleases"], connection: "warehouse" },
  {
    capability: ["confirmsFulfilment", "cancelsChannelOrders", "refundsChannelOrders", "readsHolds"],
    connection: "shopify",
    channel: "shopify",
  },
  { capability: "notifiesCustomers", connection: "mail" },
]

function storeBooks({ books: baseUrl }: LabAddresses): Estate["connections"] {
  if (baseUrl === undefined) return {}
  const settings = { allowPrivateNetwork: true, baseUrl, token: "lab-books-token" }
  return { books: { connector: booksHttp, settings } }
}

const postsStoreDays: Estate["routes"][number] = { capability: "postsStoreDays", connection: "books" }

// A real estate takes its key from the deployment: `value("SIGNING_KEY")`.
const subscriptions: NonNullable<Estate["policies"]["subscriptions"]> = {
  signingKey: "the demo's key for signing events",
  allowPrivateNetwork: true,
}

const stock: NonNullable<Estate["policies"]["stock"]> = {
  // One kind of goods may be sold before it is there, and one is never sold out entirely.
  skus: {
    "SKU-00011": { allowBackorder: true, backorderLimitMilli: 50_000, safetyStockMilli: 0 },
    "SKU-00012": { allowBackorder: false, backorderLimitMilli: 0, safetyStockMilli: 5000 },
  },
  buffers: [{ channel: "shopify", bufferMilli: 2000 }],
}

type OrderPolicies = Estate["policies"]["orders"]

// The demo's carriers deliver in seconds; a real estate names days.
const deliveries: NonNullable<Estate["policies"]["deliveries"]> = {
  deliverWithin: { minutes: 2 },
  tellLateAfter: { minutes: 1 },
  presumedLostAfter: { minutes: 15 },
  collectWithin: { minutes: 10 },
  attemptsMax: 2,
  askAgainAfter: { minutes: 10 },
}

const orders: OrderPolicies = {
  onShortage: "cancel",
  onBooksRefusal: "ask",
  capture: "once",
  paymentsFollow: ["shopify"],
  onAccount: [
    { pays: "cash", unpaid: "ship", upTo: { amountMinor: 15_000, currency: "EUR" } },
    { pays: "terms", unpaid: "ship", upTo: { amountMinor: 250_000, currency: "EUR" } },
    { pays: "company", unpaid: "ask" },
  ],
  captureWithin: { hours: 1 },
  tellBeforeLapse: { days: 1 },
  payWithin: { days: 3 },
  askReviewAfter: { seconds: 30 },
  askHoldsAfter: { seconds: 30 },
  holdWithin: { days: 2 },
  taxToleranceMinor: 5000,
  onLateEdit: "ask",
  onClosedPeriod: "next open day",
  restock: "as the shop says",
  shipWithin: { days: 2 },
  routeAgainAfter: { minutes: 15 },
  routing: { perKilometreMinor: 0.1, perServiceDayMinor: 50, splitPenaltyMinor: 400, fullnessMinor: 200 },
  locate: (address) => countryCentres[address.countryCode ?? ""],
  timeZone: "Europe/Amsterdam",
}

function sapCompany(places: readonly LabLocation[]) {
  return {
    user: "CROSSDOCK_COM",
    password: "lab-Passw0rd",
    invoicedBy: "journal entry" as const,
    salesOrderType: "ZOWB",
    salesOrganization: "1010",
    distributionChannel: "10",
    division: "00",
    soldToParty: "10100001",
    companyCode: "1010",
    language: "EN",
    noteTextId: "TX01",
    defaultPlant: places[0]?.erpPlant ?? "1010",
    plants: Object.fromEntries(places.map((place) => [place.locationId, place.erpPlant])),
    rejectionReason: "50",
    conditions: {
      price: "PMP0",
      tax: "TTX1",
      shipping: "YBHD",
      tip: "YTIP",
      duty: "YDUT",
      fee: "YFEE",
      rounding: "YRND",
    },
    accounts: {
      revenue: "41000000",
      "shipping revenue": "41000500",
      "gift card liability": "21900000",
      "tips payable": "44000000",
      "duties payable": "22010000",
      rounding: "65100000",
      "payment clearing": "11001050",
    },
    taxCodes: {
      rates: {
        "21": "A1",
        "9": "A2",
        "19": "A3",
        "7": "A4",
        "20": "A5",
        "5.5": "A6",
        CH: "A7",
        US: "U1",
        CA: "C1",
        JP: "J1",
        // What of these is charged nowhere else: a shop may tell an address without its country.
        "0.375+4+4.5": "U1",
        "1+1+6.25": "U1",
        "5+9.975": "C1",
        "8.1": "A7",
        "2.6": "A7",
        "10": "J1",
      },
      none: "A0",
    },
    journalTypes: { invoice: "DR", credit: "DG", payment: "DZ", reversal: "AB" },
  }
}
