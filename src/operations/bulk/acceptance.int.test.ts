import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { movableClock } from "../../../test/fixtures/gateway.ts"
import { createLog } from "../../base/log.ts"
import { newEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { ExceptionDesk } from "../exceptions/desk.ts"
import { CarriesOutOperations } from "./carry-out.ts"
import { decideMany } from "./kinds/decide.ts"
import { postOnDay } from "./kinds/post-on-day.ts"
import type { AnyBulkKind } from "./kind.ts"
import { BulkOperations } from "./operations.ts"
import { forgetOperations } from "./reads.ts"

// What other consoles are known to do wrong with many objects. The number is the test's in the design of the console.

let database: FreshDatabase
let eventLog: EventLog
let desk: ExceptionDesk
let operations: BulkOperations
let worker: CarriesOutOperations
const clock = movableClock()

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 4 })
  const { sql } = database
  eventLog = new EventLog(sql)
  const effect = { kind: "wake" } as const
  const day = { name: "day", says: "the day", takes: "day", isNeeded: true } as const
  const actions = [
    { name: "retry", does: "tries again", effect },
    { name: "post on day", does: "posts", asksFor: [day], effect },
  ]
  desk = new ExceptionDesk({ sql, eventLog, inbox: { retranslate: () => Promise.resolve(0) }, clock, actions })
  const kinds = [decideMany(desk), postOnDay(desk)] as AnyBulkKind[]
  const parts = { sql, clock, log: createLog("test", "silent"), kinds }
  operations = new BulkOperations({ ...parts, approval: { cases: 10_000, money: 1_000_000 } })
  worker = new CarriesOutOperations(parts)
})
afterAll(() => database?.drop())

let count = 0
async function open(many: number, cause: string, more: { owner?: string; allowedActions?: string[] } = {}) {
  const at = new Date(clock.now()).toISOString()
  const ids = Array.from({ length: many }, () => `case-${(count += 1)}`)
  await Promise.all(
    ids.map((exceptionId, n) => {
      const data = {
        exceptionId,
        about: ref("order", `ord_${exceptionId.slice(5).padStart(16, "0")}`),
        cause,
        summary: `order ${exceptionId} was refused`,
        doneSoFar: [],
        ifNobodyActs: "it waits",
        allowedActions: ["retry"],
        owner: "finance",
        atRisk: { amountMinor: 1000, currency: n % 4 === 0 ? "SEK" : "EUR" },
        at,
        ...more,
      }
      const fact = `exception:${exceptionId}:opened`
      return eventLog.append(newEvent({ type: "exception.opened", fact, source: "test", time: at, data }))
    }),
  )
  return ids
}
const ask = (kind: string, spec: object, perSecond = 500) =>
  operations.preview({ kind, spec, reason: "a test", by: "person-anna", perSecond })
const carriedOut = async ({ id, hash }: { id: string; hash: string }) => {
  await operations.run(id, { hash, by: "person-anna" })
  while (await worker.pass());
  return operations.find(id)
}

describe("an act on many", () => {
  it("1: covers all that match, not the page that was looked at", async () => {
    await open(450, "all that match")
    expect(await ask("decide", { action: "retry", cause: "all that match" })).toMatchObject({ total: 450 })
  })

  it("2: is never done to more than were previewed", async () => {
    await open(3, "never more")
    const preview = await ask("decide", { action: "retry", cause: "never more" })
    const later = await open(2, "never more")
    expect(await carriedOut(preview)).toMatchObject({ total: 3, done: 3 })
    for (const id of later) expect((await desk.find(id))?.state).toBe("open")
  })

  it("3 and 7: obeys the list's filter, and without one it is refused", async () => {
    await open(2, "obeys", { owner: "finance" })
    await open(3, "obeys", { owner: "operations" })
    expect(await ask("decide", { action: "retry", cause: "obeys", owner: "operations" })).toMatchObject({ total: 3 })
    await expect(ask("decide", { action: "retry" })).rejects.toThrow("say which exceptions")
  })

  it("4: says its number and its money before it is done", async () => {
    await open(4, "says its number")
    const preview = await ask("decide", { action: "retry", cause: "says its number" })
    expect(preview).toMatchObject({ state: "previewed", total: 4, done: 0 })
    expect(preview.atRisk.toSorted((a, b) => a.currency.localeCompare(b.currency))).toEqual([
      { amountMinor: 3000, currency: "EUR" },
      { amountMinor: 1000, currency: "SEK" },
    ])
  })

  it("5: on chosen cases counts nothing but them, however many others there are", async () => {
    const [id = ""] = await open(1, "counts nothing else")
    const statements: string[] = []
    const { list } = desk
    desk.list = (request) => {
      statements.push(JSON.stringify(request))
      return list.call(desk, request)
    }
    expect(await ask("decide", { action: "retry", ids: [id] })).toMatchObject({ total: 1 })
    desk.list = list
    expect(statements).toHaveLength(1)
    expect(statements[0]).toContain(`"ids":["${id}"]`)
  })

  it("13: is offered only where it is allowed, and says why elsewhere", async () => {
    const [closed = ""] = await open(1, "only valid", { allowedActions: ["acknowledge"] })
    await open(1, "only valid")
    const preview = await ask("decide", { action: "retry", cause: "only valid" })
    expect(preview).toMatchObject({ total: 1, refused: [{ id: closed, why: "only acknowledge may be done" }] })
  })
})

describe("forty documents of a closed period", () => {
  it("are posted on another day by one operation, with their amounts a currency and the day in the preview", async () => {
    const ids = await open(40, "posting period is closed", { allowedActions: ["retry", "post on day"] })
    await open(1, "posting period is closed", { allowedActions: ["retry"] })
    const spec = { day: "2026-12-01", cause: "posting period is closed" }
    await expect(ask("post on another day", { ...spec, day: "2026-02-30" })).rejects.toThrow("needs a day")
    const preview = await ask("post on another day", spec)
    expect(preview).toMatchObject({ total: 40, refused: [{ why: "only retry may be done" }] })
    expect(preview.says).toEqual([expect.stringMatching(/^40 documents on 2026-12-01: .*300\.00 EUR.*$/)])
    expect(preview.says[0]).toContain("100.00 SEK")
    const [member] = await operations.members(preview.id, { limit: 1 })
    expect(member?.about).toMatch(/^10\.00 (EUR|SEK) on 2026-12-01: order /)
    expect(await carriedOut(preview)).toMatchObject({ done: 40, skipped: 0 })
    expect((await desk.find(ids[0] ?? ""))?.decision).toMatchObject({ action: "post on day", day: "2026-12-01" })
  })
})

describe("old operations", () => {
  it("are forgotten: previews a week after they expired, others long after their end", async () => {
    await open(1, "forgotten")
    const preview = await ask("decide", { action: "retry", cause: "forgotten" })
    const done = await carriedOut(await ask("decide", { action: "retry", cause: "forgotten" }))
    clock.moveMs(8 * 86_400_000)
    await forgetOperations({ sql: database.sql, clock })
    expect(await operations.find(preview.id)).toBeUndefined()
    expect(await operations.find(done?.id ?? "")).toMatchObject({ state: "done" })
    clock.moveMs(400 * 86_400_000)
    await forgetOperations({ sql: database.sql, clock })
    expect(await operations.find(done?.id ?? "")).toBeUndefined()
    expect(await database.sql`select 1 from bulk_members where operation = ${done?.id ?? ""}`).toHaveLength(0)
  })
})
