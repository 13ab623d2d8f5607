import { expect, test } from "vitest"
import { Pending } from "./pending.ts"

const changes = [
  { topic: "orders", id: "ord_de", channels: ["shop-de"] },
  { topic: "orders", id: "ord_fr", channels: ["shop-fr"] },
  { topic: "orders", id: "ord_de", channels: ["shop-de"] },
  { topic: "connections", id: "sap" },
  { topic: "operations", id: "op_1", channels: ["shop-de", "shop-fr"] },
] as const

test("a listener of all channels hears of each thing once", () => {
  const pending = new Pending()
  pending.add(changes, undefined)
  expect(pending.take()).toEqual([
    { topic: "orders", ids: ["ord_de", "ord_fr"], count: 2 },
    { topic: "connections", ids: ["sap"], count: 1 },
    { topic: "operations", ids: ["op_1"], count: 1 },
  ])
  expect(pending.take()).toEqual([])
})

test("a listener of one channel hears of that channel's things and of nothing that belongs to others or to all", () => {
  const pending = new Pending()
  pending.add(changes, ["shop-de"])
  expect(pending.take()).toEqual([{ topic: "orders", ids: ["ord_de"], count: 1 }])
})

test("a listener hears of the topics it asked for", () => {
  const pending = new Pending(["connections"])
  pending.add(changes, undefined)
  expect(pending.take().map(({ topic }) => topic)).toEqual(["connections"])
})

test("much of a topic is told as one: it may be anything", () => {
  const pending = new Pending()
  pending.add(
    Array.from({ length: 300 }, (_, n) => ({ topic: "orders" as const, id: `ord_${n}` })),
    undefined,
  )
  expect(pending.take()).toEqual([{ topic: "orders", ids: [], count: 100 }])
  pending.add([{ topic: "orders" }], ["shop-de"])
  expect(pending.take()).toEqual([{ topic: "orders", ids: [], count: 0 }])
})
