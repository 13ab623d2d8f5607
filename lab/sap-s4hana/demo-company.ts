import type { Estate } from "../estate/estate.ts"
import type { MasterData } from "./company.ts"
import type { SapOptions } from "./sap-s4hana.ts"

/** Accounts a shop posts to, in numbers close to SAP's standard chart for Europe (YCOA); the names are ours. */
const demoGlAccounts: ReadonlyMap<string, string> = new Map([
  ["10010000", "Cash in stores"],
  ["11001010", "Bank"],
  ["11001050", "Card payments in transit"],
  ["11001060", "PayPal in transit"],
  ["12100000", "Receivables"],
  ["13600000", "Stock of goods"],
  ["21900000", "Gift cards outstanding"],
  ["21950000", "Deposits and prepayments"],
  ["22000000", "Output tax"],
  ["22010000", "Duties payable"],
  ["41000000", "Revenue, goods"],
  ["41000500", "Revenue, shipping"],
  ["41900000", "Discounts given"],
  ["41950000", "Returns"],
  ["44000000", "Other income, tips"],
  ["51600000", "Cost of goods sold"],
  ["65100000", "Cash rounding differences"],
  ["65200000", "Exchange differences"],
  ["65300000", "Payment fees"],
])

/** One customer number for all consumers, as shops usually do it. */
export const consumerAccount = "10100001"

/** Master data and opening stock of the demo retailer. */
export function demoCompany(estate: Estate): Pick<SapOptions, "master" | "stock"> {
  const plants = new Map(estate.locations.map((location) => [location.locationId, location.erpPlant]))
  const master: MasterData = {
    materials: new Map(estate.skus.map((item) => [item.sku, { unit: item.unit === "kg" ? "KG" : "EA" }])),
    customers: new Set([consumerAccount, ...estate.customers.flatMap((customer) => customer.erpCustomer ?? [])]),
    plants: estate.locations.map((location) => location.erpPlant),
    salesOrganization: "1010",
    distributionChannel: "10",
    division: "00",
    companyCode: "1010",
    currency: "EUR",
    glAccounts: new Set(demoGlAccounts.keys()),
    taxCodes: new Map(
      ["A0", "A1", "A2", "A3", "A4", "A5", "A6", "A7", "U1", "C1", "J1"].map((code) => [code, "22000000"]),
    ),
    orderTypes: new Map([
      ["OR", { isBilled: true }],
      // A copy of OR whose items are not relevant for billing: the invoice is posted as a journal entry.
      ["ZOWB", { isBilled: false }],
    ]),
    openFrom: monthsAgo(2),
  }
  const stock = estate.stock.flatMap((row) => {
    const plant = plants.get(row.locationId)
    return plant === undefined ? [] : [{ material: row.sku, plant, quantityMilli: row.onHandMilli }]
  })
  return { master, stock }
}

/** The first day of a month back: earlier periods are closed. */
function monthsAgo(months: number): string {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 10)
}
