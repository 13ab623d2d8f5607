import * as fc from "fast-check"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { instant } from "../../base/time.ts"
import { aboutOf, newEvent, type EventData, type NewEvent } from "../../canonical/events.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { StockPage } from "../../ports/capabilities/stock.ts"
import { Articles } from "../articles/articles.ts"
import { createAvailability } from "../availability.ts"
import { foldDemand } from "../demand/learn-demand.ts"
import { createReservations } from "../reservations.ts"
import { createStockLedger, type StockLedger } from "../stock-ledger.ts"
import { heldForChannel } from "../views/held-for-channel.ts"
import { stockSubscriber, type Booked } from "./book-stock.ts"
import { differenceEvents } from "./differences.ts"
import type { StockEquation } from "./equation.ts"
import { readDue, readPlace } from "./read-absolutes.ts"
import { watchSilence } from "./silence.ts"
import { closeGap, noteNumbers, openGaps } from "./streams.ts"

let database: FreshDatabase
let ledger: StockLedger
beforeAll(async () => {
  database = await freshDatabase()
  ledger = createStockLedger(database.sql)
})
afterAll(() => database?.drop())

const day = Date.UTC(2026, 0, 20, 8)
const at = (minute: number) => instant(day + minute * 60_000)
let tests = 0
/** A SKU that no other test has. */
const newSku = () => `SKU-${(tests += 1)}`

const stored = (event: NewEvent): StoredEvent =>
  ({
    ...event,
    position: { xid: "1", seq: 1 },
    recordedAt: at(600),
    key: aboutOf(event),
    correlation: "c",
    schemaversion: 1,
  }) as StoredEvent

type Moved = EventData<"stock.moved">
type Counted = EventData<"stock.counted">

const moved = (fact: string, data: Partial<Moved> & Pick<Moved, "movement" | "sku" | "milli">, source = "wms") =>
  stored(
    newEvent({
      type: "stock.moved",
      fact: `${source}:${data.sku}:${fact}`,
      source,
      time: at(0),
      data: { locationId: "dc", unit: "ea", movedAt: at(0), ...data },
    }),
  )

const counted = (fact: string, data: Partial<Counted> & Pick<Counted, "sku" | "countedMilli">, source = "wms") =>
  stored(
    newEvent({
      type: "stock.counted",
      fact: `${source}:${data.sku}:${fact}`,
      source,
      time: at(0),
      data: { locationId: "dc", unit: "ea", countedAt: at(0), includesReservations: "none", ...data },
    }),
  )

async function book(events: readonly StoredEvent[], equations: Record<string, StockEquation> = {}): Promise<Booked[]> {
  const all: Booked[] = []
  const subscriber = stockSubscriber({
    ledger,
    articles: new Articles(database.sql),
    equations,
    refused: async () => undefined,
    after: (_events, booked) => Promise.resolve(void all.push(...booked)),
  })
  expect(await subscriber.handle(events)).toEqual([])
  return all
}

/** On hand by place, of those that hold something or owe it. */
async function positions(sku: string): Promise<Record<string, number>> {
  const rows = await database.sql<{ location_id: string; on_hand_milli: number }[]>`
    select location_id, on_hand_milli from stock_positions where sku = ${sku} and on_hand_milli <> 0 order by location_id`
  return Object.fromEntries(rows.map(({ location_id, on_hand_milli }) => [location_id, on_hand_milli]))
}

async function promised(sku: string, locationId?: string): Promise<number | undefined> {
  const [one] = await createAvailability(database.sql).query([{ sku, ...(locationId ? { locationId } : {}) }])
  return one?.availableToPromiseMilli
}

const reserve = (sku: string, key: string, milli: number) =>
  createReservations(database.sql).reserve({
    key,
    owner: key,
    channel: "shop-1",
    kind: "hard",
    lines: [{ sku, locationId: "dc", milli }],
  })

describe("movements of every kind (S-61)", () => {
  test("receipts, picks, sales, returns and adjustments change what is there; what cannot be sold is not promised", async () => {
    const sku = newSku()
    await book([
      moved("1", { movement: "receipt", sku, milli: 20_000 }),
      moved("2", { movement: "pick", sku, milli: 3_000, movedAt: at(1) }),
      moved("3", { movement: "sale", sku, milli: 2_000, movedAt: at(2) }),
      moved("4", { movement: "return", sku, milli: 1_000, state: "in-inspection", movedAt: at(3) }),
      moved("5", { movement: "adjustment", sku, milli: -1_000, movedAt: at(4) }),
      moved("6", { movement: "change of state", sku, milli: 4_000, toState: "damaged", movedAt: at(5) }),
      moved("7", { movement: "change of state", sku, milli: 1_000, state: "in-inspection", movedAt: at(6) }),
    ])
    expect(await positions(sku)).toEqual({ dc: 11_000, "dc/damaged": 4_000 })
    expect(await promised(sku)).toBe(11_000)
  })

  test("a transfer that was shipped is nowhere for sale until it is received, and then at the other place", async () => {
    const sku = newSku()
    const shipped = { movement: "transfer shipped" as const, sku, toLocationId: "store", transferId: "T1" }
    await book([moved("1", { movement: "receipt", sku, milli: 10_000 }), moved("2", { ...shipped, milli: 4_000 })])
    expect(await positions(sku)).toEqual({ dc: 6_000, "store/in-transit": 4_000 })
    expect(await promised(sku)).toBe(6_000)
    const received = { movement: "transfer received" as const, sku, locationId: "store", transferId: "T1" }
    await book([moved("3", { ...received, milli: 2_000 }), moved("4", { ...received, milli: 1_000, state: "damaged" })])
    expect(await positions(sku)).toEqual({ dc: 6_000, store: 2_000, "store/damaged": 1_000, "store/in-transit": 1_000 })
    expect(await promised(sku)).toBe(8_000)
  })

  test("what leaves for an order of ours is booked with its shipment, not twice", async () => {
    const sku = newSku()
    await book([
      moved("1", { movement: "receipt", sku, milli: 5_000 }),
      moved("2", { movement: "pick", sku, milli: 1_000, orderId: "ord_0123456789abcdef" }),
    ])
    expect(await positions(sku)).toEqual({ dc: 5_000 })
  })

  test("a movement of a system that has not the last word on it is kept and not booked", async () => {
    const sku = newSku()
    const equations = { erp: { tells: ["receipt" as const] } }
    await book([moved("1", { movement: "receipt", sku, milli: 9_000 }, "erp")], equations)
    await book([moved("2", { movement: "sale", sku, milli: 9_000 }, "erp")], equations)
    expect(await positions(sku)).toEqual({ dc: 9_000 })
  })
})

describe("the order in which facts come", () => {
  const places = ["dc", "store"] as const
  const anyFact = fc.record({
    kind: fc.constantFrom("receipt", "sale", "return", "adjustment", "transfer shipped", "transfer received", "count"),
    place: fc.constantFrom(...places),
    units: fc.integer({ min: 1, max: 9 }),
    minute: fc.integer({ min: 0, max: 40 }),
  })

  const eventsOf = (
    sku: string,
    facts: readonly { kind: string; place: "dc" | "store"; units: number; minute: number }[],
  ) =>
    facts.map(({ kind, place: locationId, units, minute }, n) => {
      const milli = units * 1000
      if (kind === "count") return counted(`${n}`, { sku, locationId, countedMilli: milli, countedAt: at(minute) })
      const other = locationId === "dc" ? "store" : "dc"
      const to = kind === "transfer shipped" ? { toLocationId: other } : {}
      return moved(`${n}`, { movement: kind as Moved["movement"], sku, locationId, milli, movedAt: at(minute), ...to })
    })

  test("facts in any order, some of them twice, end in the same position", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(anyFact, { minLength: 2, maxLength: 12 })
          .chain((facts) =>
            fc.tuple(
              fc.constant(facts),
              fc.shuffledSubarray([...facts.keys()], { minLength: facts.length }),
              fc.array(fc.nat({ max: facts.length - 1 }), { maxLength: 5 }),
            ),
          ),
        async ([facts, order, again]) => {
          const [one, other] = [newSku(), newSku()]
          for (const event of eventsOf(one, facts)) await book([event])
          const shuffled = eventsOf(other, facts)
          for (const n of [...order, ...again]) await book(shuffled.slice(n, n + 1))
          expect(await positions(other)).toEqual(await positions(one))
          expect(await ledger.rebuild({ sku: other, dryRun: true, reason: "test" })).toEqual([])
        },
      ),
      { numRuns: 40 },
    )
  }, 60_000)

  test("transfers in any order neither make nor lose units", async () => {
    const anyTransfer = anyFact.filter(({ kind }) => kind.startsWith("transfer"))
    await fc.assert(
      fc.asyncProperty(fc.array(anyTransfer, { minLength: 1, maxLength: 15 }), async (facts) => {
        const sku = newSku()
        await book([moved("opening", { movement: "receipt", sku, milli: 50_000 })])
        await book(eventsOf(sku, facts))
        const sum = Object.values(await positions(sku)).reduce((all, milli) => all + milli, 0)
        expect(sum).toBe(50_000)
      }),
      { numRuns: 40 },
    )
  }, 60_000)
})

describe("what an absolute has inside", () => {
  test("PUBLISHING 1: the ERP sets 0 while an order holds the last unit: the order ships, and 0 are promised at every step", async () => {
    const sku = newSku()
    await book([moved("1", { movement: "receipt", sku, milli: 1_000 })])
    await reserve(sku, `order ${sku}`, 1_000)
    const equations = { erp: { orders: "all" as const } }
    await book([counted("push", { sku, countedMilli: 0, countedAt: instant(Date.now()) }, "erp")], equations)
    expect([await positions(sku), await promised(sku)]).toEqual([{ dc: 1_000 }, 0])
    const shipment = { fact: `ship ${sku}`, occurredAt: instant(Date.now()) }
    const sent = await createReservations(database.sql).consume(
      `order ${sku}`,
      [{ sku, locationId: "dc", milli: 1_000 }],
      shipment,
    )
    expect(sent).toMatchObject({ unreservedMilli: 0, overdrawnMilli: 0 })
    expect([await positions(sku), await promised(sku)]).toEqual([{}, 0])
  })

  test("PUBLISHING 2: two shops sell one stock: each is told the promise, and what it has sold itself beside it", async () => {
    const sku = newSku()
    await book([moved("1", { movement: "receipt", sku, milli: 10_000 })])
    await reserve(sku, `one ${sku}`, 3_000)
    const told = await Promise.all(
      ["shop-1", "shop-2"].map(async (channel) => {
        const [answer] = await createAvailability(database.sql).query([{ sku, channel }])
        const [own] = await heldForChannel(database.sql, channel, [
          { sku, place: "wh", since: at(0), asksGivenBack: false },
        ])
        return [answer?.availableToPromiseMilli, own?.heldMilli]
      }),
    )
    expect(told).toEqual([
      [7_000, 3_000],
      [7_000, 0],
    ])
  })

  test("PUBLISHING 6: of 20 five are sold and not invoiced, and the cron sends 20 again: 15 stay", async () => {
    const sku = newSku()
    const push = (minute: number) =>
      counted(`push ${minute}`, { sku, countedMilli: 20_000, countedAt: at(minute) }, "erp")
    await book([push(0)], { erp: { orders: "none" } })
    await reserve(sku, `five ${sku}`, 5_000)
    await book([push(30)], { erp: { orders: "none" } })
    expect(await promised(sku)).toBe(15_000)
  })

  test("what nobody declared is read as the lower number", async () => {
    const sku = newSku()
    await book([counted("1", { sku, countedMilli: 20_000 }, "erp")])
    await reserve(sku, `open ${sku}`, 5_000)
    const unknown = {
      sku,
      countedMilli: 15_000,
      countedAt: instant(Date.now()),
      includesReservations: "unknown" as const,
    }
    await book([counted("2", unknown, "erp")])
    expect(await promised(sku)).toBe(10_000)
  })

  test("an ERP that knows orders up to a while ago has taken off those, and no later one", async () => {
    const sku = newSku()
    await book([counted("1", { sku, countedMilli: 20_000 }, "erp")])
    await reserve(sku, `early ${sku}`, 5_000)
    const early = Date.now() + 1
    await new Promise((resolve) => setTimeout(resolve, 30))
    await reserve(sku, `late ${sku}`, 2_000)
    const lag = Date.now() - early
    const push = counted("2", { sku, countedMilli: 15_000, countedAt: instant(early + lag) }, "erp")
    await book([push], { erp: { orders: { upToAge: { ms: lag } } } })
    expect([await positions(sku), await promised(sku)]).toEqual([{ dc: 20_000 }, 13_000])
  })

  test("goods in transit and in inspection that a number has inside are not promised as well", async () => {
    const sku = newSku()
    await book([
      moved("1", { movement: "receipt", sku, locationId: "far", milli: 9_000 }),
      moved("2", { movement: "transfer shipped", sku, locationId: "far", toLocationId: "dc", milli: 4_000 }),
      moved("3", { movement: "receipt", sku, milli: 2_000, state: "in-inspection" }),
    ])
    const states = ["in-transit", "in-inspection"] as const
    await book([counted("4", { sku, countedMilli: 16_000, countedAt: at(5) }, "erp")], { erp: { states: [...states] } })
    expect(await promised(sku, "dc")).toBe(10_000)
  })
})

describe("gaps and absolutes", () => {
  const numbered = (sku: string, n: number) =>
    moved(`n${n}`, { movement: "receipt", sku, locationId: sku, milli: 1_000, number: { stream: sku, n } })

  test("a number that does not come asks for the absolute, which makes good what nobody told", async () => {
    const sku = newSku()
    const come = async (...numbers: number[]) => {
      const events = numbers.map((n) => numbered(sku, n))
      await book(events)
      await noteNumbers(database.sql, events)
    }
    await come(1)
    await come(3)
    expect(await openGaps(database.sql, 0)).toContainEqual({ source: "wms", stream: sku, upto: 1, last: 3 })
    await come(2)
    expect((await openGaps(database.sql, 0)).filter(({ stream }) => stream === sku)).toEqual([])
    await come(6, 5)
    const told: NewEvent[] = []
    const page: StockPage = { asOf: instant(Date.now()), levels: [{ sku, onHand: { milli: 6_000, unit: "ea" } }] }
    const options = {
      sql: database.sql,
      log: { error: () => undefined, warn: () => undefined } as never,
      clock: { now: () => Date.now() },
      eventLog: { append: (event: NewEvent) => Promise.resolve(void told.push(event) as never) },
      articles: new Articles(database.sql),
      sources: [
        {
          connection: "wms",
          places: [sku],
          everyMs: undefined,
          read: () => Promise.resolve(page),
          reader: { succeeded: () => undefined, failed: (thrown: unknown) => expect(thrown).toBeUndefined() } as never,
        },
      ],
    }
    expect(await readDue(options, 0)).toBe(1)
    expect(told).toMatchObject([{ type: "stock.counted", data: { countedMilli: 6_000, locationId: sku } }])
    await book(told.map(stored))
    expect(await positions(sku)).toEqual({ [sku]: 6_000 })
    expect((await openGaps(database.sql, 0)).filter(({ stream }) => stream === sku)).toEqual([])
    expect(await readDue(options, 0)).toBe(0)
  })

  test("a gap that came while the absolute was read stays open, and what is beyond one does not grow without end", async () => {
    const sku = newSku()
    const come = (...numbers: number[]) =>
      noteNumbers(
        database.sql,
        numbers.map((n) => numbered(sku, n)),
      )
    const gap = async () => (await openGaps(database.sql, 0)).find(({ stream }) => stream === sku)
    await come(1, 3)
    const asked = await gap()
    await come(6)
    if (asked) await closeGap(database.sql, asked)
    expect(await gap()).toEqual({ source: "wms", stream: sku, upto: 3, last: 6 })
    await come(4, 5)
    expect(await gap()).toBeUndefined()
    await come(...Array.from({ length: 3000 }, (_, n) => n + 8))
    const [row] = await database.sql<{ kept: number }[]>`
      select cardinality(ahead) as kept from stock_streams where stream = ${sku}`
    expect([row?.kept, (await gap())?.last]).toEqual([1000, 3007])
  })

  test("PUBLISHING 5: a full reading tells the articles that differ and no others, and makes all of them fresh", async () => {
    const skus = Array.from({ length: 50 }, newSku)
    await book(skus.map((sku) => counted("1", { sku, locationId: "full", countedMilli: 5_000 })))
    const told: NewEvent[] = []
    const levels = skus.map((sku, n) => ({ sku, onHand: { milli: n === 7 ? 4_000 : 5_000, unit: "ea" } }))
    const read = ({ cursor }: { cursor?: string }): Promise<StockPage> =>
      Promise.resolve(
        cursor === undefined
          ? { asOf: instant(Date.now()), levels: levels.slice(0, 30), next: "30" }
          : { asOf: instant(Date.now()), levels: levels.slice(30) },
      )
    const options = {
      sql: database.sql,
      clock: { now: () => Date.now() },
      eventLog: { append: (event: NewEvent) => Promise.resolve(void told.push(event) as never) },
      articles: new Articles(database.sql),
    }
    const done = await readPlace(options as never, { connection: "wms", read }, "full")
    expect(done).toEqual({ read: 50, told: 1 })
    expect(told.map(({ data }) => (data as Counted).sku)).toEqual([skus[7]])
    const [one] = await createAvailability(database.sql).query([{ sku: skus[0] ?? "", locationId: "full" }])
    expect(one?.freshnessAgeMs).toBeLessThan(60_000)
  })

  test("S-91: a count far from what was expected is told to people, a small one and the first stock are not", async () => {
    const [far, near] = [newSku(), newSku()]
    const tolerance = { milli: 1_000, percent: 10 }
    const tell = async (events: readonly StoredEvent[]) =>
      differenceEvents(await book(events), { source: "wms", tolerance, at: at(0) })
    expect(await tell([far, near].map((sku) => counted("1", { sku, countedMilli: 20_000 })))).toEqual([])
    const told = await tell([
      counted("2", { sku: far, countedMilli: 12_000, countedAt: at(5) }),
      counted("2", { sku: near, countedMilli: 18_500, countedAt: at(5) }),
    ])
    expect(told).toMatchObject([{ type: "exception.opened", data: { cause: "stock count differs", sku: far } }])
  })
})

describe("silence (S-91)", () => {
  test("a place that is silent for too long is told once, and the exception ends when it is heard again", async () => {
    const sku = newSku()
    await book([counted("1", { sku, locationId: "quiet", countedMilli: 5_000, countedAt: at(0) })])
    const told: NewEvent[] = []
    const look = (minute: number) =>
      watchSilence({
        sql: database.sql,
        clock: { now: () => day + minute * 60_000 },
        eventLog: { append: (event: NewEvent) => Promise.resolve(void told.push(event) as never) },
        silentAfterMs: 30 * 60_000,
        meanwhile: "less is promised",
      })
    const ofPlace = () =>
      told.filter(({ data }) => JSON.stringify(data).includes("location/quiet")).map(({ type }) => type)
    await look(29)
    expect(ofPlace()).toEqual([])
    await look(31)
    await look(40)
    expect(ofPlace()).toEqual(["exception.opened"])
    await book([counted("2", { sku, locationId: "quiet", countedMilli: 5_000, countedAt: at(45) })])
    await look(46)
    await look(47)
    expect(ofPlace()).toEqual(["exception.opened", "exception.decided"])
  })

  test("each silence of a place with the longest name is told", async () => {
    const [sku, locationId] = [newSku(), "quiet".padEnd(64, "-long")]
    const told: NewEvent[] = []
    for (const minute of [100, 200]) {
      await book([counted(String(minute), { sku, locationId, countedMilli: 5_000, countedAt: at(minute) })])
      await watchSilence({
        sql: database.sql,
        clock: { now: () => day + (minute + 60) * 60_000 },
        eventLog: { append: (event: NewEvent) => Promise.resolve(void told.push(event) as never) },
        silentAfterMs: 30 * 60_000,
        meanwhile: "less is promised",
      })
    }
    const ids = told.flatMap(({ type, data }) =>
      type === "exception.opened" && JSON.stringify(data).includes(locationId)
        ? [(data as EventData<"exception.opened">).exceptionId]
        : [],
    )
    expect(new Set(ids).size).toBe(2)
  })
})

describe("when a place was heard", () => {
  const heardAt = async (...places: string[]) => {
    const rows = await database.sql<{ location_id: string; heard_at: Date | null }[]>`
      select location_id, heard_at from stock_locations where location_id = any(${places})`
    return places.map((place) => rows.find(({ location_id }) => location_id === place)?.heard_at?.toISOString())
  }

  test("what people book of one article says nothing of the others there", async () => {
    const sku = newSku()
    const told = counted("1", { sku, locationId: "till", countedMilli: 5_000 })
    const found = { movement: "adjustment" as const, sku, locationId: "till", milli: 1_000, movedAt: at(45) }
    await book([told, moved("2", found, "crossdock:adjust stock")])
    expect(await positions(sku)).toEqual({ till: 6_000 })
    expect(await heardAt("till")).toEqual([at(0)])
  })

  test("goods in a state are of their place: they make it fresh, and are none that falls silent", async () => {
    const sku = newSku()
    const shipped = { movement: "transfer shipped" as const, sku, toLocationId: "corner", milli: 1_000 }
    const received = { movement: "transfer received" as const, sku, locationId: "corner", milli: 1_000 }
    await book([moved("1", shipped), moved("2", { ...received, movedAt: at(7) })])
    await book([moved("3", { movement: "receipt", sku, locationId: "corner", milli: 1_000, state: "damaged" })])
    expect(await heardAt("corner", "corner/in-transit", "corner/damaged")).toEqual([at(7), undefined, undefined])
  })
})

describe("demand that only the source sees", () => {
  test("is learnt from sales and from falls between counts, not from shipments of ours; each booking counts once", async () => {
    const sku = newSku()
    const begin = Date.now() - 48 * 3_600_000
    const ago = (hours: number) => instant(Date.now() - hours * 3_600_000)
    await book([counted("0", { sku, countedMilli: 90_000, countedAt: instant(begin) })])
    await book([
      moved("1", { movement: "sale", sku, milli: 24_000, movedAt: ago(20) }),
      counted("2", { sku, countedMilli: 42_000, countedAt: ago(1) }),
    ])
    await reserve(sku, `ours ${sku}`, 10_000)
    const shipment = { fact: `ship ${sku}`, occurredAt: ago(0) }
    await createReservations(database.sql).consume(`ours ${sku}`, [{ sku, locationId: "dc", milli: 10_000 }], shipment)
    await foldDemand(database.sql, 0)
    await foldDemand(database.sql, 0)
    const [one] = await createAvailability(database.sql).query([{ sku, locationId: "dc" }])
    // 48 units in 48 hours.
    expect(one?.sources).toMatchObject([{ locationId: "dc" }])
    expect(one?.sources[0]?.milliPerHour).toBeGreaterThan(900)
    expect(one?.sources[0]?.milliPerHour).toBeLessThan(1_100)
  })

  test("a history that is told late weighs as little as if it had come in time", async () => {
    const skus = [newSku(), newSku()] as const
    const hour = 3_600_000
    const sale = (sku: string, units: number, hoursAgo: number) =>
      moved(`sold ${units}`, {
        movement: "sale",
        sku,
        milli: units * 1000,
        movedAt: instant(Date.now() - hoursAgo * hour),
      })
    for (const sku of skus) await book([moved("0", { movement: "receipt", sku, milli: 900_000, movedAt: at(0) })])
    const [inTime, late] = skus
    await book([sale(inTime, 200, 8 * 672), sale(inTime, 1, 2), sale(late, 1, 2)])
    await foldDemand(database.sql, 0)
    await book([sale(late, 200, 8 * 672)])
    await foldDemand(database.sql, 0)
    const rows = await database.sql<{ units: number }[]>`
      select units from stock_demand where sku = any(${[...skus]})`
    expect(rows).toHaveLength(2)
    for (const { units } of rows) expect(units).toBeCloseTo(1 + 200 / 256, 1)
  })
})
