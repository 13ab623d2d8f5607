import { describe, expect, it } from "vitest"
import { Goods } from "../../../../test/fixtures/fulfilment/goods.ts"
import {
  cancellation,
  holdChanged,
  parcel,
  plainOrder,
  quantities,
  refundedUnits,
  short,
} from "../../../../test/fixtures/fulfilment/told.ts"
import type { HeldPart } from "../../../canonical/events/orders.ts"
import { patienceOf } from "../apply.ts"
import { openMilli } from "../state.ts"
import { nextTime } from "./hold.ts"

const order = plainOrder({ A: 3, B: 1 })
const places = { north: { A: 3 }, south: { B: 1 } }
const at = (hour: number) => `2026-11-20T${String(hour).padStart(2, "0")}:00:00.000Z`
const part = (pieces: Record<string, number>, more: Partial<HeldPart> = {}): HeldPart => ({
  partId: "F1",
  state: "held",
  lines: quantities(pieces),
  at: at(10),
  ...more,
})
const begun = (...holds: HeldPart[]) => {
  const goods = new Goods(order, places)
  return { goods, done: goods.hear({ type: "booked", edited: null, facts: [], holds }) }
}
const released = (more: ConstructorParameters<typeof Goods>[2] = {}) => Goods.released(order, places, more)
const free = part({}, { state: "free", at: at(12) })

describe("P-37: what the shop holds back before the release", () => {
  it("waits, and the other parts go", () => {
    const { goods, done } = begun(part({ B: 1 }))
    expect(done).toEqual(["release leg 1", "pass the point of no return", "announce released"])
    expect(goods.hear(holdChanged(free))).toEqual(["release leg 2"])
  })

  it("of one line waits by the unit", () => {
    const { goods } = begun(part({ A: 2 }))
    expect(goods.state.legs.map(({ lines, request }) => [lines[0]?.lineId, lines[0]?.quantity.milli, request])).toEqual(
      [
        ["A", 1000, "sent"],
        ["B", 1000, "sent"],
        ["A", 2000, "held"],
      ],
    )
    goods.hear(parcel("S1", "north", { A: 1 }), parcel("S2", "south", { B: 1 }))
    expect(openMilli(goods.state, "A")).toBe(2000)
    expect(goods.hear(holdChanged(free))).toEqual(["release leg 3"])
    expect(goods.hear(parcel("S3", "north", { A: 2 })).at(-1)).toBe("close as closed")
  })

  it("of all goods puts the order on hold, and nothing is asked of a location", () => {
    const { goods, done } = begun(part({ A: 3, B: 1 }))
    expect(done).toEqual(["pass the point of no return", "announce held by the shop"])
    expect(goods.hear(holdChanged(free))).toEqual([
      "release leg 1",
      "release leg 2",
      `announce released#${holdChanged(free).fact}`,
    ])
  })

  it("is cancelled without asking a location", () => {
    const { goods } = begun(part({ A: 3, B: 1 }))
    const done = goods.hear(cancellation())
    expect(done.filter((text) => text.startsWith("stop"))).toEqual([])
    expect(done.at(-1)).toBe("close as cancelled")
  })

  it("is what a refund takes off first", () => {
    const { goods } = begun(part({ A: 1 }))
    expect(goods.hear(refundedUnits("R1", { A: 1 }))).toEqual(["amend in ERP as refund:R1: 2 A, 1 B"])
    // Nothing of the part is left to hold back, so news of another part stops nothing.
    expect(goods.hear(holdChanged(part({}, { partId: "F2" })))).toEqual([])
  })
})

describe("P-37: a hold that is set later", () => {
  it("stops what can still be stopped, and a release goes on with it", () => {
    const goods = released()
    const hold = holdChanged(part({ A: 2 }))
    expect(goods.hear(hold)).toEqual([`stop leg 1 as ${hold.fact}:A: 2 A`])
    expect(openMilli(goods.state, "A")).toBe(3000)
    expect(goods.hear(holdChanged(free))).toEqual(["release leg 3"])
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(parcel("S2", "south", { B: 1 })).at(-1)).toBe("close as closed")
  })

  it("of what can no longer be stopped is told: it ships", () => {
    const goods = released({ answers: { "stop leg": ({ lines }) => ({ cancelled: [], refused: lines }) } })
    const hold = holdChanged(part({ B: 1 }))
    expect(goods.hear(hold)).toEqual([`stop leg 2 as ${hold.fact}:B: 1 B`, `raise ships although on hold#${hold.fact}`])
    expect(goods.hear(parcel("S2", "south", { B: 1 }))).toContain("announce partly shipped#S2")
  })

  it("of goods of which the location has too little, as it says later, is released once, and elsewhere", () => {
    const goods = Goods.released(plainOrder({ A: 2 }), { north: { A: 2 } }).answer({
      // One of two is not there, so there is only one that can or cannot be stopped.
      "stop leg": () => ({ cancelled: quantities({ A: 1 }), refused: quantities({ A: 1 }) }),
    })
    goods.hear(holdChanged(part({ A: 2 })))
    goods.hear(parcel("S1", "north", { A: 1 }))
    goods.hear(short("X1", "north", { A: 1 }))
    expect(goods.hear(holdChanged(free)).filter((text) => text.startsWith("release"))).toEqual(["release leg 3"])
    expect(goods.state.legs.flatMap(({ locationId, lines }) => lines.map(() => locationId))).toEqual([
      "north",
      "elsewhere",
    ])
    expect(goods.hear(parcel("S2", "elsewhere", { A: 1 })).at(-1)).toBe("close as closed")
  })

  it("of all goods puts the order on hold", () => {
    expect(
      released()
        .hear(holdChanged(part({ A: 3, B: 1 })))
        .at(-1),
    ).toContain("announce held by the shop#")
  })

  it("that is told twice is told once, wherever goods left from meanwhile", () => {
    const goods = Goods.released(plainOrder({ A: 2 }), { north: { A: 2 } })
    goods.hear(parcel("S1", "elsewhere", { A: 1 }), holdChanged(part({ A: 1 })))
    expect(goods.hear(holdChanged(part({ A: 1 })))).toEqual([])
  })

  it("that is older than what is known changes nothing", () => {
    const goods = released()
    goods.hear(holdChanged(free))
    expect(goods.hear(holdChanged(part({ A: 3 })))).toEqual([])
  })

  it("of goods that have left stops nothing", () => {
    const goods = released()
    goods.hear(parcel("S1", "north", { A: 3 }))
    expect(goods.hear(holdChanged(part({ A: 3 })))).toEqual([])
  })

  it("of an order that is being cancelled stops nothing a second time", () => {
    const goods = released({ answers: { "stop leg": ({ lines }) => ({ cancelled: [], refused: lines }) } })
    goods.hear(cancellation())
    expect(goods.hear(holdChanged(part({ A: 3 })))).toEqual([])
  })
})

describe("P-37: the clock of what waits", () => {
  it("a part is looked up again, because the message that it was let go may be lost", () => {
    const { goods } = begun(part({ B: 1 }))
    expect(patienceOf(goods.state)).toBe("until holds are looked up")
    expect(goods.hear({ type: "time passed", look: { parts: [part({ B: 1 })], now: at(11) } })).toEqual([])
    expect(goods.hear({ type: "time passed", look: { parts: [free], now: at(13) } })).toEqual(["release leg 2"])
  })

  it("a scheduled part waits for its time and then goes, whether or not anybody says so", () => {
    const { goods } = begun(part({ B: 1 }, { state: "scheduled", until: at(15) }))
    expect(nextTime(goods.state)).toBe(at(15))
    const stale = [part({ B: 1 }, { state: "scheduled", until: at(15) })]
    expect(goods.hear({ type: "time passed", look: { parts: stale, now: at(14) } })).toEqual([])
    expect(goods.hear({ type: "time passed", look: { parts: stale, now: at(15) } })).toEqual(["release leg 2"])
  })

  it("a part that is held for longer than agreed is told once, and settled when it is let go", () => {
    const { goods } = begun(part({ B: 1 }))
    const look = (day: number) => {
      const now = `2026-11-${day}T10:00:00.000Z`
      return goods.hear({ type: "time passed", look: { parts: [part({ B: 1 })], now } })
    }
    expect(look(21)).toEqual(["raise held by the shop for long#F1"])
    expect(look(22)).toEqual([])
    expect(goods.hear(holdChanged(free))).toEqual(["settle held by the shop for long#F1", "release leg 2"])
  })
})
