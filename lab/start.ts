import type { Estate } from "./estate/estate.ts"
import { createEstate } from "./estate/estate.ts"
import type { FraudSimulatorOptions } from "./fraud/fraud.ts"
import { startFraud } from "./fraud/fraud.ts"
import type { MailSimulator, MailSimulatorOptions } from "./mail/mail.ts"
import { startMail } from "./mail/mail.ts"
import { demoCompany } from "./sap-s4hana/demo-company.ts"
import type { SapOptions } from "./sap-s4hana/sap-s4hana.ts"
import { startSap } from "./sap-s4hana/sap-s4hana.ts"
import type { ShopifyOptions } from "./shopify/shopify.ts"
import { startShopify } from "./shopify/shopify.ts"
import type { Simulator } from "./simulator.ts"
import { startSimulator } from "./simulator.ts"
import type { StripeSimulator, StripeSimulatorOptions } from "./stripe/stripe.ts"
import { startStripe } from "./stripe/stripe.ts"
import type { TaxSimulatorOptions } from "./tax/tax.ts"
import { startTax } from "./tax/tax.ts"
import type { WarehouseSimulatorOptions } from "./warehouse/warehouse.ts"
import { startWarehouse } from "./warehouse/warehouse.ts"

/** Options of single simulators, laid over what the lab chooses. */
export type SimulatorOverrides = {
  shopify?: Partial<ShopifyOptions>
  sap?: Partial<SapOptions>
  stripe?: Partial<StripeSimulatorOptions>
  warehouse?: Partial<WarehouseSimulatorOptions>
  tax?: Partial<TaxSimulatorOptions>
  fraud?: Partial<FraudSimulatorOptions>
  mail?: Partial<MailSimulatorOptions>
}

export type LabOptions = SimulatorOverrides & {
  seed: number
  /** Ports from here on, one after the other in the order of `Lab`; absent or 0: any free ports. */
  firstPort?: number
  /** The gateway: each vendor sends its webhooks to `{target}/hooks/{its name}`. */
  target?: string
  skuCount?: number
}

/** A running lab: the estate and every vendor around it. */
export type Lab = {
  estate: Estate
  shopify: Simulator
  sap: Simulator
  stripe: StripeSimulator
  warehouse: Simulator
  tax: Simulator
  fraud: Simulator
  mail: MailSimulator
  estateServer: Simulator
  simulators: readonly Simulator[]
  stop(): Promise<void>
}

/** Starts every simulator in this process. */
export async function startLab(options: LabOptions): Promise<Lab> {
  const { seed } = options
  const estate = createEstate({ seed, ...(options.skuCount === undefined ? {} : { skuCount: options.skuCount }) })
  const port = portsFrom(options.firstPort ?? 0)
  const hook = (name: string): { webhookTarget?: string } =>
    options.target === undefined ? {} : { webhookTarget: `${options.target.replace(/\/$/, "")}/hooks/${name}` }
  const ports = { shopify: port(), sap: port(), stripe: port(), warehouse: port(), tax: port(), fraud: port() }

  const stripe = await startStripe({ seed, port: ports.stripe, ...hook("stripe"), ...options.stripe })
  const shopify = await startShopify({
    seed,
    port: ports.shopify,
    estate,
    createAuthorisation: (amountMinor, currency) =>
      Promise.resolve(stripe.createAuthorisation({ amountMinor, currency })),
    ...hook("shopify"),
    ...options.shopify,
  })
  const sap = await startSap({ seed, port: ports.sap, ...demoCompany(estate), ...options.sap })
  const warehouse = await startWarehouse({
    seed,
    port: ports.warehouse,
    locationIds: estate.locations.map((location) => location.locationId),
    ...hook("warehouse"),
    ...options.warehouse,
  })
  const tax = await startTax({ seed, port: ports.tax, ...options.tax })
  const fraud = await startFraud({ seed, port: ports.fraud, ...hook("fraud"), ...options.fraud })
  const mail = await startMail({ seed, port: port(), smtpPort: port(), ...options.mail })
  const estateServer = await serveEstate(estate, port())
  const simulators = [shopify, sap, stripe, warehouse, tax, fraud, mail, estateServer]
  return {
    estate,
    shopify,
    sap,
    stripe,
    warehouse,
    tax,
    fraud,
    mail,
    estateServer,
    simulators,
    stop: async () => {
      await Promise.all(simulators.map((simulator) => simulator.stop()))
    },
  }
}

function portsFrom(firstPort: number): () => number {
  let next = firstPort
  return () => (firstPort === 0 ? 0 : next++)
}

/** `GET /__lab/estate`: what a connector test or a console demo needs to know about the retailer. */
function serveEstate(estate: Estate, port: number): Promise<Simulator> {
  return startSimulator({
    name: "estate",
    seed: estate.seed,
    port,
    routes: (app) => {
      app.get("/__lab/estate", () => estate)
      return { books: () => ({ skus: estate.skus, locations: estate.locations }), reset: () => {} }
    },
  })
}
