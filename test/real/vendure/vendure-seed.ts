import type { GraphqlClient } from "./vendure-client.ts"

export const VENDURE_PRODUCTS = 20

/** Opens the shop through its own admin API: country, zone, tax, shipping, payment, and products SKU-000 …. */
export async function seedShop(admin: GraphqlClient, stockOnHand: number): Promise<void> {
  const zoneId = await makeZone(admin)
  const taxCategoryId = await makeTax(admin, zoneId)
  await makeShipping(admin)
  await makePaymentMethod(admin)
  for (let number = 0; number < VENDURE_PRODUCTS; number += 1) {
    await makeProduct(admin, { number, taxCategoryId, stockOnHand })
  }
}

/** Sets what every product has on hand. Absolute, as the admin API has it. */
export async function setShopStock(admin: GraphqlClient, stockOnHand: number): Promise<void> {
  const { productVariants } = await admin<{ productVariants: { items: { id: string }[] } }>(
    `{ productVariants(options: { take: 100 }) { items { id } } }`,
  )
  const input = productVariants.items.map(({ id }) => ({ id, stockOnHand }))
  await admin(`mutation ($input: [UpdateProductVariantInput!]!) { updateProductVariants(input: $input) { id } }`, {
    input,
  })
}

async function makeZone(admin: GraphqlClient): Promise<string> {
  const { createCountry } = await admin<{ createCountry: { id: string } }>(
    `mutation { createCountry(input: { code: "US", enabled: true,
       translations: [{ languageCode: en, name: "United States" }] }) { id } }`,
  )
  const { createZone } = await admin<{ createZone: { id: string } }>(
    `mutation ($id: ID!) { createZone(input: { name: "Home", memberIds: [$id] }) { id } }`,
    { id: createCountry.id },
  )
  const { activeChannel } = await admin<{ activeChannel: { id: string } }>(`{ activeChannel { id } }`)
  await admin(
    `mutation ($id: ID!, $zone: ID!) { updateChannel(input: { id: $id, defaultTaxZoneId: $zone,
       defaultShippingZoneId: $zone, defaultCurrencyCode: USD, availableCurrencyCodes: [USD],
       pricesIncludeTax: false, trackInventory: true, outOfStockThreshold: 0 }) { __typename ... on Channel { id } } }`,
    { id: activeChannel.id, zone: createZone.id },
  )
  return createZone.id
}

async function makeTax(admin: GraphqlClient, zoneId: string): Promise<string> {
  const { createTaxCategory } = await admin<{ createTaxCategory: { id: string } }>(
    `mutation { createTaxCategory(input: { name: "Standard", isDefault: true }) { id } }`,
  )
  await admin(
    `mutation ($category: ID!, $zone: ID!) { createTaxRate(input: { name: "Sales tax 20%", enabled: true, value: 20,
       categoryId: $category, zoneId: $zone }) { id } }`,
    { category: createTaxCategory.id, zone: zoneId },
  )
  return createTaxCategory.id
}

async function makeShipping(admin: GraphqlClient): Promise<void> {
  const calculatorArguments = { rate: "500", includesTax: "exclude", taxRate: "20" }
  const listed = Object.entries(calculatorArguments).map(([name, value]) => ({ name, value }))
  await admin(
    `mutation ($calculator: [ConfigArgInput!]!) { createShippingMethod(input: { code: "standard",
       fulfillmentHandler: "manual-fulfillment",
       checker: { code: "default-shipping-eligibility-checker", arguments: [{ name: "orderMinimum", value: "0" }] },
       calculator: { code: "default-shipping-calculator", arguments: $calculator },
       translations: [{ languageCode: en, name: "Standard", description: "" }] }) { id } }`,
    { calculator: listed },
  )
}

async function makePaymentMethod(admin: GraphqlClient): Promise<void> {
  await admin(
    `mutation { createPaymentMethod(input: { code: "dummy", enabled: true,
       handler: { code: "dummy-payment-handler", arguments: [{ name: "automaticSettle", value: "true" }] },
       translations: [{ languageCode: en, name: "Dummy card", description: "" }] }) { id } }`,
  )
}

type NewProduct = { number: number; taxCategoryId: string; stockOnHand: number }

async function makeProduct(admin: GraphqlClient, { number, taxCategoryId, stockOnHand }: NewProduct): Promise<void> {
  const sku = `SKU-${String(number).padStart(3, "0")}`
  const { createProduct } = await admin<{ createProduct: { id: string } }>(
    `mutation ($sku: String!, $slug: String!) { createProduct(input: { enabled: true,
       translations: [{ languageCode: en, name: $sku, slug: $slug, description: "" }] }) { id } }`,
    { sku, slug: sku.toLowerCase() },
  )
  // Odd cents, so that tax and totals have something to round.
  const price = 999 + number * 137
  const translations = [{ languageCode: "en", name: sku }]
  const input = [{ productId: createProduct.id, sku, price, taxCategoryId, stockOnHand, translations }]
  await admin(`mutation ($input: [CreateProductVariantInput!]!) { createProductVariants(input: $input) { id } }`, {
    input,
  })
}
