import { createEstate, type Estate } from "../../lab/estate/estate.ts"
import { consumerAccount, demoCompany } from "../../lab/sap-s4hana/demo-company.ts"
import { sapDefaults, startSap } from "../../lab/sap-s4hana/sap-s4hana.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { sapS4hana } from "../../src/connectors/sap-s4hana/connector.ts"
import type { SapSettings } from "../../src/connectors/sap-s4hana/settings.ts"

export type ConnectedErp = ReturnType<typeof sapS4hana.connect>

export interface ErpBench {
  estate: Estate
  simulator: Simulator
  erp: ConnectedErp
  settings: SapSettings
  stop(): Promise<void>
}

export function erpSettings(estate: Estate, baseUrl: string): SapSettings {
  return {
    baseUrl,
    user: sapDefaults.user,
    password: sapDefaults.password,
    invoicedBy: "journal entry" as const,
    salesOrderType: "ZOWB",
    salesOrganization: "1010",
    distributionChannel: "10",
    division: "00",
    soldToParty: consumerAccount,
    companyCode: "1010",
    language: "EN",
    noteTextId: "TX01",
    defaultPlant: "W001",
    plants: Object.fromEntries(estate.locations.map((location) => [location.locationId, location.erpPlant])),
    rejectionReason: "61",
    conditions: {
      price: "PPR0",
      tax: "TTX1",
      shipping: "YBHD",
      tip: "YTIP",
      duty: "YDTY",
      fee: "YFEE",
      rounding: "DIFF",
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
      },
      none: "A0",
    },
    journalTypes: { invoice: "DR", credit: "DG", payment: "DZ", reversal: "DA" },
    allowPrivateNetwork: true,
  }
}

export async function startErpBench(options: { seed?: number; skuCount?: number } = {}): Promise<ErpBench> {
  const estate = createEstate({ seed: options.seed ?? 7, skuCount: options.skuCount ?? 300 })
  const simulator = await startSap({ seed: 7, ...demoCompany(estate) })
  const settings = erpSettings(estate, simulator.url)
  const log = createLog("test", "silent")
  const erp = sapS4hana.connect(settings, { connectionId: "erp", clock: systemClock, log })
  return {
    estate,
    simulator,
    erp,
    settings,
    stop: async () => {
      erp.close()
      await simulator.stop()
    },
  }
}
