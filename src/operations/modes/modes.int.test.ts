import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { logWithObjects } from "../../../test/fixtures/operations/told.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import { Modes } from "./modes.ts"
import type { Mode } from "./policies.ts"
import type { Reading } from "./standing.ts"

const mode: Mode = {
  name: "ERP down",
  connection: "sap",
  enter: { awayFor: { minutes: 2 } },
  leave: { answersFor: { minutes: 1 } },
  accepts: ["orders"],
  defers: ["booking"],
  buyersAreTold: { en: "It may take a little longer." },
  owner: "integration",
  runbooks: { it: "docs/runbooks/erp-down.md", store: "docs/runbooks/none.md" },
}

let database: FreshDatabase
let eventLog: EventLog
let nowMs = Date.UTC(2026, 10, 29, 12)
let reading: Reading
let pauses: string[]
let wentOn = 0
const clock = { now: () => nowMs }
const minute = 60_000

beforeEach(async () => {
  database = await freshDatabase({ connectionsMax: 6 })
  eventLog = logWithObjects(database.sql)
  reading = { awayForMs: undefined, answersForMs: 60 * minute, waiting: 0 }
  pauses = []
})
afterEach(() => database.drop())

function modesWith(
  append: (event: Parameters<EventLog["append"]>[0]) => Promise<unknown> = (e) => eventLog.append(e),
  of = mode,
) {
  return new Modes({
    sql: database.sql,
    clock,
    modes: [of],
    readings: () => Promise.resolve(new Map([["sap", reading]])),
    append,
    letGo: (_connection, most) => {
      wentOn += most
      return Promise.resolve()
    },
    setPaused: (connection, { isPaused }) => {
      pauses.push(`${connection} ${isPaused ? "paused" : "resumed"}`)
      return Promise.resolve()
    },
  })
}

/** Several workers look at the same moment. */
async function look(after: Reading): Promise<void> {
  reading = after
  nowMs += minute
  await Promise.all([modesWith().look(), modesWith().look(), modesWith().look()])
}

const away = (minutes: number, waiting: number): Reading => ({
  awayForMs: minutes * minute,
  answersForMs: undefined,
  waiting,
})
const back = (waiting: number): Reading => ({ awayForMs: undefined, answersForMs: 2 * minute, waiting })

async function told(): Promise<string[]> {
  const rows = await database.sql<{ state: string; episode: string }[]>`
    select data ->> 'state' as state, data ->> 'episode' as episode from events where type = 'mode.state-changed' order by xid, seq`
  return rows.map(({ state, episode }) => `${episode} ${state}`)
}

test("several workers enter, turn and leave a mode once, and tell each change once", async () => {
  await look(away(1, 3))
  expect(await told()).toEqual([])
  await look(away(2, 40))
  await look(away(3, 90))
  await look(back(90))
  await look(away(2, 20))
  await look(back(10))
  await look(back(0))
  expect(await told()).toEqual(["1 entered", "1 draining", "1 entered", "1 draining", "1 left"])
  expect(await modesWith().find("ERP down")).toMatchObject({
    state: "normal",
    episodes: [{ state: "left", mostWaiting: 90, report: { mostWaiting: 90, orders: { unaccounted: 0 } } }],
  })
  await look(away(5, 1))
  expect((await told()).at(-1)).toMatch(/^(?!1 )\d+ entered$/)
})

test("a process that dies after a change and before it is told leaves it to the next, which tells it once", async () => {
  reading = away(2, 5)
  await expect(modesWith(() => Promise.reject(new Error("killed"))).look()).rejects.toThrow("killed")
  expect(await told()).toEqual([])
  await modesWith(async (event) => {
    await eventLog.append(event)
    throw new Error("killed after the append")
  })
    .look()
    .catch(() => undefined)
  await look(away(3, 5))
  expect(await told()).toEqual(["1 entered"])
})

test("a person enters a mode before an absence and nothing but a person ends it; both are in the audit", async () => {
  const ada = { by: "ada", reason: "maintenance until 23:00" }
  expect(await modesWith().enter("ERP down", ada)).toMatchObject({
    state: "entered",
    by: "ada",
    buyersAreTold: { en: "It may take a little longer." },
  })
  // A repeat, after an answer was lost, changes nothing.
  await modesWith().enter("ERP down", ada)
  await look(back(0))
  await look(back(0))
  expect(await told()).toEqual(["1 entered"])
  await modesWith().leave("ERP down", { by: "bob", reason: "done" })
  expect(await modesWith().leave("ERP down", ada)).toMatchObject({ state: "draining", by: "bob" })
  await look(back(0))
  await expect(modesWith().leave("ERP down", ada)).rejects.toMatchObject({ code: "STATE_FORBIDS" })
  expect(await told()).toEqual(["1 entered", "1 draining", "1 left"])
  expect(pauses).toEqual(["sap paused", "sap paused", "sap resumed"])
  const audit = await database.sql<{ actor: string; action: string }[]>`
    select actor, action from audit_log where action like '%mode' order by id`
  expect(audit.map(({ actor, action }) => `${actor}: ${action}`)).toEqual(["ada: enter mode", "bob: leave mode"])
  expect(await modesWith().enter("ERP up", ada)).toBeUndefined()
})

test("on the way back workers share the pace, and nothing else lets go what waits meanwhile; without a watch everything goes on", async () => {
  const paced = { ...mode, leave: { answersFor: { minutes: 1 }, perMinute: 600 } }
  const drained = async () => (await database.sql`select connection from drains_under_way()`).length
  const lookAll = () => Promise.all([1, 2, 3].map(() => modesWith(undefined, paced).look()))
  reading = away(3, 500)
  await lookAll()
  await lookAll()
  expect(await drained()).toBe(1)
  reading = back(500)
  await lookAll()
  wentOn = 0
  // As if the last look had been three seconds ago: thirty may go on, however many workers look.
  await database.sql`update mode_episodes set paced_at = clock_timestamp() - interval '3 seconds'`
  await lookAll()
  expect(wentOn).toBeGreaterThanOrEqual(30)
  expect(wentOn).toBeLessThan(60)
  await database.sql`update mode_episodes set paced_at = clock_timestamp() - interval '1 hour'`
  wentOn = 0
  await lookAll()
  expect(wentOn).toBeLessThan(190)
  await database.sql`update mode_episodes set paced_until = clock_timestamp()`
  expect(await drained()).toBe(0)
})

test("a person takes over a mode that Crossdock has entered; one that nobody took over is left by nobody, and says why", async () => {
  await look(away(2, 5))
  await expect(modesWith().leave("ERP down", { by: "ada", reason: "it works" })).rejects.toThrow(
    "sap has given no answer, or is paused, for 2 min; it ends by itself when sap answers",
  )
  expect(await modesWith().enter("ERP down", { by: "ada", reason: "the upgrade takes all night" })).toMatchObject({
    state: "entered",
    byPerson: true,
  })
  await look(back(0))
  expect(await modesWith().find("ERP down")).toMatchObject({ state: "entered" })
  await modesWith().leave("ERP down", { by: "ada", reason: "the upgrade is done" })
  await look(back(0))
  expect(await told()).toEqual(["1 entered", "1 entered", "1 draining", "1 left"])
})

test("what channels may tell their buyers is there while a mode is entered, and says nothing of systems", async () => {
  expect(await modesWith().notices()).toEqual([])
  await look(away(2, 5))
  const notices = await modesWith().notices()
  expect(notices).toMatchObject([{ texts: { en: "It may take a little longer." } }])
  expect(JSON.stringify(notices)).not.toMatch(/sap|ERP/)
})
