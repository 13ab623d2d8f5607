import { expect, test } from "vitest"
import { isHinted, isTouched } from "./touched.ts"

const hint = (topic: string, ...ids: string[]) => [{ topic, ids, count: ids.length }]

test("a hint of one order touches the lists of orders and what is read of that order, and nothing of another", () => {
  const hints = hint("orders", "ord_1")
  const touched = [
    "/v1/orders",
    "/v1/orders?state=closed",
    "/v1/orders/ord_1",
    "/v1/orders/ord_1/money",
    "/v1/trace?of=order%2Ford_1",
  ]
  const left = ["/v1/orders/ord_2", "/v1/trace?of=order%2Ford_2", "/v1/exceptions", "/v1/kpis", "/v1/connections"]
  expect([...touched, ...left].filter((path) => isTouched(path, hints))).toEqual(touched)
})

test("a hint of a case touches the lists of cases, but not the cases of another order", () => {
  expect(isTouched("/v1/exceptions?state=open", hint("exceptions", "exc_1"))).toBe(true)
  expect(isTouched("/v1/exceptions/exc_2", hint("exceptions", "exc_1"))).toBe(false)
  expect(isTouched("/v1/exception-groups", hint("exceptions", "exc_1"))).toBe(false)
  expect(isTouched("/v1/exception-groups", hint("exception-groups", "grp_1"))).toBe(true)
})

test("a hint without ids touches everything of its topic", () => {
  expect(isTouched("/v1/orders/ord_9", hint("orders"))).toBe(true)
  expect(isTouched("/v1/kpis", hint("orders"))).toBe(false)
})

test("what the stream tells nothing of is read from time to time", () => {
  expect(isHinted("/v1/kpis")).toBe(false)
  expect(isHinted("/v1/orders?state=closed")).toBe(true)
  expect(isHinted("/v1/ordersomething")).toBe(false)
})
