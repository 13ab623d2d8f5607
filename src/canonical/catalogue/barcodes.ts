import { gtin14 } from "./gtin.ts"

interface Coded {
  sku: string
  barcode?: string | undefined
  properties?: readonly { name: string; value: string }[] | undefined
  components?: readonly { sku: string }[] | undefined
}

// What apps and exports call a code on the goods. An ISBN of 13 digits is an EAN: ISBN Users' Manual, 7th edition, section 4.
const barcodeNames = /^_?(?:barcode|ean|gtin|isbn|upc)[-_ ]?(?:8|12|13|14|a)?$/i

/**
 * The codes on the goods that the lines of an order carry, as GTINs of 14 digits, by the article as its channel calls it. A code whose
 * check digit is wrong is none. A kit's own code says nothing of its components.
 */
export function barcodesByArticle(lines: readonly Coded[]): Readonly<Record<string, readonly string[]>> {
  const found = new Map<string, Set<string>>()
  for (const { sku, barcode = "", properties = [], components } of lines) {
    if (components) continue
    const written = [barcode, ...properties.filter(({ name }) => barcodeNames.test(name)).map(({ value }) => value)]
    const codes = written.flatMap((text) => gtin14(text) ?? [])
    if (codes.length > 0) found.set(sku, new Set([...(found.get(sku) ?? []), ...codes]))
  }
  return Object.fromEntries([...found].map(([sku, codes]) => [sku, [...codes].slice(0, barcodesMax)]))
}

/** The most codes of one article that are looked up. */
export const barcodesMax = 10
