import { expect, it } from "vitest"
import { barcodesByArticle } from "./barcodes.ts"

const property = (name: string, value: string) => ({ name, value })

it("P-34: the codes of an article are its lines' own, and those in properties that shops' apps write, as GTINs", () => {
  const lines = [
    {
      sku: "A",
      barcode: "4006381333931",
      properties: [property("_EAN", "4006381333931"), property("upc-a", "012345678905")],
    },
    { sku: "A", properties: [property("ISBN", "978-3-16-148410-0"), property("GTIN14", "04006381333931")] },
    { sku: "B", properties: [property("Engraving", "4006381333931"), property("barcode", "4006381333932")] },
    { sku: "__proto__", barcode: "4006381333931" },
  ]
  const found = barcodesByArticle(lines)
  expect(found["A"]).toEqual(["04006381333931", "00012345678905", "09783161484100"])
  expect(Object.keys(found).toSorted()).toEqual(["A", "__proto__"])
})

it("P-34: a kit's own code says nothing of what is in it", () => {
  expect(barcodesByArticle([{ sku: "KIT", barcode: "4006381333931", components: [{ sku: "PART" }] }])).toEqual({})
})
