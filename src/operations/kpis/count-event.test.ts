import { describe, expect, test } from "vitest"
import { exampleOrder, onePiece, orderId } from "../../canonical/events/example-order.ts"
import { newEvent, aboutOf, type EventName, type EventData } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import { countEvent, sheetsOf } from "./count-event.ts"
import type { HourCount, Move, Sheet } from "./sheet.ts"
import { Tally } from "./tally.ts"

const rules = { finalStates: { order: ["closed", "cancelled"] }, counts: () => [] }
const at = (minute: number) => new Date(Date.parse("2026-11-20T10:00:00.000Z") + minute * 60_000).toISOString()

function stored<Name extends EventName>(type: Name, minute: number, data: EventData<Name>): StoredEvent {
  const event = newEvent({ type, fact: `${type}:${minute}`, source: "test", time: at(minute), data } as never)
  const more = { position: { xid: "1", seq: minute }, recordedAt: at(minute + 1), correlation: "c", schemaversion: 1 }
  return { ...event, ...more, key: aboutOf(event) } as StoredEvent
}

const order = { ...exampleOrder, placedAt: at(0), version: at(0) }
const changed = (minute: number, state: string) =>
  stored("order.state-changed", minute, { orderId, state, at: at(minute) } as never)
const opened = (minute: number, id: string, kind: "flow" | "outage") =>
  stored("exception.opened", minute, {
    exceptionId: id,
    about: `order/${orderId}`,
    cause: "stock is short",
    because: { kind, operation: "reserve stock" },
    summary: "",
    doneSoFar: [],
    ifNobodyActs: "",
    allowedActions: ["retry"],
    owner: "operations",
    at: at(minute),
  })
const decided = (minute: number, id: string, by: string) =>
  stored("exception.decided", minute, {
    exceptionId: id,
    about: `order/${orderId}`,
    action: "retry",
    decidedBy: by,
    at: at(minute),
  })

const story: StoredEvent[] = [
  stored("order.placed", 0, { orderId, order }),
  opened(10, "e1", "flow"),
  opened(11, "e2", "flow"),
  decided(40, "e1", "ada"),
  decided(41, "e2", "crossdock"),
  changed(50, "released"),
  stored("shipment.confirmed", 80, {
    orderId,
    shipment: { id: "s1", orderId, locationId: "wh-berlin", shippedAt: at(80), lines: onePiece },
  }),
  changed(90, "shipped"),
  stored("entry.posted", 95, {
    about: `order/${orderId}`,
    entryId: "i-1",
    kind: "invoice",
    total: order.total.shop,
    businessDate: "2026-11-20",
    at: at(95),
  }),
  changed(120, "closed"),
]

/** Counts events in batches of a size, each from the sheets of those before, and adds everything up. */
function countIn(events: readonly StoredEvent[], size: number) {
  const sheets = new Map<string, Sheet>()
  const counts = new Map<string, number>()
  const states = new Map<string, number>()
  const add = (sums: Map<string, number>, key: object, by: number) =>
    sums.set(JSON.stringify(key), (sums.get(JSON.stringify(key)) ?? 0) + by)
  for (let from = 0; from < events.length; from += size) {
    const batch = events.slice(from, from + size)
    const known = batch.flatMap(sheetsOf).flatMap((ref) => sheets.get(ref) ?? [])
    const tally = new Tally([...new Map(known.map((sheet) => [sheet.ref, sheet])).values()])
    for (const event of batch) countEvent(tally, event, rules)
    for (const sheet of tally.sheets) sheets.set(sheet.ref, sheet)
    for (const { by, ...counter } of tally.counts) add(counts, counter, by)
    for (const { count, valueMinor: _, ...counter } of tally.moves) add(states, counter, count)
  }
  const rows = <Row>(sums: Map<string, number>, value: string) =>
    [...sums].filter(([, sum]) => sum !== 0).map(([key, sum]) => ({ ...JSON.parse(key), [value]: sum }) as Row)
  return { counts: rows<HourCount>(counts, "by"), states: rows<Move>(states, "count") }
}

const whole = countIn(story, 100)
const total = (name: string) => whole.counts.filter((row) => row.name === name).reduce((sum, row) => sum + row.by, 0)
const labelsOf = (name: string) => whole.counts.filter((row) => row.name === name).map(({ label }) => label)

describe("figures of an order", () => {
  test("an order that needs people twice has fallen out once and was touched once, in the hour it was placed", () => {
    expect(whole.counts.filter(({ name }) => name === "orders fallen out")).toEqual([
      { name: "orders fallen out", hour: at(0), channel: order.channel, place: "", label: "", by: 1 },
    ])
    expect([total("orders touched"), total("orders oversold"), total("orders closed")]).toEqual([1, 1, 1])
  })

  test("what ends by itself is no decision of people", () => {
    expect(total("exceptions decided by people")).toBe(1)
    expect(total("exceptions opened")).toBe(2)
  })

  test("times are counted once, from the moment the buyer placed it", () => {
    expect(labelsOf("release time")).toEqual(["3600"])
    expect(labelsOf("leaving time")).toEqual(["7200"])
    expect(labelsOf("posting time")).toEqual(["1800"])
    expect(labelsOf("hearing time")).toEqual(["60"])
  })

  test("it stands in the counter of the state it is in, and in no other", () => {
    expect(whole.states.filter(({ kind }) => kind === "order")).toEqual([
      expect.objectContaining({ state: "closed", hour: at(0), channel: order.channel, isFinal: true, count: 1 }),
    ])
  })

  test("an outage that ends by itself is no fallout", () => {
    const { counts } = countIn([story[0] as StoredEvent, opened(5, "e3", "outage"), decided(9, "e3", "crossdock")], 9)
    expect(counts.map(({ name }) => name)).not.toContain("orders fallen out")
  })

  test("however the log is cut into batches, the figures are the same", () => {
    const key = (row: object) => JSON.stringify(row)
    for (const size of [1, 2, 3, 4, 7]) {
      const cut = countIn(story, size)
      expect(cut.counts.map(key).toSorted()).toEqual(whole.counts.map(key).toSorted())
      expect(cut.states.map(key).toSorted()).toEqual(whole.states.map(key).toSorted())
    }
  })
})
