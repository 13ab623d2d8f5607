import { describe, expect, it } from "vitest"
import { causedBy, Goods, provider } from "../../../test/fixtures/fulfilment/goods.ts"
import { cancellation, card, euro, parcel, plainOrder } from "../../../test/fixtures/fulfilment/told.ts"

const order = plainOrder({ A: 3, B: 1 })
const places = { north: { A: 3 }, south: { B: 1 } }
const released = (more: ConstructorParameters<typeof Goods>[2] = {}) => Goods.released(order, places, more)
const [oneA, twoA, oneB] = [
  parcel("S1", "north", { A: 1 }),
  parcel("S2", "north", { A: 2 }),
  parcel("S3", "south", { B: 1 }),
]
const captures = (done: readonly string[]) => done.filter((text) => /^(capture|refund|void)/.test(text))

describe("a parcel", () => {
  it("is booked, invoiced, captured, confirmed and announced; the last one ends the order", () => {
    const goods = released()
    expect(goods.hear(oneA)).toEqual(causedBy("S1", "1 A", { n: 1, capture: "T1 1000", state: "partly shipped" }))
    expect(goods.hear(twoA)).toEqual(causedBy("S2", "2 A", { n: 2, capture: "T1 2000", state: "partly shipped" }))
    expect(goods.hear(oneB)).toEqual([
      ...causedBy("S3", "1 B", { n: 3, capture: "T1 1000, final", state: "shipped" }),
      "give back leftover stock ord_0000000000000001",
      "close as closed",
    ])
  })

  it("holds up nothing with what one system does not take", () => {
    const goods = released()
    goods.hear(oneA)
    expect(goods.effects.map(({ ifItWaits }) => ifItWaits)).toEqual(Array.from(goods.effects, () => "go on"))
  })

  it("that holds more than was ordered is cut down, and the surplus told", () => {
    expect(released().hear(parcel("S1", "south", { B: 2, Z: 1 }))).toEqual([
      "raise shipped too much#S1",
      ...causedBy("S1", "1 B", { n: 1, capture: "T1 1000", state: "partly shipped" }),
    ])
  })

  it("that is told twice counts once", () => {
    const goods = released()
    goods.hear(oneA)
    expect(goods.hear({ ...oneA, fact: "told another way" })).toEqual([])
  })

  it("of an order that cost nothing is not invoiced, and there is nothing to capture", () => {
    const free = plainOrder({ A: 1 }, { total: euro(0), tenders: [] })
    const lines = free.lines.map((line) => ({ ...line, gross: euro(0), total: euro(0) }))
    const goods = Goods.released({ ...free, lines }, { north: { A: 1 } })
    const done = goods.hear(parcel("S1", "north", { A: 1 }))
    expect(done.filter((text) => /invoice|capture/.test(text))).toEqual([])
    expect(done.at(-1)).toBe("close as closed")
  })

  it("of goods added by an edit is taken from the edit's own reservation", () => {
    const goods = released()
    const larger = plainOrder({ A: 3, B: 2 }, { version: "2026-11-20T12:00:00.000Z" })
    goods.hear({ type: "order.edited", fact: "e1", data: { orderId: order.id, order: larger } })
    goods.decide("changed after release#e1", "apply")
    expect(goods.hear(parcel("S9", "elsewhere", { B: 1 }))[0]).toBe(
      "consume stock S9: 1 B of ord_0000000000000001:2026-11-20T12:00:00.000Z",
    )
  })
})

describe("capturing", () => {
  it("once takes all that will ever ship with the first parcel, and too much is refunded at the end", () => {
    const goods = released({ terms: { capture: "once" } })
    expect(captures(goods.hear(oneA))).toEqual(["capture T1 4000"])
    expect(captures(goods.hear(cancellation()))).toEqual(["refund T1 3000"])
  })

  it("that waits counts as asked for: the next parcel neither captures it again nor goes before it", () => {
    const goods = released({ answers: { capture: () => "waiting" } })
    expect(captures(goods.hear(oneA))).toEqual(["capture T1 1000"])
    expect(captures(goods.hear(twoA))).toEqual([])
    expect(goods.state.captures.get("T1")).toMatchObject({ askedMinor: 3000, isOpen: true })
    // At the end nothing of it is voided or refunded: it may still be captured.
    expect(captures(goods.hear(oneB))).toEqual([])
  })

  it("that waits when the order ends is neither refunded nor voided: it may still succeed", () => {
    const goods = released({ terms: { capture: "once" }, answers: { capture: () => "waiting" } })
    expect(captures(goods.hear(oneA))).toEqual(["capture T1 4000"])
    expect(captures(goods.hear(cancellation()))).toEqual([])
    expect(goods.state.phase).toBe("ended")
  })

  it("that one tender waits for keeps no other tender from being captured", () => {
    const two = plainOrder({ A: 2 }, { tenders: [card(1000, "T1"), card(1000, "T2")] })
    const goods = Goods.released(
      two,
      { north: { A: 2 } },
      {
        answers: { capture: (share) => (share.tender.id === "T1" ? "waiting" : provider()(share)) },
      },
    )
    expect(captures(goods.hear(parcel("S1", "north", { A: 2 })))).toEqual([
      "capture T1 1000, final",
      "capture T2 1000, final",
    ])
  })

  it("that was refused and left as it is stays for a person: the authorisation is not voided", () => {
    const goods = released({ answers: { capture: () => "left" } })
    goods.hear(oneA)
    expect(captures(goods.hear(cancellation()))).toEqual([])
  })

  it("P-35: by hand of more than the order is worth in the end is told, and is not ours to give back", () => {
    const goods = released({ terms: { capture: "once" }, answers: { capture: provider(4000) } })
    goods.hear(oneA)
    const done = goods.hear(cancellation())
    expect(captures(done)).toEqual([])
    expect(done).toContain("raise captured by hand#T1")
  })

  it("P-35: by hand of all that is due leaves nothing to capture and nothing to void", () => {
    const goods = released({ answers: { capture: provider(4000) } })
    const done = [...goods.hear(oneA), ...goods.hear(twoA), ...goods.hear(oneB)]
    expect(done.filter((text) => /^(refund|void|raise)/.test(text))).toEqual([])
    expect(goods.state.captures.get("T1")).toMatchObject({ ownMinor: 0, takenMinor: 4000, isEnded: true })
    expect(done.at(-1)).toBe("close as closed")
  })

  it("P-35: by hand of a part leaves the rest to us", () => {
    const goods = released({ answers: { capture: provider(100) } })
    goods.hear(oneA, twoA, oneB)
    expect(goods.state.captures.get("T1")).toMatchObject({ ownMinor: 3900, takenMinor: 4000 })
  })

  it("P-35: somebody is told before an authorisation lapses whose goods have not left, and not when nothing is left of it", () => {
    const lapse = {
      type: "authorisations lapse soon" as const,
      lapsing: [{ tenderId: "T1", heldUntil: "2026-11-27T10:00:00.000Z" }],
    }
    const goods = released()
    expect(goods.hear(oneA, lapse).at(-1)).toBe("raise authorisation lapses soon#T1")
    const taken = released({ terms: { capture: "once" } })
    taken.hear(oneA)
    expect(taken.hear(lapse)).toEqual([])
  })

  it("P-35: of what only one capture may take asks for all that can follow with it", () => {
    const goods = released()
    goods.hear(oneA)
    const [first] = goods.effects.filter((effect) => effect.do === "capture")
    expect(first).toMatchObject({
      amount: { amountMinor: 1000 },
      upTo: { amountMinor: 1000 },
      inAll: { amountMinor: 4000 },
    })
  })

  it("is not asked for a tender of the shop's", () => {
    const goods = released({ terms: { isOurs: () => false } })
    expect(captures(goods.hear(oneA))).toEqual([])
  })

  it("of the last parcel is final, and then nothing is left to void", () => {
    const dear = plainOrder({ A: 1 }, { tenders: [card(5000)] })
    const goods = Goods.released(dear, { north: { A: 1 } })
    expect(captures(goods.hear(parcel("S1", "north", { A: 1 })))).toEqual(["capture T1 1000, final"])
    expect(goods.state.phase).toBe("ended")
  })
})
