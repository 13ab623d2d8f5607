import { describe, expect, it } from "vitest"
import { Goods, nowhere } from "../../../../test/fixtures/fulfilment/goods.ts"
import {
  cancellation,
  parcel,
  plainOrder,
  quantities,
  refunded,
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

  it("of a line that the order lacks, because its edit waits or was left out, stop nothing and are credited nowhere", () => {
    const goods = released()
    expect(goods.hear(refundedUnits("R1", { NEW: 1 }))).toEqual([])
    goods.hear(parcel("S1", "north", { A: 3 }))
    const end = goods.hear(parcel("S2", "south", { B: 1 }))
    expect(end.filter((text) => text.includes("credit"))).toEqual([])
    expect(end.at(-1)).toBe("close as closed")
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

  it("that can no longer be stopped ship: customer service is told, and they are credited once they are invoiced", () => {
    const goods = released(refuses)
    expect(goods.hear(refundedUnits("R1", { B: 1 }))).toEqual([
      "stop leg 2 as refund:R1:B: 1 B",
      "raise refunded goods ship#R1",
      "amend in ERP as refund:R1: 3 A, 1 B",
    ])
    expect(goods.hear(parcel("S1", "north", { A: 3 }))).not.toContain("credit 1000 for R1")
    expect(goods.hear(parcel("S2", "south", { B: 1 }))).toContain("credit 1000 for R1")
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
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual([])
    expect(openMilli(goods.state, "A")).toBe(2000)
    expect(goods.hear(refundedUnits("R2", { A: 1 }))[0]).toBe("stop leg 1 as refund:R2:A: 1 A")
  })

  it("of an order that is being cancelled stop nothing a second time", () => {
    const goods = released(refuses)
    goods.hear(cancellation())
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual([])
  })

  it("with more money than they are worth: the rest is credited once there is an invoice", () => {
    const goods = released()
    expect(goods.hear(refundedUnits("R1", { A: 1 }, { left: false, amountMinor: 1500 }))[0]).toBe(
      "stop leg 1 as refund:R1:A: 1 A",
    )
    expect(goods.hear(parcel("S1", "north", { A: 1 }))).toContain("credit 500 for R1")
  })

  it("with less money than they are worth: finance is told", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 1 }))
    const done = goods.hear(refundedUnits("R1", { A: 1 }, { left: false, amountMinor: 900 }))
    expect(done).toContain("raise refunded by the shop#R1")
  })
})

describe("refunded units that had left", () => {
  it("stop nothing", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 2 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }, { left: true }))).toEqual(["credit 1000 for R1"])
    expect(openMilli(goods.state, "A")).toBe(1000)
  })

  it("are assumed where the shop does not say, as far as units have left", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 1 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }, {}))).toEqual(["credit 1000 for R1"])
    expect(goods.hear(refundedUnits("R2", { A: 1 }, {}))[0]).toBe("stop leg 1 as refund:R2:A: 1 A")
  })

  it("are not assumed while others of the line were given up and nobody has given their money back", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    goods.hear(parcel("S1", "north", { A: 2 }))
    goods.hear(short("X1", "north", { A: 1 }))
    goods.decide("goods are nowhere#X1:", "cancel the rest")
    expect(goods.hear(refundedUnits("R1", { A: 1 }, {}))).toEqual([])
    expect(goods.hear(refundedUnits("R2", { A: 1 }, {}))).toEqual(["credit 1000 for R2"])
  })

  it("that nobody ever saw leave are not credited when the order ends: they were never invoiced", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    expect(goods.hear(refundedUnits("R1", { B: 1 }, { left: true }))).toEqual([])
    goods.hear(parcel("S1", "north", { A: 3 }))
    goods.hear(short("X1", "south", { B: 1 }))
    const done = goods.decide("goods are nowhere#X1:", "cancel the rest")
    expect(done.at(-1)).toBe("close as closed")
    expect(done.filter((text) => text.startsWith("credit"))).toEqual([])
  })

  it("are a return when the shop had not heard yet that they left", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 3 }))
    const done = goods.hear(refundedUnits("R1", { A: 1 }))
    expect(done[0]).toBe("raise refunded goods ship#R1")
    expect(done).toContain("credit 1000 for R1")
  })

  it("and are heard before their parcel are credited with it, once", () => {
    const goods = released()
    expect(goods.hear(refundedUnits("R1", { A: 2 }, { left: true }))).toEqual([])
    expect(goods.hear(parcel("S1", "north", { A: 1 }))).not.toContain("credit 2000 for R1")
    expect(goods.hear(parcel("S2", "north", { A: 2 }))).toContain("credit 2000 for R1")
    expect(goods.hear(refundedUnits("R1", { A: 2 }, { left: true }))).toEqual([])
  })

  it("of an order whose rest is cancelled: only what had left is credited, at the end", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 1 }))
    goods.hear(cancellation())
    expect(goods.done.at(-1)).toBe("close as closed")
    const late = released(refuses)
    late.hear(parcel("S1", "north", { A: 1 }))
    late.hear(cancellation())
    expect(late.hear(refundedUnits("R1", { A: 3, B: 1 }))).toEqual([])
    late.hear(parcel("S2", "north", { A: 2 }))
    expect(late.hear(parcel("S3", "south", { B: 1 }))).toContain("credit 4000 for R1")
  })

  it("money alone is credited as far as no edit had left it over", () => {
    const money = (takenMinor: number) => refunded("R1", { ...seenOfShop, takenMinor })
    const shipped = () => {
      const goods = released()
      goods.hear(parcel("S1", "north", { A: 1 }))
      return goods
    }
    expect(shipped().hear(money(4000))).toEqual(["credit 500 for R1"])
    expect(shipped().hear(money(4200))).toEqual(["credit 300 for R1"])
    expect(shipped().hear(money(4500))).toEqual([])
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
