import { afterAll, beforeAll, expect, test } from "vitest"
import { createEstate } from "../../estate/estate.ts"
import type { Simulator } from "../../simulator.ts"
import { shopifyDefaults, startShopify } from "../shopify.ts"

let shop: Simulator
beforeAll(async () => {
  shop = await startShopify({ seed: 7, estate: createEstate({ seed: 7, skuCount: 300 }) })
})
afterAll(() => shop.stop())

interface Answer {
  errors?: { message: string; extensions: { code: string } }[]
  data?: {
    inventorySetQuantities?: { userErrors: { code: string; field: string[] }[] }
    inventoryItems?: { nodes: { id: string; sku: string; inventoryLevel: { quantities: { quantity: number }[] } }[] }
  }
}

async function graph(query: string, variables: object): Promise<Answer> {
  const answer = await fetch(`${shop.url}/admin/api/2026-10/graphql.json`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-shopify-access-token": shopifyDefaults.accessToken },
    body: JSON.stringify({ query, variables }),
  })
  // The shape is what the simulator's schema says for the queries below.
  return (await answer.json()) as Answer
}

const location = "gid://shopify/Location/70000000001"
let keys = 0
const set = (quantities: object[], directive = true) =>
  graph(
    `mutation Set($input: InventorySetQuantitiesInput!${directive ? ", $key: String!" : ""}) {
      inventorySetQuantities(input: $input) ${directive ? "@idempotent(key: $key)" : ""} {
        inventoryAdjustmentGroup { id } userErrors { code field message }
      }
    }`,
    { input: { name: "available", reason: "correction", quantities }, ...(directive && { key: `k${(keys += 1)}` }) },
  )

async function item(sku: string): Promise<{ id: string; quantity: number }> {
  const query = `query Items($query: String!, $at: ID!) { inventoryItems(first: 10, query: $query) {
    nodes { id sku inventoryLevel(locationId: $at) { quantities(names: ["available"]) { quantity } } } } }`
  const found = (await graph(query, { query: `sku:"${sku}"`, at: location })).data?.inventoryItems?.nodes ?? []
  expect(found.map((node) => node.sku)).toEqual([sku])
  return { id: found[0]?.id ?? "", quantity: found[0]?.inventoryLevel.quantities[0]?.quantity ?? Number.NaN }
}

const quantity = (id: string, to: number, from: number | null = null) => ({
  inventoryItemId: id,
  locationId: location,
  quantity: to,
  changeFromQuantity: from,
})

test("one bad quantity fails the whole mutation and names its place; nothing is set", async () => {
  const [first, second] = [await item("SKU-00000"), await item("SKU-00001")]
  const answer = await set([quantity(first.id, 5), quantity(second.id, -1)])
  expect(answer.data?.inventorySetQuantities?.userErrors).toMatchObject([
    { code: "INVALID_QUANTITY_NEGATIVE", field: ["input", "quantities", "1", "quantity"] },
  ])
  expect((await item("SKU-00000")).quantity).toBe(0)
  expect((await set([quantity(first.id, 5)])).data?.inventorySetQuantities?.userErrors).toEqual([])
  expect((await item("SKU-00000")).quantity).toBe(5)
})

test("a level that is not what the caller expected is stale, and null opts out of the check", async () => {
  const { id } = await item("SKU-00002")
  const codes = async (from: number | null) =>
    (await set([quantity(id, 7, from)])).data?.inventorySetQuantities?.userErrors.map(({ code }) => code)
  expect(await codes(3)).toEqual(["CHANGE_FROM_QUANTITY_STALE"])
  expect(await codes(0)).toEqual([])
  expect(await codes(null)).toEqual([])
})

test("a quantity without changeFromQuantity, a call without @idempotent and 251 quantities are refused as errors of the query", async () => {
  const { id } = await item("SKU-00003")
  const { changeFromQuantity: _left, ...without } = quantity(id, 1)
  const codeOf = (answer: Answer) => answer.errors?.[0]?.extensions.code
  expect(codeOf(await set([without]))).toBe("INVALID_FIELD_ARGUMENTS")
  expect(codeOf(await set([quantity(id, 1)], false))).toBe("BAD_REQUEST")
  expect(codeOf(await set(Array.from({ length: 251 }, () => quantity(id, 1))))).toBe("MAX_INPUT_SIZE_EXCEEDED")
  expect((await item("SKU-00003")).quantity).toBe(0)
})
