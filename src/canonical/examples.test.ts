import { describe, expect, it } from "vitest"
import { eventKey, eventTypes, type EventName } from "./events.ts"
import { eventExamples, exampleOrder } from "./examples.ts"
import { orderProblems } from "./order-invariants.ts"
import { validator } from "./validate.ts"

const names = Object.keys(eventTypes) as EventName[]

describe("examples", () => {
  it.each(names)("the example of %s is valid and has an ordering key", (name) => {
    expect(validator(eventTypes[name].schema, name).problems(eventExamples[name])).toEqual([])
    const { key } = eventTypes[name]
    expect(eventKey({ type: name, data: eventExamples[name] })).toBe(Reflect.get(eventExamples[name], key))
  })

  it("every order in an example adds up", () => {
    expect(orderProblems(exampleOrder)).toEqual([])
    expect(orderProblems(eventExamples["order.edited"].order)).toEqual([])
    expect(eventExamples["order.edited"].order.version > exampleOrder.version).toBe(true)
  })
})
