import { describe, expect, it } from "vitest"
import { eventTypes, type EventName } from "./events.ts"
import { eventExamples, exampleOrder } from "./examples.ts"
import { orderProblems } from "./order-invariants.ts"
import { validator } from "./validate.ts"

const names = Object.keys(eventTypes) as EventName[]

describe("examples", () => {
  it.each(names)("the example of %s is valid", (name) => {
    expect(validator(eventTypes[name].schema, name).problems(eventExamples[name])).toEqual([])
  })

  it("every order in an example adds up", () => {
    expect(orderProblems(exampleOrder)).toEqual([])
    expect(orderProblems(eventExamples["order.edited"].order)).toEqual([])
    expect(eventExamples["order.edited"].order.version > exampleOrder.version).toBe(true)
  })
})
