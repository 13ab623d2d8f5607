import { expect, test } from "vitest"
import { own, type Ownership } from "../governance/ownership/own.ts"
import { freshMsOf, outwardProblems } from "./outward.ts"

const channels = { shop: { prices: { currency: "EUR" } } }
const messages = (rules: Ownership[], block: Parameters<typeof outwardProblems>[0] = { channels }) =>
  outwardProblems(block, rules).map(({ pointer, message }) => `${pointer}: ${message}`)
const prices = own("price.*", {}, { owner: "erp", to: ["shop"], fresh: "5m", oneMoment: true })

test("X-04: rules whose way out is published have no problem, and systems that ask for themselves are no business of ours", () => {
  expect(messages([prices, own("product.*", {}, { owner: "pim", to: ["api:site"] })])).toEqual([])
})

test("X-04: a field that goes where nothing of the kind is published is refused at the start, and so is a way to nowhere", () => {
  expect(messages([prices, own("product.title", { locale: "de" }, { owner: "pim", to: ["shop"] })])).toEqual([
    '/channels: product.title for locale=de goes to "shop", and no channel of it publishes products: declare them, or leave it out',
  ])
  expect(messages([prices, own("promotion.terms", {}, { owner: "people", to: ["shop"] })])[0]).toContain(
    "promotions are sent to no system",
  )
  expect(messages([prices, own("stock.count", {}, { owner: "wms", fresh: "1m" })])[0]).toContain("sent nowhere")
  expect(messages([prices, own("product.*", {}, { owner: "pim", to: ["api:site"], oneMoment: true })])[0]).toContain(
    "only prices change at a moment",
  )
})

test("X-04: a channel that publishes what no rule sends to it is refused at the start", () => {
  expect(messages([own("price.*", {}, { owner: "erp" })])[0]).toContain("/channels/shop/prices: no rule of ownership")
})

test("X-04: how old a change may be is what the strictest rule allows", () => {
  const sale = own("price.sale", {}, { owner: "erp", to: ["shop"], fresh: "30s" })
  expect(freshMsOf([prices, sale], { to: "shop", aspect: "price" })).toBe(30_000)
  expect(freshMsOf([prices], { to: "till", aspect: "price" })).toBeUndefined()
})
