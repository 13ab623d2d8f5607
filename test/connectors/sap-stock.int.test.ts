import { afterAll, beforeAll, expect, test } from "vitest"
import { createEstate } from "../../lab/estate/estate.ts"
import { demoCompany } from "../../lab/sap-s4hana/demo-company.ts"
import { startSap } from "../../lab/sap-s4hana/sap-s4hana.ts"
import type { Simulator } from "../../lab/simulator.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { sapS4hana } from "../../src/connectors/sap-s4hana/connector.ts"
import { erpSettings } from "./sap-bench.ts"

// SAP's stock as it lies in its tables: rows by stock type, batch, special stock and sales document.

const estate = createEstate({ seed: 5, skuCount: 1200 })
const [first] = estate.locations
const plant = first?.erpPlant ?? ""
const { master, stock = [] } = demoCompany(estate)
let simulator: Simulator
let erp: ReturnType<typeof sapS4hana.connect>
beforeAll(async () => {
  const row = (more: object) => ({ material: "ZZ-SPLIT", plant, quantityMilli: 1000, ...more })
  simulator = await startSap({
    seed: 5,
    master,
    stock: [
      ...stock.filter((one) => one.plant === plant),
      row({ quantityMilli: 4000 }),
      row({ quantityMilli: 3000, batch: "B1" }),
      row({ quantityMilli: 2000, storageLocation: "0002" }),
      row({ quantityMilli: 50_000, stockType: "02" }),
      row({ quantityMilli: 60_000, stockType: "07" }),
      row({ quantityMilli: 70_000, specialStock: "E", salesOrder: "4711" }),
      row({ quantityMilli: 80_000, salesOrder: "4712" }),
    ],
  })
  const context = { connectionId: "sap", clock: systemClock, log: createLog("test", "silent") }
  erp = sapS4hana.connect({ ...erpSettings(estate, simulator.url), allowPrivateNetwork: true }, context)
})
afterAll(async () => {
  erp?.close()
  await simulator?.stop()
})

test("S-61: of what SAP has in a plant only what is unrestricted and nobody's is stock, every material once over all pages", async () => {
  const { reportsStock } = erp
  const call = { signal: AbortSignal.timeout(20_000), correlation: "stock" }
  const levels = new Map<string, number>()
  let pages = 0
  for (let cursor: string | undefined; ; pages += 1) {
    const page = await reportsStock.readStock(
      { locationId: first?.locationId ?? "", ...(cursor ? { cursor } : {}) },
      call,
    )
    for (const { sku, onHand } of page.levels) {
      expect(levels.has(sku)).toBe(false)
      levels.set(sku, onHand.milli)
    }
    expect(page.ordersUntil).toBeUndefined()
    cursor = page.next
    if (cursor === undefined) break
  }
  expect(pages).toBeGreaterThan(0)
  expect(levels.get("ZZ-SPLIT")).toBe(9000)
  const ours = stock.filter((one) => one.plant === plant && one.quantityMilli > 0)
  expect(levels.size).toBe(ours.length + 1)
  for (const { material, quantityMilli } of ours) expect(levels.get(material)).toBe(quantityMilli)
})

test("a place without a plant is refused before SAP is asked", async () => {
  const call = { signal: AbortSignal.timeout(5_000), correlation: "stock" }
  await expect(erp.reportsStock.readStock({ locationId: "nowhere" }, call)).rejects.toMatchObject({
    code: "CONFIG_INVALID",
  })
})
