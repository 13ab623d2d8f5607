import { expect, test } from "vitest"
import { createEstate } from "./estate.ts"

const estate = createEstate({ seed: 7 })

test("the same seed gives the same estate and another seed another one", () => {
  expect(createEstate({ seed: 7 })).toEqual(estate)
  expect(createEstate({ seed: 8 }).skus).not.toEqual(estate.skus)
})

test("a small catalogue begins with the items of a large one", () => {
  const small = createEstate({ seed: 7, skuCount: 100 })
  expect(small.skus.slice(0, 90)).toEqual(estate.skus.slice(0, 90))
})

test("the estate has five thousand different SKUs and barcodes, three warehouses and twenty stores", () => {
  expect(new Set(estate.skus.map((item) => item.sku)).size).toBe(5_000)
  expect(new Set(estate.skus.map((item) => item.barcode)).size).toBe(5_000)
  expect(estate.locations.filter((location) => location.kind === "warehouse")).toHaveLength(3)
  expect(estate.locations.filter((location) => location.kind === "store")).toHaveLength(20)
  expect(new Set(estate.locations.map((location) => location.erpPlant)).size).toBe(23)
})

test("every kit is made of plain items that exist and costs less than its parts", () => {
  const bySku = new Map(estate.skus.map((item) => [item.sku, item]))
  const kits = estate.skus.filter((item) => item.kind === "kit")
  expect(kits.length).toBeGreaterThan(50)
  for (const kit of kits) {
    const parts = kit.components.map((component) => ({ ...component, item: bySku.get(component.sku) }))
    expect(parts.every((part) => part.item?.kind === "plain" && part.item.unit === "ea")).toBe(true)
    const partsMinor = parts.reduce((sum, part) => sum + (part.item?.priceMinor ?? 0) * (part.quantityMilli / 1_000), 0)
    expect(kit.priceMinor).toBeLessThan(partsMinor)
  }
})

test("prices are positive whole cents and stock is never negative", () => {
  for (const item of estate.skus) expect(Number.isSafeInteger(item.priceMinor) && item.priceMinor > 0).toBe(true)
  expect(estate.stock.every((row) => Number.isSafeInteger(row.onHandMilli) && row.onHandMilli >= 0)).toBe(true)
  expect(estate.stock.some((row) => row.onHandMilli === 0)).toBe(true)
})

test("opening stock names only known places and items that can lie on a shelf", () => {
  const places = new Set(estate.locations.map((location) => location.locationId))
  const plain = new Set(estate.skus.filter((item) => item.kind === "plain").map((item) => item.sku))
  expect(estate.stock.every((row) => places.has(row.locationId) && plain.has(row.sku))).toBe(true)
  expect(new Set(estate.stock.map((row) => `${row.sku}@${row.locationId}`)).size).toBe(estate.stock.length)
})
