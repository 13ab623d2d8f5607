import { afterAll, beforeAll, expect, test } from "vitest"
import { startReceiver } from "./receiver.ts"
import type { Lab } from "./start.ts"
import { startLab } from "./start.ts"

let lab: Lab
let receiver: Awaited<ReturnType<typeof startReceiver>>
beforeAll(async () => {
  receiver = await startReceiver()
  lab = await startLab({ seed: 7, skuCount: 200, target: receiver.url, shopify: { authorisedShare: 1, oddShare: 0 } })
})
afterAll(async () => {
  await lab.stop()
  await receiver.stop()
})

test("every simulator answers on an address of its own and knows its books", async () => {
  const urls = new Set(lab.simulators.map((simulator) => simulator.url))
  expect(urls.size).toBe(10)
  for (const url of urls) expect((await fetch(`${url}/__lab/books`)).status).toBe(200)
})

test("an authorised order of the shop is a hold at the payment provider", async () => {
  const response = await fetch(`${lab.shopify.url}/__lab/orders`, {
    method: "POST",
    body: JSON.stringify({ count: 3, payment: "authorised" }),
  })
  expect(response.status).toBe(200)
  const holds = JSON.stringify(lab.stripe.books())
  const orders = (lab.shopify.books()["orders"] ?? []) as { transactions: { payment_id: string; kind: string }[] }[]
  const authorised = orders.flatMap((order) => order.transactions.filter((item) => item.kind === "authorization"))
  expect(authorised).toHaveLength(3)
  for (const { payment_id } of authorised) expect(holds).toContain(payment_id)
})

test("only the simulators named are started; asking for another one is an error that says so", async () => {
  const small = await startLab({ seed: 7, skuCount: 50, only: ["tax", "estateServer"] })
  expect(small.simulators.map(({ name }) => name)).toEqual(["tax", "estate"])
  expect((await fetch(`${small.tax.url}/__lab/books`)).status).toBe(200)
  expect(() => small.stripe).toThrow("this lab was started without stripe")
  await small.stop()
})

test("a place's opening stock is the estate's", async () => {
  const [place] = lab.estate.locations
  const answer = await fetch(`${lab.estateServer.url}/__lab/estate/stock/${place?.locationId}`)
  const expected = lab.estate.stock.filter((row) => row.locationId === place?.locationId)
  expect(expected.length).toBeGreaterThan(0)
  expect(await answer.json()).toEqual({ stock: expected })
})

test("the estate is served, and the ERP knows its materials and plants", async () => {
  const estate = (await (await fetch(`${lab.estateServer.url}/__lab/estate`)).json()) as Lab["estate"]
  expect(estate.skus).toEqual(lab.estate.skus)
  const plants = new Set((lab.sap.books()["stock"] as { Plant: string }[]).map((row) => row.Plant))
  for (const { erpPlant } of estate.locations) expect(plants).toContain(erpPlant)
})
