import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { movableClock } from "../../../test/fixtures/gateway.ts"
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
async function open(connection: string, value: string, owner = "finance"): Promise<string> {
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
  await eventLog.append(newEvent({ type: "exception.opened", fact, source: "test", time: at, data }))
  const [row] = await database.sql<{ group_id: string }[]>`select group_id from exceptions where id = ${exceptionId}`
  return row?.group_id ?? ""
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
    const whole = await open("s", "A", "finance")
    await open("s", "A", "operations")
    const rule = await splitGroup(parts(), { group: whole, field: "owner", ...said })
    const [[first = ""] = [], [second = ""] = []] = await groups("s")
    expect([first, second]).not.toContain(whole)
    expect([first, second]).toContain(await open("s", "A", "operations"))
    expect(await open("s", "A", "order desk")).not.toBe(whole)
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

  it("take every case, also one that is opened while the rule is made", async () => {
    const [one, other] = [await open("c", "A"), await open("c", "B")]
    const cases = Array.from({ length: 20 }, () => open("c", "A"))
    await Promise.all([mergeGroups(parts(), { group: one, into: other, ...said }), ...cases])
    expect(await groups("c")).toEqual([[other, 22]])
  })
})
