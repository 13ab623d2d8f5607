import { describe, expect, it } from "vitest"
import { causedBy, Goods, nowhere } from "../../../test/fixtures/fulfilment/goods.ts"
import {
  cancellation,
  edit,
  fulfilledInShop,
  parcel,
  plainOrder,
  refunded,
  seenOfShop,
  short,
  timePassed,
} from "../../../test/fixtures/fulfilment/told.ts"
import { openMilli } from "./state.ts"
import { refundedByShop } from "./texts/money.ts"

const order = plainOrder({ A: 3, B: 1 })
const places = { north: { A: 3 }, south: { B: 1 } }
const booked = { type: "booked", edited: null, facts: [] } as const
const version = "2026-11-20T12:00:00.000Z"
const released = (answers: ConstructorParameters<typeof Goods>[2] = {}) => Goods.released(order, places, answers)

describe("releasing", () => {
  it("the first location must have its request before a cancellation becomes news; the others hold up nothing", () => {
    const goods = new Goods(order, places)
    expect(goods.hear(booked)).toEqual([
      "release leg 1",
      "pass the point of no return",
      "release leg 2",
      "announce released",
    ])
    expect(goods.effects.map(({ ifItWaits }) => ifItWaits)).toEqual(["stop", "go on"])
  })

  it("lines without a shelf are shipped at once, and an order of nothing else ends", () => {
    const goods = new Goods(plainOrder({ "digital-1": 1 }), {})
    const id = "digital-ord_0000000000000001"
    expect(goods.hear(booked)).toEqual([
      "pass the point of no return",
      "announce released",
      "date digital shipment",
      `post invoice ${id}`,
      "capture T1 1000, final",
      `confirm to channel ${id}`,
      `notify buyer ${id}`,
      `announce shipped#${id}`,
      "close as closed",
    ])
  })

  it("P-33: of what left over the counter the buyer is not told that it is on its way, and nobody is asked what the shop shows", () => {
    const lines = [{ lineId: "counter-1", quantity: { milli: 1000, unit: "ea" as const } }]
    const answers = { "confirm to channel": () => ({ notOpen: lines }) }
    const goods = new Goods(plainOrder({ "counter-1": 1 }), {}, { answers })
    const id = "digital-ord_0000000000000001"
    expect(goods.hear(booked)).toEqual([
      "pass the point of no return",
      "announce released",
      "date digital shipment",
      `post invoice ${id}`,
      "capture T1 1000, final",
      `confirm to channel ${id}`,
      `announce shipped#${id}`,
      "close as closed",
    ])
  })

  it("a location that is empty of lines is not asked", () => {
    const goods = new Goods(order, places)
    const smaller = plainOrder({ B: 1 }, { version })
    expect(goods.hear({ type: "booked", edited: smaller, facts: ["e"] })).toEqual([
      "amend in ERP as early: 1 B",
      "release leg 2",
      "pass the point of no return",
      "announce released",
    ])
  })
})

describe("a request that may or may not have reached its location", () => {
  const unknown = () => {
    const goods = new Goods(order, places, {
      answers: { "release leg": ({ leg }) => (leg === 2 ? "waiting" : { isOvertaken: false }) },
    })
    goods.hear(booked)
    return goods
  }

  it("is looked at before its location is asked to stop; when it was never sent, nobody is asked", () => {
    expect(unknown().hear(cancellation())).toEqual([
      "announce cancelling#c1",
      "stop leg 1 as c1: 3 A",
      "see whether overtaken 2",
      "give back leftover stock ord_0000000000000001",
      "cancel in ERP",
      "void T1",
      "cancel in channel",
      "notify buyer cancelled",
      "close as cancelled",
    ])
  })

  it("a request that a cancellation overtook is never sent, and its goods are cancelled", () => {
    const goods = new Goods(order, places, { answers: { "release leg": ({ leg }) => ({ isOvertaken: leg === 2 }) } })
    goods.hear(booked)
    expect(goods.hear(cancellation())).not.toContain("stop leg 2 as c1: 1 B")
    expect(goods.state.phase).toBe("ended")
  })
})

describe("cancelling what is under way", () => {
  it("nothing had left and all is stopped: the ERP's order is cancelled, not amended", () => {
    const done = released().hear(cancellation())
    expect(done).toContain("cancel in ERP")
    expect(done.filter((text) => text.startsWith("amend"))).toEqual([])
  })

  it("something had left: the order shrinks to it, and the rest of the authorisation is voided", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(cancellation())).toEqual([
      "announce cancelling#c1",
      "stop leg 2 as c1: 1 B",
      "amend in ERP as c1: 3 A, 0 B",
      "give back leftover stock ord_0000000000000001",
      "void T1",
      "close as closed",
    ])
  })

  it("a location refuses: a person is told, the order shrinks to what goes on, and ends when it has left", () => {
    const goods = released({
      answers: {
        "stop leg": ({ leg, lines }) =>
          leg === 2 ? { cancelled: [], refused: lines } : { cancelled: lines, refused: [] },
      },
    })
    expect(goods.hear(cancellation())).toEqual([
      "announce cancelling#c1",
      "stop leg 1 as c1: 3 A",
      "stop leg 2 as c1: 1 B",
      "raise too late to stop#c1",
      "amend in ERP as c1: 0 A, 1 B",
    ])
    const last = goods.hear(parcel("S2", "south", { B: 1 }))
    expect(last).toContain("announce shipped#S2")
    expect(last.at(-1)).toBe("close as closed")
  })

  it("a parcel does not name its request, so of two requests to one place the older is served first", () => {
    const goods = Goods.released(plainOrder({ A: 2 }), { north: { A: 2 } })
    goods.answer({
      "find locations": ({ request }) => ({
        routing: {
          lines: request.wanted.map(({ line, milli }) => ({
            lineId: line.id,
            sku: line.sku,
            quantity: { milli, unit: "ea" },
            locationId: "north",
          })),
          unfilled: [],
        },
        isPlaced: true,
      }),
    })
    goods.hear(edit("e1", plainOrder({ A: 5 }, { version })))
    goods.decide("changed after release#e1", "apply")
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(cancellation())).toContain("stop leg 2 as c1: 2 A")
  })

  it("what one location stops changes what is still open at the next", () => {
    const twice = Goods.released(plainOrder({ A: 3 }), { north: { A: 2 }, south: { A: 2 } })
    expect(twice.hear(cancellation()).slice(0, 3)).toEqual([
      "announce cancelling#c1",
      "stop leg 1 as c1: 2 A",
      "stop leg 2 as c1: 1 A",
    ])
  })

  it("goods that left although they were stopped count as shipped, and a return is due", () => {
    const goods = released({
      answers: {
        "stop leg": ({ leg, lines }) =>
          leg === 2 ? { cancelled: [], refused: lines } : { cancelled: lines, refused: [] },
      },
    })
    goods.hear(cancellation())
    expect(goods.hear(parcel("S1", "north", { A: 1 }))).toEqual([
      "raise shipped after it was stopped#S1",
      ...causedBy("S1", "1 A", { n: 1, capture: "T1 1000", state: "partly shipped" }),
    ])
    expect([goods.state.shipped.get("A"), goods.state.cancelled.get("A")]).toEqual([1000, 2000])
  })

  it("an order with an amendment that still waits in the ERP is not cancelled there before it", () => {
    const goods = released({
      answers: {
        "amend in ERP": () => "waiting",
        "stop leg": ({ leg, lines }) =>
          leg === 2 ? { cancelled: [], refused: lines } : { cancelled: lines, refused: [] },
      },
    })
    goods.hear(cancellation("c1"))
    goods.answer({ "stop leg": ({ lines }) => ({ cancelled: lines, refused: [] }) })
    const done = goods.hear(cancellation("c2"))
    expect(goods.state.phase).toBe("ended")
    expect(done.filter((text) => /cancel in|close|void|amend/.test(text))).toEqual([])
  })

  it("its goods are found nowhere else: nothing is released after a stop", () => {
    const goods = released({ answers: { "stop leg": ({ lines }) => ({ cancelled: [], refused: lines }) } })
    goods.hear(cancellation())
    expect(goods.hear(short("X1", "south", { B: 1 }))).toEqual(["amend in ERP as X1:: 3 A, 0 B"])
    goods.hear(edit("e1", plainOrder({ A: 4, B: 1 }, { version })))
    expect(goods.decide("changed after release#e1", "apply")).toEqual([`amend in ERP as ${version}: 3 A, 0 B`])
    expect(openMilli(goods.state, "A")).toBe(3000)
  })

  it("its goods are not turned round to another address: what can be stopped by now stays cancelled", () => {
    const goods = released({ answers: { "stop leg": ({ lines }) => ({ cancelled: [], refused: lines }) } })
    goods.hear(cancellation())
    goods.answer({
      "stop leg": ({ leg, lines }) =>
        leg === 1 ? { cancelled: lines, refused: [] } : { cancelled: [], refused: lines },
    })
    const shippingAddress = { name: "Ada", line1: "1 Main St", postalCode: "1000", city: "Ghent", countryCode: "BE" }
    goods.hear(edit("e1", plainOrder({ A: 3, B: 1 }, { version, shippingAddress })))
    expect(goods.decide("changed after release#e1", "apply").at(-1)).toBe(`amend in ERP as ${version}: 0 A, 1 B`)
    expect(goods.state.legs).toHaveLength(2)
  })
})

describe("goods that a location does not have", () => {
  it("are sought elsewhere under the reservation that holds them, and asked of who has them", () => {
    const goods = released()
    expect(goods.hear(short("X1", "south", { B: 1 }))).toEqual([
      "raise location is short#X1",
      "find locations X1:1 for 1 B but not south",
      "release leg 3",
    ])
    expect(goods.state.legs.map(({ locationId, lines }) => [locationId, lines.length])).toEqual([
      ["north", 1],
      ["south", 0],
      ["elsewhere", 1],
    ])
  })

  it("more than is still open is not sought", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 2 }))
    expect(goods.hear(short("X1", "north", { A: 3 }))[1]).toBe("find locations X1:1 for 1 A but not north")
    expect(goods.hear(short("X2", "north", { Z: 1 }))).toEqual([])
  })

  it("are sought once, however often and in whatever parts their location reports them", () => {
    const goods = released()
    goods.hear(short("X1", "north", { A: 2 }))
    expect(goods.hear(short("X1", "north", { A: 2 }))).toEqual([])
    expect(goods.hear(short("X2", "north", { A: 3 }))[1]).toBe("find locations X2:1 for 1 A but not north")
    expect(goods.hear(short("X3", "north", { A: 1 }))).toEqual([])
  })

  it("that another order was faster to take are looked for five times at once, then a person is told", () => {
    const taken = { routing: { lines: [], unfilled: [] }, isPlaced: false }
    const goods = released({ answers: { "find locations": () => taken } })
    const done = goods.hear(short("X1", "south", { B: 1 }))
    expect(done.filter((text) => text.startsWith("find"))).toHaveLength(5)
    expect(done.at(-1)).toBe("raise goods are nowhere#X1:")
    // Attempts continue to count, because each is a step of its own.
    expect(goods.hear(timePassed)[0]).toBe("find locations X1:6 for 1 B but not south")
  })

  it("that nobody has are looked for again from time to time, as long as they are wanted", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    goods.hear(short("X1", "south", { B: 1 }))
    expect(goods.hear(timePassed)).toEqual(["find locations X1:2 for 1 B but not south", "raise goods are nowhere#X1:"])
    goods.hear(parcel("S2", "south", { B: 1 }))
    expect(goods.hear(timePassed)).toEqual(["settle goods are nowhere#X1:"])
    expect(goods.state.sought).toEqual([])
  })

  it("a person gives up on: the order shrinks to the rest, or is taken back when nothing else is left", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    goods.hear(short("X1", "south", { B: 1 }))
    expect(goods.decide("goods are nowhere#X1:", "cancel the rest")).toEqual(["amend in ERP as X1:: 3 A, 0 B"])
    const alone = Goods.released(plainOrder({ B: 1 }), { south: { B: 1 } }, { answers: { "find locations": nowhere } })
    alone.hear(short("X1", "south", { B: 1 }))
    expect(alone.decide("goods are nowhere#X1:", "acknowledge")).toEqual([])
    expect(alone.decide("goods are nowhere#X1:", "cancel the rest").at(-1)).toBe("close as cancelled")
  })
})

describe("what the shop reports by itself", () => {
  it("P-08 an echo that comes before our own news of the parcel is settled when the location reports it", () => {
    const goods = released()
    expect(goods.hear(fulfilledInShop("F1", "track-S1"))).toEqual(["raise fulfilled past us#F1"])
    expect(goods.hear(parcel("S1", "north", { A: 1 }))[0]).toBe("settle fulfilled past us#F1")
    expect(goods.hear(fulfilledInShop("F1b", "track-S1"))).toEqual([])
  })

  it("refunds of an order that is cancelled as a whole are part of that and need nobody", () => {
    const goods = released()
    goods.hear(refunded("R1"))
    expect(goods.hear(cancellation()).at(-1)).toBe("close as cancelled")
    const all = released()
    all.hear(refunded("R1", { ...seenOfShop, takenMinor: 400 }))
    expect(all.hear(cancellation()).at(-1)).toBe("close as cancelled, settle refunded by the shop#R1")
  })

  it("P-08 our own refund, told by the shop, needs nobody", () => {
    expect(released().hear(refunded("R1", { ...seenOfShop, isOurs: true }))).toEqual([])
  })

  it("more given back than was taken is said with who gave what", () => {
    const given = [
      { by: "shop", amountMinor: 900, isOpen: false },
      { by: "crossdock", amountMinor: 200, isOpen: true },
    ]
    const told = refunded("R1", { ...seenOfShop, takenMinor: 1000, givenBack: given })
    if (told.type !== "order.refunded") throw new Error("a refund was expected")
    const { text } = refundedByShop(order, told.data, told.seen)
    expect(text.summary).toContain("10.00 EUR taken; refunded: 9.00 EUR by shop, 2.00 EUR by crossdock (under way)")
    expect(refundedByShop(order, told.data, seenOfShop).text.summary).not.toContain("more than was taken")
  })
})
