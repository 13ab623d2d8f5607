import { afterAll, beforeAll, expect, it } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { EventLog } from "../../eventlog/event-log.ts"

let database: FreshDatabase
beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
})
afterAll(() => database?.drop())

const at = "2026-11-29T12:00:00.000Z"

function bothAbout(exceptionId: string): [NewEvent, NewEvent] {
  const about = ref("order", "ord_0000000000000001")
  const opened = newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}:opened`,
    source: "test",
    time: at,
    data: {
      exceptionId,
      about,
      cause: "authorisation lapsed",
      summary: "it lapsed",
      doneSoFar: [],
      ifNobodyActs: "it waits",
      allowedActions: ["acknowledge"],
      owner: "finance",
      at,
    },
  })
  const decided = newEvent({
    type: "exception.decided",
    fact: `exception:${exceptionId}:decided`,
    source: "test",
    time: at,
    data: { exceptionId, about, action: "acknowledge", decidedBy: "crossdock", at },
  })
  return [opened, decided]
}

it("an exception that is told and ended by two processes at the same moment is ended, as the log says", async () => {
  const logs = [new EventLog(database.sql), new EventLog(database.sql)]
  const ids = Array.from({ length: 300 }, (_, n) => `case-${n}`)
  for (let from = 0; from < ids.length; from += 3)
    await Promise.all(
      ids.slice(from, from + 3).flatMap((id) => bothAbout(id).map((event, place) => logs[place]?.append(event))),
    )
  const open = await database.sql<{ id: string }[]>`select id from exceptions where state = 'open'`
  expect(open.map(({ id }) => id)).toEqual([])
  const [all] = await database.sql<{ count: number }[]>`select count(*) as count from exceptions`
  expect(all?.count).toBe(ids.length)
})
