import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { eventually } from "../../../test/fixtures/crossdock.ts"
import { logWithObjects, placed, told } from "../../../test/fixtures/operations/told.ts"
import { createLog } from "../../base/log.ts"
import type { Sql } from "../../base/sql.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import type { Change } from "./changes.ts"
import { HintHub } from "./hint-hub.ts"

let database: FreshDatabase
let log: EventLog
let statements: number
let counting: Sql
const connectionStates = new Map([["sap", "up"]])

beforeAll(async () => {
  database = await freshDatabase()
  log = logWithObjects(database.sql)
  counting = new Proxy(database.sql, {
    apply: (target, self, given: [TemplateStringsArray, ...unknown[]]) => {
      statements += 1
      return Reflect.apply(target, self, given)
    },
  })
})
afterAll(() => database.drop())
beforeEach(() => void (statements = 0))

const newHub = () =>
  new HintHub({
    sql: counting,
    log: createLog("test", "silent"),
    connections: () => new Map(connectionStates),
    everyMs: 20,
  })

/** What so many listeners hear. */
function listeners(hub: HintHub, count: number) {
  const heard: Change[][] = Array.from({ length: count }, () => [])
  let readings = 0
  const stops = heard.map((own, index) =>
    hub.listen(({ changes }) => {
      own.push(...changes)
      if (index === 0) readings += 1
    }),
  )
  return {
    heard,
    readings: () => readings,
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

describe("who listens to changes", () => {
  test("costs nothing while nobody does, and ten cost as one", async () => {
    const hub = newHub()
    await new Promise((done) => setTimeout(done, 60))
    expect(statements).toBe(0)
    const perReading = []
    for (const count of [1, 10]) {
      statements = 0
      const all = listeners(hub, count)
      await eventually("some readings", () => Promise.resolve(all.readings() >= 10 || undefined))
      perReading.push(statements / all.readings())
      all.stop()
      await new Promise((done) => setTimeout(done, 60))
      const before = statements
      await new Promise((done) => setTimeout(done, 60))
      expect(statements).toBe(before)
    }
    const [one = 0, ten = 0] = perReading
    expect(ten).toBeLessThanOrEqual(one * 1.3)
  })

  test("hears of orders, stock, cases and their groups, connections: what changed, not how", async () => {
    const hub = newHub()
    const all = listeners(hub, 2)
    await eventually("a first reading", () => Promise.resolve(all.readings() > 0 || undefined))
    const order = placed(1)
    const { orderId } = order.data
    await log.append(order)
    await log.append(told("exception.opened", { about: `order/${orderId}` }))
    connectionStates.set("sap", "down")
    await eventually("what happened", () =>
      Promise.resolve(all.heard.every((own) => own.some(({ topic }) => topic === "exception-groups")) || undefined),
    )
    await eventually("the connection", () =>
      Promise.resolve(all.heard.every((own) => own.some(({ topic }) => topic === "connections")) || undefined),
    )
    all.stop()
    const [first = [], second = []] = all.heard
    expect(first).toEqual(second)
    expect(first).toContainEqual({ topic: "orders", id: orderId, channels: ["shop-de"] })
    expect(first).toContainEqual({ topic: "exceptions", id: expect.any(String), channels: ["shop-de"] })
    expect(first).toContainEqual({ topic: "connections", id: "sap" })
  })

  test("who was away hears what they missed, and after very much only of which kind it was", async () => {
    const hub = newHub()
    const before = await hub.position()
    const one = placed(2)
    await log.append(one)
    const missed = await eventually("the event to be readable", async () => {
      const { changes } = await hub.since(before)
      return changes.length > 0 ? changes : undefined
    })
    expect(missed).toContainEqual({ topic: "orders", id: one.data.orderId, channels: ["shop-de"] })
    await Promise.all(Array.from({ length: 2100 }, (_, n) => log.append(placed(10 + n))))
    const much = await eventually("all of it to be readable", async () => {
      const { changes } = await hub.since(before)
      return changes.every(({ id }) => id === undefined) ? changes : undefined
    })
    expect(much).toContainEqual({ topic: "orders" })
  })
})
