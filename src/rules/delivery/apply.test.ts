import { describe, expect, test } from "vitest"
import {
  afterNews,
  decideOpen,
  deliveredOrder,
  deliveryTerms,
  left,
  onDay,
  passDeadline,
  said,
  told,
} from "../../../test/fixtures/deliveries.ts"
import { beginDelivery, dueAt, isOver, stateOf } from "./apply.ts"

describe("a parcel that arrives", () => {
  test("is on its way, out for delivery and delivered, and its end is told once", () => {
    const delivered = told("A", "delivered", { at: onDay(2), signedBy: "J. Jansen" })
    const { state, actions } = afterNews([
      left("A"),
      told("A", "in transit"),
      told("A", "out for delivery", { at: onDay(2, "07:00:00") }),
      delivered,
      delivered,
      told("A", "delivered", { at: onDay(2, "10:00:09") }),
    ])
    expect(said(actions)).toEqual([
      "state: on its way",
      "state: out for delivery",
      "shipment.delivered",
      "state: delivered",
    ])
    expect(actions).toContainEqual(
      expect.objectContaining({
        fact: {
          type: "shipment.delivered",
          data: { orderId: deliveredOrder, shipmentId: "A", deliveredAt: onDay(2), signedBy: "J. Jansen" },
        },
      }),
    )
    expect([isOver(state), dueAt(state, deliveryTerms)]).toEqual([true, undefined])
  })

  test("counts when it is told before the parcel was reported as shipped", () => {
    const { state, actions } = afterNews([told("A", "delivered"), left("A")])
    expect([isOver(state), state.parcels.length, said(actions)]).toEqual([
      true,
      1,
      ["state: delivered", "shipment.delivered"],
    ])
  })

  test("is not taken back by a scan that is reported later", () => {
    const { state } = afterNews([left("A"), told("A", "delivered"), told("A", "in transit", { at: onDay(3) })])
    expect(stateOf(state)).toBe("delivered")
  })

  test("is one parcel whoever names it, by shipment, tracking number or fulfilment", () => {
    const byShop = { shipmentId: undefined, fulfilmentId: "F1", trackingNumber: "T-A" } as never
    const onlyFulfilment = { shipmentId: undefined, fulfilmentId: "F1" } as never
    const { state } = afterNews([told("", "delivered", onlyFulfilment), told("", "in transit", byShop), left("A")])
    expect(state.parcels.map(({ ids }) => ids)).toEqual([["fulfilment:F1", "tracking:T-A", "shipment:A"]])
    expect(stateOf(state)).toBe("delivered")
  })
})

describe("several parcels", () => {
  test("are delivered when the last one is, and a later one joins them after the end", () => {
    const both = afterNews([left("A"), left("B"), told("A", "delivered")])
    expect([stateOf(both.state), isOver(both.state)]).toEqual(["partly delivered", false])
    const done = afterNews([told("B", "delivered")], both.state)
    expect([stateOf(done.state), isOver(done.state)]).toEqual(["delivered", true])
    const more = afterNews([left("C", { shippedAt: onDay(5) })], done.state)
    expect([said(more.actions), isOver(more.state)]).toEqual([["state: partly delivered"], false])
  })

  test("of which one is lost are partly delivered in the end", () => {
    const { state } = afterNews([left("A"), left("B"), told("A", "delivered"), told("B", "lost")])
    expect(stateOf(state)).toBe("needs a person")
    const decided = decideOpen(state, "treat as lost", onDay(4))
    expect([said(decided.actions), isOver(decided.state)]).toEqual([["shipment.lost", "state: partly delivered"], true])
  })
})

describe("a parcel that is late", () => {
  test("is told after the time promised and the grace, and closed when it arrives", () => {
    const { state } = afterNews([left("A")])
    expect(dueAt(state, deliveryTerms)).toBe(onDay(4))
    const late = passDeadline(state)
    expect(said(late.actions)).toEqual(["raise: parcel is late", "state: late"])
    const [raised] = late.actions
    expect(raised).toMatchObject({
      text: { allowedActions: ["wait on", "treat as lost", "close"] },
      lines: [{ lineId: "L1" }],
    })
    const arrived = afterNews([told("A", "delivered", { at: onDay(5) })], late.state)
    expect(said(arrived.actions)).toEqual(["settle: parcel is late", "shipment.delivered", "state: delivered"])
  })

  test("is measured by the carrier's own date where it names one, and a new date closes what was told", () => {
    const { state } = afterNews([left("A"), told("A", "in transit", { expectedAt: onDay(6) })])
    expect(dueAt(state, deliveryTerms)).toBe(onDay(7))
    const late = passDeadline(state)
    const again = afterNews([told("A", "delayed", { at: onDay(7), expectedAt: onDay(8) })], late.state)
    expect(said(again.actions)).toEqual(["settle: parcel is late", "state: on its way"])
    expect(dueAt(again.state, deliveryTerms)).toBe(onDay(9))
  })

  test("is told again when a person chose to wait, and later presumed lost", () => {
    const late = passDeadline(afterNews([left("A")]).state)
    const waits = decideOpen(late.state, "wait on", onDay(6))
    expect([said(waits.actions), dueAt(waits.state, deliveryTerms)]).toEqual([["state: on its way"], onDay(8)])
    const again = passDeadline(waits.state)
    expect(again.actions).toContainEqual(
      expect.objectContaining({ do: "raise", name: { step: "parcel is late", part: "shipment:A:2" } }),
    )
    const lost = passDeadline(again.state)
    expect(said(lost.actions)).toEqual([
      "settle: parcel is late",
      "raise: parcel is presumed lost",
      "state: needs a person",
    ])
  })

  test("is not late while it lies ready for collection, until nobody comes", () => {
    const ready = afterNews([left("A"), told("A", "ready for collection")])
    expect([stateOf(ready.state), dueAt(ready.state, deliveryTerms)]).toEqual(["ready for collection", onDay(8)])
    expect(said(passDeadline(ready.state).actions)).toEqual(["raise: parcel is not collected", "state: needs a person"])
  })

  test("is watched no more when a person closes it", () => {
    const late = passDeadline(afterNews([left("A")]).state)
    const closed = decideOpen(late.state, "close", onDay(6))
    expect([said(closed.actions), isOver(closed.state)]).toEqual([["state: closed"], true])
  })
})

describe("a parcel that meets with a mishap", () => {
  test("is told when the carrier tried too often; two reports of one attempt are one", () => {
    const once = afterNews([
      left("A"),
      told("A", "attempt failed"),
      told("A", "attempt failed", { at: onDay(1, "10:03:00") }),
    ])
    expect(once.state.open).toEqual([])
    const twice = afterNews([told("A", "attempt failed", { at: onDay(2) })], once.state)
    expect(said(twice.actions)).toEqual(["raise: carrier could not deliver", "state: needs a person"])
    const waits = decideOpen(twice.state, "wait on", onDay(2))
    const third = afterNews([told("A", "attempt failed", { at: onDay(3) })], waits.state)
    expect(said(third.actions)).toEqual(["raise: carrier could not deliver", "state: needs a person"])
  })

  test("comes back: people are told on the way, the end is a fact with goods and reason, and is told to people", () => {
    const coming = afterNews([left("A"), told("A", "returning to sender", { text: "address unknown" })])
    expect(said(coming.actions).slice(1)).toEqual(["raise: parcel is coming back", "state: coming back"])
    const back = afterNews([told("A", "returned to sender", { at: onDay(5) })], coming.state)
    expect(said(back.actions)).toEqual([
      "settle: parcel is coming back",
      "shipment.came-back",
      "raise: parcel came back",
      "state: came back",
    ])
    expect(back.actions[1]).toMatchObject({
      fact: { data: { shipmentId: "A", reason: "address unknown", lines: [{ lineId: "L1" }], at: onDay(5) } },
    })
  })

  test.each([
    ["it arrived", ["shipment.delivered", "state: delivered"]],
    ["it came back", ["shipment.came-back", "raise: parcel came back", "state: came back"]],
  ])("delivered on its way back, a person says to whom: %s", (action, follows) => {
    const { state } = afterNews([left("A"), told("A", "returning to sender"), told("A", "delivered", { at: onDay(3) })])
    expect([state.open.map(({ kind }) => kind), isOver(state)]).toEqual([["delivered to whom"], false])
    expect(said(decideOpen(state, action, onDay(4)).actions)).toEqual(follows)
  })

  test("treated as lost and delivered after all, is delivered, and people are told of both", () => {
    const lost = decideOpen(afterNews([left("A"), told("A", "lost")]).state, "treat as lost", onDay(4))
    const found = afterNews([told("A", "delivered", { at: onDay(9) })], lost.state)
    expect(said(found.actions)).toEqual(["shipment.delivered", "raise: lost parcel arrived", "state: delivered"])
    const noted = decideOpen(found.state, "acknowledge", onDay(9))
    expect([noted.actions, noted.state.open]).toEqual([[], []])
  })

  test("damaged on the way and delivered stays an exception that can only be noted", () => {
    const { state, actions } = afterNews([left("A"), told("A", "delivered", { at: onDay(2) }), told("A", "damaged")])
    expect(actions).toContainEqual(
      expect.objectContaining({ do: "raise", text: expect.objectContaining({ allowedActions: ["acknowledge"] }) }),
    )
    expect(stateOf(state)).toBe("delivered")
  })
})

test("nothing is known before the first parcel, and nothing is due", () => {
  const state = beginDelivery(deliveredOrder)
  expect([isOver(state), dueAt(state, deliveryTerms)]).toEqual([false, undefined])
})
