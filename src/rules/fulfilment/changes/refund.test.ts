import { describe, expect, it } from "vitest"
import { Goods, nowhere } from "../../../../test/fixtures/fulfilment/goods.ts"
import {
  cancellation,
  parcel,
  plainOrder,
  quantities,
  refundedUnits,
  seenOfShop,
  short,
} from "../../../../test/fixtures/fulfilment/told.ts"
import { openMilli } from "../state.ts"

const order = plainOrder({ A: 3, B: 1 })
const places = { north: { A: 3 }, south: { B: 1 } }
const released = (more: ConstructorParameters<typeof Goods>[2] = {}) => Goods.released(order, places, more)
const refuses: ConstructorParameters<typeof Goods>[2] = {
  answers: { "stop leg": ({ lines }) => ({ cancelled: [], refused: lines }) },
}

describe("P-36: units that the shop refunded before they left", () => {
  it("are stopped, the ERP's order shrinks to the rest, and nobody is told: what never ships is never invoiced", () => {
    const goods = released()
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual([
      "stop leg 1 as refund:R1:A: 1 A",
      "amend in ERP as refund:R1: 2 A, 1 B",
    ])
    goods.hear(parcel("S1", "north", { A: 2 }))
    expect(goods.hear(parcel("S2", "south", { B: 1 })).at(-1)).toBe("close as closed")
  })

  it("are counted once, however often the refund is told", () => {
    const goods = released()
    goods.hear(refundedUnits("R1", { A: 1 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual([])
    expect(goods.hear(refundedUnits("R2", { A: 1 }))[0]).toBe("stop leg 1 as refund:R2:A: 1 A")
    expect(openMilli(goods.state, "A")).toBe(1000)
  })

  it("of the whole order end it like a cancellation", () => {
    const done = released().hear(refundedUnits("R1", { A: 3, B: 1 }))
    expect(done).toContain("cancel in ERP")
    expect(done.filter((text) => text.startsWith("amend"))).toEqual([])
    expect(done.at(-1)).toBe("close as cancelled")
  })

  it("before anything was released are never asked of a location", () => {
    const goods = new Goods(order, places)
    const refunds = [refundedUnits("R1", { A: 1, B: 1 })]
    expect(goods.hear({ type: "booked", edited: null, facts: [], refunds })).toEqual([
      "amend in ERP as refund:R1: 2 A, 0 B",
      "release leg 1",
      "pass the point of no return",
      "announce released",
    ])
    expect(goods.hear(...refunds)).toEqual([])
  })

  it("before anything was released, all of them: nothing is released", () => {
    const goods = new Goods(order, places)
    const done = goods.hear({ type: "booked", edited: null, facts: [], refunds: [refundedUnits("R1", { A: 3, B: 1 })] })
    expect(done.filter((text) => text.startsWith("release"))).toEqual([])
    expect(done.at(-1)).toBe("close as cancelled")
  })

  it("that can no longer be stopped ship: customer service is told, and finance, because they are invoiced", () => {
    expect(released(refuses).hear(refundedUnits("R1", { B: 1 }))).toEqual([
      "stop leg 2 as refund:R1:B: 1 B",
      "raise refunded goods ship#R1",
      "raise refunded by the shop#R1",
      "amend in ERP as refund:R1: 3 A, 1 B",
    ])
  })

  it("that no location has yet are simply not sought any more", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    goods.hear(short("X1", "south", { B: 1 }))
    expect(goods.hear(refundedUnits("R1", { B: 1 }))).toEqual(["amend in ERP as refund:R1: 3 A, 0 B"])
  })

  it("that were given up before stop nothing more", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    goods.hear(short("X1", "north", { A: 1 }))
    goods.decide("goods are nowhere#X1:", "cancel the rest")
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual(["raise refunded by the shop#R1"])
    expect(openMilli(goods.state, "A")).toBe(2000)
    expect(goods.hear(refundedUnits("R2", { A: 1 }))[0]).toBe("stop leg 1 as refund:R2:A: 1 A")
  })

  it("of an order that is being cancelled stop nothing a second time", () => {
    const goods = released(refuses)
    goods.hear(cancellation())
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual(["raise refunded by the shop#R1"])
  })

  it("with more money than they are worth: finance is told", () => {
    const done = released().hear(refundedUnits("R1", { A: 1 }, { left: false, amountMinor: 1500 }))
    expect(done).toContain("raise refunded by the shop#R1")
    expect(done[0]).toBe("stop leg 1 as refund:R1:A: 1 A")
  })
})

describe("refunded units that had left", () => {
  it("stop nothing", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 2 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }, { left: true }))).toEqual(["raise refunded by the shop#R1"])
    expect(openMilli(goods.state, "A")).toBe(1000)
  })

  it("are assumed where the shop does not say, as far as units have left", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 1 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }, {}))).toEqual(["raise refunded by the shop#R1"])
    expect(goods.hear(refundedUnits("R2", { A: 1 }, {}))[0]).toBe("stop leg 1 as refund:R2:A: 1 A")
  })

  it("are a return when the shop had not heard yet that they left", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }))[0]).toBe("raise refunded goods ship#R1")
  })

  it("P-08 our own refund stops nothing", () => {
    const told = { ...refundedUnits("R1", { A: 1 }), seen: { ...seenOfShop, isOurs: true } }
    expect(released().hear(told)).toEqual([])
  })
})

describe("P-38: what the shop shows otherwise than it was", () => {
  const shows = (output: { notOpen?: ReturnType<typeof quantities>; otherPlace?: string }) =>
    released({ answers: { "confirm to channel": () => output } })

  it("units that the shop has not open are told to customer service", () => {
    const done = shows({ notOpen: quantities({ A: 1 }) }).hear(parcel("S1", "north", { A: 2 }))
    expect(done).toContain("raise not shown by the shop#S1")
  })

  it("units that it refunded and that could not be stopped were told already", () => {
    const goods = shows({ notOpen: quantities({ B: 1 }) }).answer(refuses.answers ?? {})
    goods.hear(refundedUnits("R1", { B: 1 }))
    expect(goods.hear(parcel("S2", "south", { B: 1 }))).not.toContain("raise not shown by the shop#S2")
  })

  it("a gift card that the shop has handed out already needs nobody", () => {
    const goods = new Goods(
      plainOrder({ "digital-1": 1 }),
      {},
      {
        answers: { "confirm to channel": () => ({ notOpen: quantities({ "digital-1": 1 }) }) },
      },
    )
    const done = goods.hear({ type: "booked", edited: null, facts: [] })
    expect(done.filter((text) => text.startsWith("raise"))).toEqual([])
    expect(done.at(-1)).toBe("close as closed")
  })

  it("another place than the goods left from is told to operations", () => {
    const done = shows({ otherPlace: "does not stock it" }).hear(parcel("S1", "north", { A: 2 }))
    expect(done).toContain("raise shown at another place#S1")
  })

  it("a gift card that is shipped in an envelope leaves a shelf like any goods", () => {
    const lines = plainOrder({ A: 1 }).lines.map((line) => ({ ...line, isGiftCard: true }))
    const goods = new Goods(plainOrder({ A: 1 }, { lines }), { north: { A: 1 } })
    expect(goods.hear({ type: "booked", edited: null, facts: [] })).toContain("release leg 1")
    expect(goods.hear(parcel("S1", "north", { A: 1 }))[0]).toBe("consume stock S1: 1 A")
  })
})
