import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { orderIdOf } from "../../base/ids.ts"
import {
  added,
  beginPickup,
  isOver,
  pickupState,
  toFind,
  toPutBack,
  waiting,
  withNews,
  type Pickup,
  type PickupNews,
} from "./pickup.ts"

const at = "2026-11-30T10:00:00.000Z"
const base = {
  pickupId: "pku_0123456789abcdef",
  orderId: orderIdOf("shop", "1"),
  locationId: "store-117",
}
const by = { ...base, by: "ada", at }
const of = (lineId: string, count: number) => ({ lineId, quantity: { milli: count * 1000, unit: "ea" } })

function pickupOf(...counts: number[]): Pickup {
  return beginPickup({
    ...base,
    channel: "shop",
    number: "#1",
    method: "pickup",
    requestedAt: at,
    lines: counts.map((count, n) => ({ ...of(String(n + 1), count), sku: `SKU-${n + 1}`, title: "Tee" })),
  })
}

const after = (pickup: Pickup, ...news: PickupNews[]) => news.reduce(withNews, pickup)
const found = (...lines: ReturnType<typeof of>[]): PickupNews => ({
  type: "pickup.picked",
  data: { ...by, found: lines },
})
const missing = (...lines: ReturnType<typeof of>[]): PickupNews => ({
  type: "pickup.picked",
  data: { ...by, missing: lines },
})
const taken: PickupNews = { type: "pickup.handed-over", data: by }
const stopped = (...lines: ReturnType<typeof of>[]): PickupNews => ({
  type: "pickup.stopped",
  data: { ...base, at, lines },
})
const expired: PickupNews = { type: "pickup.expired", data: { ...base, at } }
const putBack: PickupNews = { type: "pickup.put-back", data: by }

describe("a pickup", () => {
  test("goes from requested to handed over, part by part", () => {
    const two = pickupOf(2)
    expect(pickupState(two)).toBe("requested")
    expect(pickupState(after(two, { type: "pickup.accepted", data: by }))).toBe("accepted")
    expect(pickupState(after(two, found(of("1", 1))))).toBe("picking")
    const ready = after(two, found(of("1", 1)), found(of("1", 1)))
    expect([pickupState(ready), ready.readyAt]).toEqual(["ready", at])
    const part: PickupNews = { type: "pickup.handed-over", data: { ...by, lines: [of("1", 1)] } }
    expect(pickupState(after(ready, part))).toBe("partly handed over")
    expect(pickupState(after(ready, part, taken))).toBe("handed over")
  })

  test("of which a part is missing is ready with the rest, and what is missing is told once", () => {
    const before = after(pickupOf(2, 1), found(of("1", 1)))
    const short = after(before, missing(of("1", 5), of("2", 1)))
    expect(pickupState(short)).toBe("ready")
    expect(added(before, short, "missingMilli")).toEqual([of("1", 1), of("2", 1)])
    expect(added(short, after(short, missing(of("1", 1))), "missingMilli")).toEqual([])
  })

  test("that is rejected has everything missing that was not found", () => {
    const rejected: PickupNews = { type: "pickup.rejected", data: { ...by, reason: "closed" } }
    expect(pickupState(after(pickupOf(2), rejected))).toBe("not there")
    const half = after(pickupOf(2), found(of("1", 1)), rejected)
    expect([pickupState(half), half.lines[0]?.missingMilli]).toEqual(["ready", 1000])
  })

  test("that nobody comes for is put back, and only then over", () => {
    const waits = after(pickupOf(2), found(of("1", 2)), expired)
    expect([pickupState(waits), isOver(waits)]).toEqual(["to put back", false])
    const done = after(waits, putBack)
    expect([pickupState(done), isOver(done), added(waits, done, "putBackMilli")]).toEqual([
      "put back",
      true,
      [of("1", 2)],
    ])
  })

  test("whose buyer comes late is handed over, as long as it is not put back", () => {
    const late = after(pickupOf(2), found(of("1", 2)), expired, taken)
    expect(pickupState(late)).toBe("handed over")
    expect(pickupState(after(pickupOf(2), found(of("1", 2)), expired, putBack, taken))).toBe("put back")
  })

  test("that is kept longer is ready again", () => {
    const longer: PickupNews = { type: "pickup.kept-longer", data: { ...by, until: "2026-12-06T10:00:00.000Z" } }
    expect(pickupState(after(pickupOf(1), found(of("1", 1)), expired, longer))).toBe("ready")
  })

  test("stops first what was not found, then what waits, and never what the buyer has", () => {
    const begun = after(pickupOf(3), found(of("1", 1)))
    const two = after(begun, stopped(of("1", 2)))
    expect([pickupState(two), two.lines.map((line) => toPutBack(two, line))]).toEqual(["ready", [0]])
    const all = after(begun, stopped(of("1", 3)))
    expect([pickupState(all), all.lines.map((line) => toPutBack(all, line))]).toEqual(["to put back", [1000]])
    const gone = after(pickupOf(3), found(of("1", 3)), taken)
    expect(added(gone, after(gone, stopped(of("1", 3))), "stoppedMilli")).toEqual([])
  })

  test("gives the same goods once, whatever is reported in whatever order", () => {
    const count = fc.integer({ min: 0, max: 3 })
    const one = fc.oneof(
      count.map((n) => found(of("1", n))),
      count.map((n) => missing(of("1", n))),
      count.map((n) => stopped(of("1", n))),
      fc.constant(taken),
      fc.constant(expired),
      fc.constant(putBack),
    )
    fc.assert(
      fc.property(fc.array(one, { maxLength: 12 }), (news) => {
        const [line] = after(pickupOf(3), ...news).lines
        if (!line) throw new Error("no line")
        const { askedMilli, foundMilli, missingMilli, takenMilli, putBackMilli, stoppedMilli } = line
        expect(waiting(line)).toBeGreaterThanOrEqual(0)
        expect(foundMilli + missingMilli + toFind(line)).toBeLessThanOrEqual(askedMilli)
        expect(takenMilli + putBackMilli).toBeLessThanOrEqual(foundMilli)
        // What the order was told is gone, missing or stopped is never more than it asked for.
        expect(takenMilli + missingMilli + stoppedMilli).toBeLessThanOrEqual(askedMilli)
      }),
      { numRuns: 500 },
    )
  })
})
