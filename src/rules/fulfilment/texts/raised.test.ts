import { expect, test } from "vitest"
import { plainOrder, quantities } from "../../../../test/fixtures/fulfilment/told.ts"
import { tooLateToChange } from "./changes.ts"
import { locationIsShort } from "./goods.ts"

const order = plainOrder({ A: 3, B: 1 })

test("an exception names units by their article, and a line that the order does not have by its id", () => {
  const { text } = tooLateToChange(order, quantities({ A: 2, X: 1 }), "e1")
  const [first] = order.lines
  expect(text.summary).toContain(`2 × ${first?.sku}, 1 of a line X that the order does not have`)
})

test("places that are short of the same article are different causes, orders at one place one cause", () => {
  const causeAt = (locationId: string, id: string) =>
    locationIsShort(
      order,
      { id, locationId },
      order.lines.map((line) => ({ line, milli: 1000 })),
    ).text.because
  expect(causeAt("north", "X1")).toEqual(causeAt("north", "X2"))
  expect(causeAt("north", "X1")).not.toEqual(causeAt("south", "X1"))
})
