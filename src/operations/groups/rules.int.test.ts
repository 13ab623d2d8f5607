import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { movableClock } from "../../../test/fixtures/gateway.ts"
import { inTransaction, type Sql } from "../../base/sql.ts"
import { newEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { listGroups } from "./groups.ts"
import { notesOf } from "./marks.ts"
import { listGroupRules, mergeGroups, rulesOfGroup, splitGroup, undoGroupRule } from "./rules.ts"

let database: FreshDatabase
let eventLog: EventLog
const clock = movableClock()
const parts = () => ({ sql: database.sql, clock })
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
  eventLog = new EventLog(database.sql)
})
afterAll(() => database?.drop())

let count = 0
/** Opens a case of a connection; returns its group. */
async function open(connection: string, value: string, { owner = "finance", log = eventLog } = {}): Promise<string> {
  count += 1
  const exceptionId = `case-${count}`
  const at = new Date(clock.now()).toISOString()
  const data = {
    exceptionId,
    about: ref("order", `ord_${String(count).padStart(16, "0")}`),
    cause: "book order",
    summary: `order ${count} was refused`,
    doneSoFar: [],
    ifNobodyActs: "it waits",
    allowedActions: ["retry"],
    owner,
    because: { kind: "data" as const, connection, operation: "book order", value },
    at,
  }
  const fact = `exception:${exceptionId}:opened`
  await log.append(newEvent({ type: "exception.opened", fact, source: "test", time: at, data }))
  const [row] = await database.sql<{ group_id: string }[]>`select group_id from exceptions where id = ${exceptionId}`
  return row?.group_id ?? ""
}
/** Until the work waits for the lock of rules, or has ended without it. */
async function untilItWaitsOrEnds(work: Promise<unknown>): Promise<void> {
  const waits = vi.waitFor(async () => {
    const waiting = await database.sql`
      select from pg_locks where locktype = 'advisory' and classid = 7106 and not granted
        and database = (select oid from pg_database where datname = current_database())`
    expect(waiting).toHaveLength(1)
  }, 5000)
  await Promise.race([work, waits])
}

const said = { by: "person-anna", reason: "one supplier sent both" }
const groups = async (connection: string) => {
  const { items } = await listGroups(parts(), { connection, state: "all" })
  return items.map(({ id, open: cases }) => [id, cases] as const)
}

describe("groups that people merge and split", () => {
  it("merged ones are one group, for later cases too, until that is undone", async () => {
    const [one, other] = [await open("m", "A"), await open("m", "B")]
    const rule = await mergeGroups(parts(), { group: one, into: other, ...said })
    expect(await groups("m")).toEqual([[other, 2]])
    expect(await open("m", "A")).toBe(other)
    expect(await rulesOfGroup(database.sql, other)).toEqual([rule])
    expect((await notesOf(database.sql, other)).at(-1)).toMatchObject({
      act: "merge",
      by: "person-anna",
      text: said.reason,
    })
    await undoGroupRule(parts(), { id: rule.id, by: "person-ben" })
    expect(new Map(await groups("m"))).toEqual(
      new Map([
        [one, 2],
        [other, 1],
      ]),
    )
    expect(await open("m", "A")).toBe(one)
    expect((await listGroupRules(database.sql)).find(({ id }) => id === rule.id)?.undone?.by).toBe("person-ben")
    expect((await undoGroupRule(parts(), { id: rule.id, by: "person-cleo" })).undone?.by).toBe("person-ben")
  })

  it("a split one is a group for each value of its field, for later cases too, and a part may be merged elsewhere", async () => {
    const whole = await open("s", "A", { owner: "finance" })
    await open("s", "A", { owner: "operations" })
    const rule = await splitGroup(parts(), { group: whole, field: "owner", ...said })
    const [[first = ""] = [], [second = ""] = []] = await groups("s")
    expect([first, second]).not.toContain(whole)
    expect([first, second]).toContain(await open("s", "A", { owner: "operations" }))
    expect(await open("s", "A", { owner: "order desk" })).not.toBe(whole)
    const merge = await mergeGroups(parts(), { group: first, into: second, ...said })
    expect((await rulesOfGroup(database.sql, second)).map(({ id }) => id)).toEqual([rule.id, merge.id])
    await undoGroupRule(parts(), { id: rule.id, by: "person-anna" })
    expect(await groups("s")).toEqual([[whole, 4]])
  })

  it("are refused where nothing would follow: itself, no open cases, a second rule, one value only", async () => {
    const [one, other] = [await open("r", "A"), await open("r", "B")]
    await expect(mergeGroups(parts(), { group: one, into: one, ...said })).rejects.toThrow("itself")
    await expect(mergeGroups(parts(), { group: one, into: "grp_0000000000000000", ...said })).rejects.toThrow(
      "no open cases",
    )
    await expect(splitGroup(parts(), { group: one, field: "owner", ...said })).rejects.toThrow("the same owner")
    await mergeGroups(parts(), { group: one, into: other, ...said })
    // All its cases are in the other one: no circle can be made.
    await expect(mergeGroups(parts(), { group: other, into: one, ...said })).rejects.toThrow("no open cases")
    await expect(undoGroupRule(parts(), { id: 999_999, by: "x" })).rejects.toThrow("no rule")
  })

  it("take every case, also one whose opening is not committed when the rule is made, and the other way round", async () => {
    const { sql } = database
    const [one, other] = [await open("c", "A"), await open("c", "B")]
    const merge = () => mergeGroups(parts(), { group: one, into: other, ...said })
    let made: Promise<unknown> = Promise.resolve()
    let later: Promise<unknown> = Promise.resolve()
    await inTransaction(sql, async (transaction) => {
      await open("c", "A", { log: new EventLog(transaction as unknown as Sql) })
      made = merge()
      await untilItWaitsOrEnds(made)
    })
    await made
    expect(await groups("c")).toEqual([[other, 3]])
    await inTransaction(sql, async (transaction) => {
      await transaction`select begin_group_rule()`
      await transaction`update exception_group_rules set undone_by = 'x', undone_at = now() where group_id = ${one}`
      await transaction`select regroup_exceptions(null)`
      later = open("c", "A")
      await untilItWaitsOrEnds(later)
    })
    expect(await later).toBe(one)
  })
})
