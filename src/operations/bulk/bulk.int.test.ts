import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { movableClock } from "../../../test/fixtures/gateway.ts"
import { AppError } from "../../base/errors.ts"
import { createLog } from "../../base/log.ts"
import { newEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { ExceptionDesk } from "../exceptions/desk.ts"
import { CarriesOutOperations } from "./carry-out.ts"
import { decideMany } from "./kinds/decide.ts"
import type { AnyBulkKind } from "./kind.ts"
import { BulkOperations } from "./operations.ts"

let database: FreshDatabase
let eventLog: EventLog
let desk: ExceptionDesk
const clock = movableClock()
const log = createLog("test", "silent")

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 4 })
  eventLog = new EventLog(database.sql)
  const inbox = { retranslate: () => Promise.resolve(0) }
  const actions = [{ name: "retry", does: "tries again", effect: { kind: "wake" } as const }]
  desk = new ExceptionDesk({ sql: database.sql, eventLog, inbox, clock, actions })
})
afterAll(() => database?.drop())

let kinds: AnyBulkKind[]
let operations: BulkOperations
let worker: CarriesOutOperations
beforeEach(() => {
  use([decideMany(desk) as AnyBulkKind])
})

function use(all: AnyBulkKind[]): void {
  kinds = all
  const parts = { sql: database.sql, clock, log, kinds }
  operations = new BulkOperations({ ...parts, approval: { cases: 5 } })
  worker = new CarriesOutOperations(parts)
}

let count = 0
async function open(cause: string, { actions = ["retry"], risk = 1000 } = {}): Promise<string> {
  count += 1
  const exceptionId = `case-${count}`
  const at = new Date(clock.now()).toISOString()
  const data = {
    exceptionId,
    about: ref("order", `ord_${String(count).padStart(16, "0")}`),
    cause,
    summary: `order ${count} was refused`,
    doneSoFar: [],
    ifNobodyActs: "it waits",
    allowedActions: actions,
    owner: "operations",
    atRisk: { amountMinor: risk, currency: "EUR" },
    at,
  }
  const fact = `exception:${exceptionId}:opened`
  await eventLog.append(newEvent({ type: "exception.opened", fact, source: "test", time: at, data }))
  return exceptionId
}

const groupOf = async (id: string) => (await desk.find(id))?.group ?? ""
const ask = (spec: object, by = "person-anna") =>
  operations.preview({ kind: "decide", spec, reason: "the ERP is mended", by, perSecond: 500 })
const untilAtRest = async () => {
  while (await worker.pass());
}
const audit = async (id: string) => {
  const rows = await database.sql<{ action: string; actor: string }[]>`
    select action, actor from audit_log where subject = ${`operation ${id}`} order by id`
  return rows.map(({ action, actor }) => `${actor}: ${action}`)
}

describe("a preview", () => {
  it("names what would change, with its money, and what is refused and why; nothing is changed by it", async () => {
    const ids = [await open("a"), await open("a"), await open("a", { actions: ["acknowledge"] })]
    const preview = await ask({ action: "retry", group: await groupOf(ids[0] ?? "") })
    expect(preview).toMatchObject({
      state: "previewed",
      total: 2,
      atRisk: [{ amountMinor: 2000, currency: "EUR" }],
      refused: [{ id: ids[2], why: "only acknowledge may be done" }],
    })
    await untilAtRest()
    expect((await desk.find(ids[0] ?? ""))?.state).toBe("open")
    expect((await ask({ action: "retry", ids: ["no-such-case"] })).refused).toEqual([
      { id: "no-such-case", why: "it is not open, or there is none" },
    ])
  })

  it("that does not say what is needed is refused with each problem at its place", async () => {
    await expect(ask({ action: 7, more: 1 })).rejects.toMatchObject({
      code: "REQUEST_INVALID",
      problems: expect.arrayContaining([expect.objectContaining({ pointer: "/spec/action" })]) as unknown,
    })
    await expect(ask({ action: "retry" })).rejects.toThrow("say which")
    const ids = [await open("j")]
    await expect(ask({ action: "burn", ids })).rejects.toThrow("does not know")
    await expect(ask({ action: "retry", day: "2026-12-01", ids })).rejects.toThrow("takes no day")
    await expect(operations.preview({ kind: "nuke", spec: {}, reason: "x", by: "y" })).rejects.toThrow("no kind")
  })

  it("is good for fifteen minutes, and only as it was seen", async () => {
    const preview = await ask({ action: "retry", ids: [await open("old")] })
    await expect(operations.run(preview.id, { hash: "another", by: "person-anna" })).rejects.toThrow("not the preview")
    clock.moveMs(15 * 60_000 + 1)
    await expect(operations.run(preview.id, { hash: preview.hash, by: "person-anna" })).rejects.toThrow("too old")
  })
})

describe("an operation", () => {
  it("changes all members of its preview, not one that came later, and tells who asked", async () => {
    const ids = [await open("b"), await open("b")]
    const preview = await ask({ action: "retry", group: await groupOf(ids[0] ?? "") })
    const later = await open("b")
    await operations.run(preview.id, { hash: preview.hash, by: "person-anna" })
    await untilAtRest()
    expect(await operations.find(preview.id)).toMatchObject({ state: "done", done: 2, skipped: 0 })
    expect((await desk.find(ids[0] ?? ""))?.decision).toMatchObject({ by: "person-anna", reason: "the ERP is mended" })
    expect((await desk.find(later))?.state).toBe("open")
    expect(await audit(preview.id)).toEqual(["person-anna: plan decide", "person-anna: operation: running"])
  })

  it("leaves members that moved meanwhile, and says which and why", async () => {
    const ids = [await open("c"), await open("c")]
    const preview = await ask({ action: "retry", group: await groupOf(ids[0] ?? "") })
    await desk.decide(ids[0] ?? "", { action: "retry", by: "person-ben" })
    await operations.run(preview.id, { hash: preview.hash, by: "person-anna" })
    await untilAtRest()
    expect(await operations.find(preview.id)).toMatchObject({ state: "done", done: 1, skipped: 1 })
    const members = await operations.members(preview.id, {})
    expect(members.map(({ member, outcome, reason }) => [member, outcome, reason])).toEqual(
      expect.arrayContaining([
        [ids[0], "skipped", "person-ben decided it meanwhile: retry"],
        [ids[1], "done", null],
      ]),
    )
  })

  it("on many objects waits for another person, who sees the same preview; whoever asked cannot approve", async () => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => open("d")))
    const preview = await ask({ action: "retry", group: await groupOf(ids[0] ?? "") })
    expect(preview.needsApproval).toBe("it changes 6 objects, more than 5")
    const seen = { hash: preview.hash, by: "person-anna" }
    expect((await operations.run(preview.id, seen)).state).toBe("waiting for approval")
    await untilAtRest()
    await expect(operations.approve(preview.id, seen)).rejects.toThrow("another person")
    expect((await desk.find(ids[0] ?? ""))?.state).toBe("open")
    const approved = await operations.approve(preview.id, { hash: preview.hash, by: "person-ben" })
    expect(approved).toMatchObject({ state: "running", approvedBy: "person-ben" })
    await untilAtRest()
    expect(await operations.find(preview.id)).toMatchObject({ state: "done", done: 6 })
    expect(await audit(preview.id)).toEqual([
      "person-anna: plan decide",
      "person-anna: operation: waiting for approval",
      "person-ben: operation: running",
    ])
  })

  it("can be paused, goes on where it stopped, and can be ended", async () => {
    const ids = await Promise.all(Array.from({ length: 4 }, () => open("e")))
    const preview = await ask({ action: "retry", group: await groupOf(ids[0] ?? "") })
    const anna = { hash: preview.hash, by: "person-anna" }
    const done: string[] = []
    const decide = kinds[0] as AnyBulkKind
    use([
      {
        ...decide,
        carryOut: async (...call) => {
          const became = await decide.carryOut(...call)
          done.push(call[0].id)
          if (done.length === 2) await operations.pause(preview.id, anna)
          return became
        },
      },
    ])
    await operations.run(preview.id, anna)
    await untilAtRest()
    expect(await operations.find(preview.id)).toMatchObject({ state: "paused", done: 2 })
    await operations.run(preview.id, anna)
    await untilAtRest()
    expect(await operations.find(preview.id)).toMatchObject({ state: "done", done: 4 })
    expect(done.toSorted()).toEqual(ids.toSorted())
    await expect(operations.stop(preview.id, anna)).rejects.toThrow("it is done")
  })

  it("goes on in another worker after one died between a change and its note, and nothing is done twice", async () => {
    const ids = await Promise.all(Array.from({ length: 3 }, () => open("f")))
    const preview = await ask({ action: "retry", group: await groupOf(ids[0] ?? "") })
    await operations.run(preview.id, { hash: preview.hash, by: "person-anna" })
    // The change is made, and the worker dies before it notes it.
    const [first] = await operations.members(preview.id, {})
    await database.sql`update bulk_operations set leased_by = 'another', leased_until = ${new Date(clock.now() + 30_000).toISOString()} where id = ${preview.id}`
    await desk.decide(first?.member ?? "", { action: "retry", by: "person-anna", reason: "the ERP is mended" })
    expect(await worker.pass()).toBe(false)
    clock.moveMs(30_001)
    await untilAtRest()
    expect(await operations.find(preview.id)).toMatchObject({ state: "done", done: 3, skipped: 0 })
    const [facts] = await database.sql<{ count: number }[]>`
      select count(*) as count from events where type = 'exception.decided' and data ->> 'exceptionId' = any(${ids})`
    expect(facts?.count).toBe(3)
  })

  it("that is short does not wait for the end of a long one", async () => {
    const [slow, quick] = [await open("h"), await open("i")]
    const decide = kinds[0] as AnyBulkKind
    const gate = Promise.withResolvers<void>()
    use([
      {
        ...decide,
        carryOut: async (...call) => {
          if (call[0].id === slow) await gate.promise
          return decide.carryOut(...call)
        },
      },
    ])
    const [long, short] = [await ask({ action: "retry", ids: [slow] }), await ask({ action: "retry", ids: [quick] })]
    await operations.run(long.id, { hash: long.hash, by: "person-anna" })
    worker.start()
    await operations.run(short.id, { hash: short.hash, by: "person-anna" })
    await vi.waitFor(async () => expect((await operations.find(short.id))?.state).toBe("done"), 10_000)
    expect((await operations.find(long.id))?.state).toBe("running")
    gate.resolve()
    await vi.waitFor(async () => expect((await operations.find(long.id))?.state).toBe("done"), 10_000)
    await worker.stop()
  })

  it("is prepared once, also when its first member has to wait: what people did since then stays", async () => {
    const ids = [await open("p"), await open("p")]
    const decide = kinds[0] as AnyBulkKind
    let [prepared, isAway] = [0, true]
    use([
      {
        ...decide,
        prepare: async () => (prepared += 1),
        carryOut: async (...call) => {
          if (isAway) throw new AppError("CONNECTION_PAUSED", "the ERP does not answer yet")
          return decide.carryOut(...call)
        },
      },
    ])
    const { id, hash } = await ask({ action: "retry", ids })
    await operations.run(id, { hash, by: "person-anna" })
    for (const _ of [1, 2]) await expect(worker.pass()).rejects.toThrow("does not answer yet")
    isAway = false
    await untilAtRest()
    expect(await operations.find(id)).toMatchObject({ state: "done", done: 2 })
    expect(prepared).toBe(1)
  })

  it("leaves what is personal out of the audit, which outlives it", async () => {
    const decide = kinds[0] as AnyBulkKind
    use([{ ...decide, personal: { cause: () => true } }])
    await open("Ada Jansen's door is locked")
    const { id } = await ask({ action: "retry", cause: "Ada Jansen's door is locked" })
    const [row] = await database.sql<{ detail: object }[]>`
      select detail from audit_log where subject = ${`operation ${id}`}`
    expect(row?.detail).toEqual({ spec: { action: "retry", cause: "[personal]" }, total: 1 })
  })

  it("of one person's channels is not seen by a person of others", async () => {
    const spec = { action: "retry", ids: [await open("g")] }
    const preview = await operations.preview({ kind: "decide", spec, reason: "r", by: "p", channels: ["till"] })
    expect(await operations.find(preview.id, ["kiosk"])).toBeUndefined()
    expect(await operations.find(preview.id, ["till", "kiosk"])).toBeDefined()
    expect((await operations.list({ limit: 500, channels: ["kiosk"] })).items.map(({ id }) => id)).not.toContain(
      preview.id,
    )
  })
})
