import { describe, expect, test } from "vitest"
import { eventExamples } from "../canonical/examples.ts"
import { newEvent, type EventData, type EventName, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { defineWorkflow, type Workflow } from "./define-workflow.ts"
import { workflowFollowUps } from "./follow-ups.ts"

function workflow(
  name: string,
  more: Partial<Workflow<"order.placed", unknown>> = {},
): Workflow<"order.placed", unknown> {
  return defineWorkflow<"order.placed", unknown>({
    name,
    purpose: "a test",
    about: "order",
    states: ["accepted"],
    owner: "operations",
    startsOn: "order.placed",
    hears: ["shipment.confirmed", "exception.decided"],
    interrupts: [],
    policies: "none",
    needs: [],
    steps: [],
    promisedAt: (data: EventData<"order.placed">) => data.order.placedAt,
    deadline: { hours: 1 },
    lane: "orders",
    run: () => Promise.resolve(),
    ...more,
  })
}

function example<Name extends EventName>(type: Name, more: object = {}): NewEvent {
  const data = { ...eventExamples[type], ...more }
  return newEvent({ type, fact: "f", source: "s", time: "2026-11-20T10:00:00.000Z", data } as NewEvent)
}

const { orderId } = eventExamples["order.placed"]
const about = ref("order", orderId)
const { placedAt } = eventExamples["order.placed"].order
const both = workflowFollowUps([workflow("fulfil"), workflow("watch")])

describe("what follows from an event", () => {
  test("the event that starts several workflows starts each of them about its object, with what was promised", () => {
    expect(both(example("order.placed"))).toEqual({
      starts: [
        { workflow: "fulfil", about, promisedAt: placedAt },
        { workflow: "watch", about, promisedAt: placedAt },
      ],
      signals: [],
    })
  })

  test("a start that is also heard is a signal as well, the first one included", () => {
    const follow = workflowFollowUps([workflow("fulfil", { hears: ["order.placed"] })])(example("order.placed"))
    expect(follow.signals).toEqual([{ workflow: "fulfil", about }])
  })

  test("an event that is about another object reaches the workflow of each object it mentions, and none twice", () => {
    expect(both(example("shipment.confirmed")).signals).toEqual([
      { workflow: "fulfil", about },
      { workflow: "watch", about },
    ])
  })

  test("an event that nobody listens to, and one about no object of the workflow's kind, reach nobody", () => {
    expect(both(example("stock.counted"))).toEqual({ starts: [], signals: [] })
    const other = workflowFollowUps([workflow("returns", { about: "return" as "order" })])
    expect(other(example("shipment.confirmed"))).toEqual({ starts: [], signals: [] })
  })

  test("a decision wakes the one workflow that asked", () => {
    const decided = (workflowName?: string) =>
      both(example("exception.decided", { about, workflow: workflowName })).signals
    expect(decided("watch")).toEqual([{ workflow: "watch", about }])
    expect(decided("somebody else")).toEqual([])
    expect(decided(undefined)).toEqual([])
  })
})
