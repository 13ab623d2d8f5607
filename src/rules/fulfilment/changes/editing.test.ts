import { describe, expect, it } from "vitest"
import { Goods, nowhere } from "../../../../test/fixtures/fulfilment/goods.ts"
import { card, edit, euro, parcel, plainOrder, short, type Pieces } from "../../../../test/fixtures/fulfilment/told.ts"
import { newestEdit } from "./edit.ts"
import { openMilli } from "../state.ts"

const order = plainOrder({ A: 3, B: 1 })
const places = { north: { A: 3 }, south: { B: 1 } }
const version = "2026-11-20T12:00:00.000Z"
const edited = (pieces: Pieces, more = {}) => plainOrder(pieces, { version, ...more })
const address = { name: "Ada", line1: "1 Main St", postalCode: "1000", city: "Ghent", countryCode: "BE" }
const released = (more: ConstructorParameters<typeof Goods>[2] = {}) => Goods.released(order, places, more)
const applied = (goods: Goods, to: ReturnType<typeof edited>) => {
  goods.hear(edit("e1", to))
  return goods.decide("changed after release#e1", "apply")
}
const refuses = (leg: number): ConstructorParameters<typeof Goods>[2] => ({
  answers: {
    "stop leg": (asked) =>
      asked.leg === leg ? { cancelled: [], refused: asked.lines } : { cancelled: asked.lines, refused: [] },
  },
})

describe("the newest of several edits", () => {
  it("is the one with the latest version, and of one moment the one told last", () => {
    const [first, second, old] = [
      edited({ A: 1 }),
      edited({ A: 2 }),
      plainOrder({ A: 9 }, { version: "2026-11-19T00:00:00.000Z" }),
    ]
    expect(newestEdit(order, [first, second, old])).toBe(second)
    expect(newestEdit(order, [old])).toBeNull()
    expect(newestEdit(order, [edited({ A: 3, B: 1 })])).toBeNull()
  })
})

describe("an edit that came before the release", () => {
  const begun = (pieces: Pieces, more: ConstructorParameters<typeof Goods>[2] = {}) => {
    const goods = new Goods(order, places, more)
    return { goods, done: goods.hear({ type: "booked", edited: edited(pieces), facts: ["e1"] }) }
  }

  it("is booked as part of the order: less is not asked for, the ERP is amended, nobody is asked", () => {
    const { done, goods } = begun({ A: 1, B: 1 })
    expect(done).toEqual([
      "amend in ERP as early: 1 A, 1 B",
      "release leg 1",
      "pass the point of no return",
      "release leg 2",
      "announce released",
    ])
    expect(goods.state.legs[0]?.lines[0]?.quantity.milli).toBe(1000)
    expect([...goods.state.cancelled.values()]).toEqual([0])
    // Before anything is released the order waits for the ERP, because a refusal can still undo everything.
    expect(goods.effects[0]).toMatchObject({ do: "amend in ERP", isEarly: true, ifItWaits: "stop" })
  })

  it("adds what is more in a leg that is released with the others", () => {
    expect(begun({ A: 4, B: 1 }).done.slice(0, 3)).toEqual([
      "reserve for edit early: 1 A",
      "route edit early:: 1 A",
      "amend in ERP as early: 4 A, 1 B",
    ])
    expect(begun({ A: 4, B: 1 }).goods.state.legs.map(({ request }) => request)).toEqual(["sent", "sent", "sent"])
  })

  it("that is told again after the release is known", () => {
    expect(begun({ A: 1, B: 1 }).goods.hear(edit("e1", edited({ A: 2, B: 1 })))).toEqual([])
  })
})

describe("an edit that comes after the release", () => {
  it("waits for a person, and only the newest one waits", () => {
    const goods = released()
    expect(goods.hear(edit("e1", edited({ A: 2, B: 1 })))).toEqual(["raise changed after release#e1"])
    const newer = plainOrder({ A: 1, B: 1 }, { version: "2026-11-20T13:00:00.000Z" })
    expect(goods.hear(edit("e2", newer))).toEqual(["raise changed after release#e2", "settle changed after release#e1"])
    expect(goods.hear(edit("e0", edited({ A: 2, B: 1 })))).toEqual([])
    expect(goods.state.waitingEdits.map(({ fact }) => fact)).toEqual(["e2"])
  })

  it("that changes nothing, or is older than the order, asks nobody", () => {
    const goods = released()
    expect(goods.hear(edit("e1", edited({ A: 3, B: 1 })))).toEqual([])
    expect(goods.hear(edit("e2", plainOrder({ A: 1 }, { version: "2026-11-19T00:00:00.000Z" })))).toEqual([])
  })

  it("is only reported when the policy keeps orders as they were", () => {
    const goods = released({ terms: { onLateEdit: "keep" } })
    expect(goods.hear(edit("e1", edited({ A: 2, B: 1 })))).toEqual(["raise changed after release#e1"])
    expect(goods.state.waitingEdits).toEqual([])
  })

  it("keeps an order open that has shipped, until it is decided", () => {
    const goods = released()
    goods.hear(edit("e1", edited({ A: 2, B: 1 })), parcel("S1", "north", { A: 3 }), parcel("S2", "south", { B: 1 }))
    expect(goods.state.phase).toBe("moving")
    expect(goods.decide("changed after release#e1", "keep")).toContain("close as closed")
  })

  it("takes goods off: they are stopped, and are no longer part of the order", () => {
    const goods = released()
    expect(applied(goods, edited({ A: 1, B: 1 }))).toEqual([
      `stop leg 1 as ${version}:A: 2 A`,
      `amend in ERP as ${version}: 1 A, 1 B`,
    ])
    expect([openMilli(goods.state, "A"), goods.state.cancelled.get("A")]).toEqual([1000, 0])
  })

  it("takes goods off that have gone too far: a person is told, and they ship", () => {
    const goods = released(refuses(1))
    expect(applied(goods, edited({ A: 1, B: 1 }))).toEqual([
      `stop leg 1 as ${version}:A: 2 A`,
      `raise too late to change#${version}`,
      `amend in ERP as ${version}: 1 A, 1 B`,
    ])
  })

  it("takes goods off one location after another until enough is stopped", () => {
    const goods = Goods.released(plainOrder({ A: 3 }), { north: { A: 2 }, south: { A: 1 } }, refuses(1))
    expect(applied(goods, edited({ A: 2 }))).toEqual([
      `stop leg 1 as ${version}:A: 1 A`,
      `stop leg 2 as ${version}:A: 1 A`,
      `amend in ERP as ${version}: 2 A`,
    ])
  })

  it("adds goods: they are reserved, found and released in a leg of their own", () => {
    const goods = released()
    expect(applied(goods, edited({ A: 3, B: 2, C: 1 }))).toEqual([
      `reserve for edit ${version}: 1 B, 1 C`,
      `find locations ${version}:1 for 1 B, 1 C but not -`,
      "release leg 3",
      `amend in ERP as ${version}: 3 A, 2 B, 1 C`,
    ])
    expect(goods.state.legs[2]?.reservation).toBe(`ord_0000000000000001:${version}`)
  })

  it("adds goods that nobody has: a person is told, they are not shipped, and the ERP does not wait for them", () => {
    const goods = released({
      answers: { "reserve for edit": () => ({ granted: false, short: [{ sku: "SKU-A", missingMilli: 1000 }] }) },
    })
    expect(applied(goods, edited({ A: 4, B: 1 }))).toEqual([
      `reserve for edit ${version}: 1 A`,
      `raise no stock for the edit#${version}`,
      `amend in ERP as ${version}: 3 A, 1 B`,
    ])
    expect(openMilli(goods.state, "A")).toBe(3000)
  })

  it("adds goods that are reserved and on no shelf: they are sought from time to time", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    expect(applied(goods, edited({ A: 4, B: 1 }))).toContain(`raise goods are nowhere#${version}:`)
    expect(goods.state.sought.map(({ reservation }) => reservation)).toEqual([`ord_0000000000000001:${version}`])
  })

  it("adds goods that are reserved and never placed: their stock is given back at the end", () => {
    const goods = released({ answers: { "find locations": nowhere } })
    applied(goods, edited({ A: 4, B: 1 }))
    goods.decide(`goods are nowhere#${version}:`, "cancel the rest")
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(parcel("S2", "south", { B: 1 }))).toContain(
      `give back leftover stock ord_0000000000000001:${version}`,
    )
  })

  it("changes the address: what can be stopped is asked for again, the rest goes to the old one", () => {
    const goods = released(refuses(2))
    expect(applied(goods, edited({ A: 3, B: 1 }, { shippingAddress: address }))).toEqual([
      `stop leg 1 as ${version}:address: 3 A`,
      `stop leg 2 as ${version}:address: 1 B`,
      `raise ships to the old address#${version}`,
      "release leg 3",
      `amend in ERP as ${version}: 3 A, 1 B`,
    ])
    expect([openMilli(goods.state, "A"), openMilli(goods.state, "B")]).toEqual([3000, 1000])
  })

  it("of a channel that reports payments apart leaves what is known of them as it is", () => {
    const goods = released()
    applied(goods, edited({ A: 2, B: 1 }, { tenders: [] }))
    expect(goods.state.order.tenders).toEqual([card(4000)])
  })

  it("that gave a discount between two parcels leaves invoices that differ, and somebody is told", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 3 }))
    const cheaper = edited({ A: 3, B: 1 })
    const lines = cheaper.lines.map((line) => (line.id === "A" ? { ...line, total: euro(2000) } : line))
    applied(goods, { ...cheaper, lines, total: euro(3000) })
    expect(goods.hear(parcel("S2", "south", { B: 1 }))).toContain("raise invoices differ from the order")
  })

  it("an ERP that has yet to accept one amendment gets no other before it", () => {
    const goods = released({ answers: { "amend in ERP": () => "waiting" } })
    expect(applied(goods, edited({ A: 2, B: 1 }))).toContain(`amend in ERP as ${version}: 2 A, 1 B`)
    goods.answer({ "amend in ERP": () => undefined })
    goods.hear(edit("e2", plainOrder({ A: 1, B: 1 }, { version: "2026-11-20T13:00:00.000Z" })))
    const second = goods.decide("changed after release#e2", "apply")
    expect(second.filter((text) => text.startsWith("amend"))).toEqual([])
  })

  it("that takes off what is nowhere and has shipped in part leaves nothing to cancel, and the rest ships", () => {
    const goods = released()
    goods.hear(edit("e1", edited({ A: 0, B: 1 })))
    goods.hear(parcel("S1", "north", { A: 1 }))
    goods.answer({ "find locations": nowhere })
    goods.hear(short("X1", "north", { A: 1 }))
    goods.decide("changed after release#e1", "apply")
    goods.decide("goods are nowhere#X1:", "cancel the rest")
    expect(goods.state.cancelled.get("A") ?? 0).toBe(0)
    expect(() => goods.hear(parcel("S2", "south", { B: 1 }))).not.toThrow()
  })
})
