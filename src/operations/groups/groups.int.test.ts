import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { movableClock } from "../../../test/fixtures/gateway.ts"
import { newEvent, type EventData } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { findGroup, listGroups } from "./groups.ts"
import { actOnGroup, notesOf, type GroupAct } from "./marks.ts"

let database: FreshDatabase
let eventLog: EventLog
const clock = movableClock()
const options = () => ({ sql: database.sql, clock })

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 4 })
  eventLog = new EventLog(database.sql)
})
afterAll(() => database?.drop())

type Opened = EventData<"exception.opened">
let count = 0

/** Opens a case; returns its id. */
async function open(data: Partial<Opened>): Promise<string> {
  count += 1
  const exceptionId = `case-${count}`
  const at = new Date(clock.now()).toISOString()
  const order = `ord_${String(count).padStart(16, "0")}`
  await eventLog.append(
    newEvent({
      type: "exception.opened",
      fact: `exception:${exceptionId}:opened`,
      source: "test",
      time: at,
      data: {
        exceptionId,
        about: ref("order", order),
        cause: "book order",
        summary: `order ${count} was refused`,
        doneSoFar: [],
        ifNobodyActs: "it waits",
        allowedActions: ["retry"],
        owner: "finance",
        at,
        ...data,
      },
    }),
  )
  return exceptionId
}

async function decide(exceptionId: string, about = ref("order", `ord_${exceptionId.slice(5).padStart(16, "0")}`)) {
  const at = new Date(clock.now()).toISOString()
  const data = { exceptionId, about, action: "retry", decidedBy: "test", at }
  await eventLog.append(
    newEvent({ type: "exception.decided", fact: `exception:${exceptionId}:decided`, source: "test", time: at, data }),
  )
}

const refused = (material: string): Partial<Opened> => ({
  because: { kind: "data", connection: "erp", operation: "book order", code: "VENDOR_REJECTED", value: material },
})
const groupsOf = async (filter = {}) => (await listGroups(options(), { state: "all", ...filter })).items

describe("open cases of one cause", () => {
  it("are one group, with their money by currency, and another value is another group", async () => {
    await open({ ...refused("M-1"), atRisk: { amountMinor: 1000, currency: "EUR" } })
    await open({ ...refused("M-1"), atRisk: { amountMinor: 500, currency: "EUR" } })
    await open({ ...refused("M-1"), atRisk: { amountMinor: 700, currency: "USD" } })
    await open({ ...refused("M-2"), atRisk: { amountMinor: 1, currency: "EUR" } })
    const groups = await groupsOf({ connection: "erp" })
    expect(groups.map(({ because, open: cases, orders }) => [because.value, cases, orders])).toEqual([
      ["M-1", 3, 3],
      ["M-2", 1, 1],
    ])
    expect(groups[0]?.atRisk.toSorted((a, b) => a.currency.localeCompare(b.currency))).toEqual([
      { amountMinor: 1500, currency: "EUR" },
      { amountMinor: 700, currency: "USD" },
    ])
    expect(groups[0]?.score.money).toBe(22)
  })

  it("count an order once that has several of them, in whatever currencies", async () => {
    const about = ref("order", "ord_000000000000000a")
    await open({ ...refused("M-4"), about, atRisk: { amountMinor: 1000, currency: "EUR" } })
    await open({ ...refused("M-4"), about, cause: "take payment", atRisk: { amountMinor: 900, currency: "USD" } })
    await open({ ...refused("M-4"), about: ref("document", "erp", "invoice", "1") })
    const [group] = (await groupsOf()).filter(({ because }) => because.value === "M-4")
    expect([group?.open, group?.orders]).toEqual([3, 1])
  })

  it("of an outage are one group, whichever operation met it", async () => {
    await open({ cause: "deadline passed", because: { kind: "outage", connection: "wms" } })
    await open({ cause: "VENDOR_UNAVAILABLE", because: { kind: "outage", connection: "wms", operation: "ship" } })
    const groups = await groupsOf({ kind: "outage" })
    expect(groups.map(({ because, open: cases }) => [because.connection, cases])).toEqual([["wms", 2]])
  })

  it("that say nothing of their cause are grouped by its name and their SKU", async () => {
    await open({ cause: "stock is short", sku: "TEE-M", missingMilli: 1000 })
    await open({ cause: "stock is short", sku: "TEE-M", missingMilli: 2000 })
    await open({ cause: "stock is short", sku: "TEE-L", missingMilli: 2000 })
    const groups = (await groupsOf()).filter(({ cause }) => cause === "stock is short")
    expect(groups.map(({ because, open: cases }) => [because.operation, because.value, cases])).toEqual([
      ["stock is short", "TEE-M", 2],
      ["stock is short", "TEE-L", 1],
    ])
  })

  it("whose amounts nobody believes are listed all the same", async () => {
    const most = { amountMinor: Number.MAX_SAFE_INTEGER, currency: "EUR" }
    for (let n = 0; n < 3; n += 1) await open({ ...refused("absurd"), atRisk: most })
    const [group] = (await groupsOf()).filter(({ because }) => because.value === "absurd")
    expect(group?.atRisk).toEqual([most])
  })

  it("leave the group when they are decided, and the group is gone with its last", async () => {
    const ids = [await open(refused("M-3")), await open(refused("M-3"))]
    const [group] = (await groupsOf()).filter(({ because }) => because.value === "M-3")
    await decide(ids[0] ?? "")
    expect((await findGroup(options(), group?.id ?? "", {}))?.open).toBe(1)
    await decide(ids[1] ?? "")
    expect(await findGroup(options(), group?.id ?? "", {})).toBeUndefined()
    clock.moveMs(60_000)
    await open(refused("M-3"))
    expect(await findGroup(options(), group?.id ?? "", {})).toMatchObject({ open: 1, cameBack: true })
    expect((await groupsOf()).find(({ because }) => because.value === "M-2")?.cameBack).toBe(false)
  })

  it("are sorted by the next clock when asked, those without one last", async () => {
    const dueAt = (minutes: number) => ({
      dueAt: { at: new Date(clock.now() + minutes * 60_000).toISOString(), what: "the hold on the money ends" },
    })
    await open({ ...refused("later"), ...dueAt(90) })
    await open({ ...refused("soon"), ...dueAt(10) })
    const groups = await groupsOf({ sort: "clock" })
    expect(groups.slice(0, 2).map(({ because }) => because.value)).toEqual(["soon", "later"])
    expect(groups[0]).toMatchObject({ dueWhat: "the hold on the money ends" })
  })
})

describe("what people do with a group", () => {
  const group = async (value: string) => {
    const [found] = (await groupsOf()).filter(({ because }) => because.value === value)
    if (!found) throw new Error(`no group ${value}`)
    return found
  }
  const act = async (value: string, what: GroupAct) =>
    actOnGroup(options(), await group(value), { ...what, by: "person-anna" })

  it("is kept with its history and in the audit, and one act leaves the others", async () => {
    await open(refused("kept"))
    await act("kept", { act: "assign", to: "ben" })
    await act("kept", { act: "acknowledge", forMinutes: 30 })
    await act("kept", { act: "comment", text: "SAP support is on it" })
    const found = await group("kept")
    expect(found).toMatchObject({ assignee: "ben", state: "acknowledged", acknowledged: { by: "person-anna" } })
    expect((await notesOf(database.sql, found.id)).map(({ act: name, text, by }) => [name, text, by])).toEqual([
      ["assign", "", "person-anna"],
      ["acknowledge", "", "person-anna"],
      ["comment", "SAP support is on it", "person-anna"],
    ])
    const audit =
      await database.sql`select action from audit_log where subject = ${`exception group ${found.id}`} order by id`
    expect(audit.map(({ action }) => action as string)).toEqual([
      "group: assign",
      "group: acknowledge",
      "group: comment",
    ])
    clock.moveMs(31 * 60_000)
    expect((await group("kept")).state).toBe("open")
  })

  it("a snoozed group is out of the list until its time, so many cases, or so much money", async () => {
    const until = () => new Date(clock.now() + 3_600_000).toISOString()
    await open({ ...refused("asleep"), atRisk: { amountMinor: 100, currency: "EUR" } })
    const isListed = async () =>
      (await listGroups(options(), {})).items.some(({ because }) => because.value === "asleep")
    await act("asleep", { act: "snooze", until: until(), moreCases: 2 })
    expect([await isListed(), (await group("asleep")).state]).toEqual([false, "snoozed"])
    await open(refused("asleep"))
    expect(await isListed()).toBe(false)
    await open(refused("asleep"))
    expect(await isListed()).toBe(true)
    await act("asleep", { act: "snooze", until: until(), moreMinor: 1000, currency: "EUR" })
    expect(await isListed()).toBe(false)
    await open({ ...refused("asleep"), atRisk: { amountMinor: 1000, currency: "EUR" } })
    expect(await isListed()).toBe(true)
    await act("asleep", { act: "snooze", until: until() })
    expect(await isListed()).toBe(false)
    clock.moveMs(3_600_001)
    expect(await isListed()).toBe(true)
  })

  it("refuses what makes no sense, with what to say instead", async () => {
    await open(refused("strict"))
    const past = { act: "snooze", until: new Date(clock.now() - 1000).toISOString() } as const
    await expect(act("strict", past)).rejects.toThrow("must be in the future")
    await expect(act("strict", { act: "comment", text: "  " })).rejects.toThrow("needs a text")
    await expect(act("strict", { act: "assign" })).rejects.toThrow("to whom")
  })
})
