import { expect, test } from "vitest"
import { plainOrder, quantities } from "../../../../test/fixtures/fulfilment/told.ts"
import { tooLateToChange } from "./changes.ts"

const order = plainOrder({ A: 3, B: 1 })

test("an exception names units by their article, and a line that the order does not have by its id", () => {
  const { text } = tooLateToChange(order, quantities({ A: 2, X: 1 }), "e1")
  const [first] = order.lines
  expect(text.summary).toContain(`2 × ${first?.sku}, 1 of a line X that the order does not have`)
})
