import { serveEstate } from "./estate/server.ts"
import type { Estate } from "./estate/estate.ts"
import type { FraudSimulatorOptions } from "./fraud/fraud.ts"
import { startFraud } from "./fraud/fraud.ts"
import type { MailSimulatorOptions } from "./mail/mail.ts"
import { startMail } from "./mail/mail.ts"
import { demoCompany } from "./sap-s4hana/demo-company.ts"
import type { SapOptions } from "./sap-s4hana/sap-s4hana.ts"
import { startSap } from "./sap-s4hana/sap-s4hana.ts"
import type { CreateAuthorisation } from "./shopify/placing.ts"
import type { ShopifyOptions } from "./shopify/shopify.ts"
import { startShopify } from "./shopify/shopify.ts"
import type { VendorOptions } from "./simulator.ts"
import type { StoreBooksOptions } from "./store-books/store-books.ts"
import { startStoreBooks } from "./store-books/store-books.ts"
import type { StripeSimulatorOptions } from "./stripe/stripe.ts"
import { startStripe } from "./stripe/stripe.ts"
import type { TaxSimulatorOptions } from "./tax/tax.ts"
import { startTax } from "./tax/tax.ts"
import type { TillsOptions } from "./tills/tills.ts"
import { startTills } from "./tills/tills.ts"
import type { WarehouseSimulatorOptions } from "./warehouse/warehouse.ts"
import { startWarehouse } from "./warehouse/warehouse.ts"

/** The lab's inputs to each of its simulators. */
export type Place = {
  /** Seed, port, webhook target and state: inputs of every simulator. */
  vendor: VendorOptions
  estate: Estate
  /** A port more, for a simulator that listens twice. */
  nextPort(): number
  /** Requests an authorisation from the lab's payment provider; absent when none was started. */
  createAuthorisation?: CreateAuthorisation
}

/**
 * Every simulator by name, in the order of their ports. A new one is a folder and a line here. The lab's user may set
 * the options named in the second parameter.
 */
export const simulators = {
  shopify: ({ vendor, estate, createAuthorisation }: Place, options: Partial<ShopifyOptions>) =>
    startShopify({ ...vendor, estate, ...(createAuthorisation ? { createAuthorisation } : {}), ...options }),
  sap: ({ vendor, estate }: Place, options: Partial<SapOptions>) =>
    startSap({ ...vendor, ...demoCompany(estate), ...options }),
  stripe: ({ vendor }: Place, options: Partial<StripeSimulatorOptions>) => startStripe({ ...vendor, ...options }),
  warehouse: ({ vendor, estate }: Place, options: Partial<WarehouseSimulatorOptions>) =>
    startWarehouse({ ...vendor, locationIds: estate.locations.map(({ locationId }) => locationId), ...options }),
  tax: ({ vendor }: Place, options: Partial<TaxSimulatorOptions>) => startTax({ ...vendor, ...options }),
  fraud: ({ vendor }: Place, options: Partial<FraudSimulatorOptions>) => startFraud({ ...vendor, ...options }),
  mail: ({ vendor, nextPort }: Place, options: Partial<MailSimulatorOptions>) =>
    startMail({ ...vendor, smtpPort: nextPort(), ...options }),
  estateServer: ({ vendor, estate }: Place, options: Partial<VendorOptions>) =>
    serveEstate(estate, { ...vendor, ...options }),
  books: ({ vendor }: Place, options: Partial<StoreBooksOptions>) => startStoreBooks({ ...vendor, ...options }),
  tills: ({ vendor, estate }: Place, options: Partial<TillsOptions>) => startTills({ ...vendor, estate, ...options }),
}

export type Simulators = typeof simulators
export type SimulatorName = keyof Simulators
/** All names, in order. */
// Object.keys forgets the keys it was given.
export const simulatorNames = Object.keys(simulators) as SimulatorName[]
