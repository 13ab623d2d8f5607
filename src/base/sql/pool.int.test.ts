import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { openTcpDoor, type TcpDoor } from "../../../test/fixtures/servers/tcp-door.ts"
import { parseDatabaseUrl } from "./database-url.ts"
import { Pool } from "./pool.ts"
import { inTransaction, isStorageAway, openSession, openSql, sqlState, storage, type Sql } from "../sql.ts"
import { monotonicMs, sleep } from "../time.ts"

let database: FreshDatabase
let door: TcpDoor
const unheld: unknown[] = []
const remember = (reason: unknown) => unheld.push(reason)

beforeAll(async () => {
  database = await freshDatabase()
  process.on("unhandledRejection", remember)
  process.on("uncaughtException", remember)
})
beforeEach(async () => {
  door = await openTcpDoor(database.url)
})
afterEach(async () => {
  await door.close()
  await sleep(20)
  const left = unheld.splice(0)
  if (left.length > 0) throw new AggregateError(left, `${left.length} errors were held by nobody: ${left.join("; ")}`)
})
afterAll(async () => {
  process.off("unhandledRejection", remember)
  process.off("uncaughtException", remember)
  await database?.drop()
})

/** Outcome of a statement as text, for expectations over many statements. */
async function outcome(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "done",
    (thrown: unknown) => (isStorageAway(thrown) ? "away" : `other: ${String(thrown)}`),
  )
}

const query = (sql: Sql) => sql`select 1`.then(() => undefined)

describe("a pool that is ended", () => {
  test("at any moment of its first connection leaves nothing behind", async () => {
    const outcomes = new Set<string>()
    const measured = openSql(door.url, { connectionsMax: 3, name: "measured" })
    const startedMs = monotonicMs()
    await Promise.all([query(measured), query(measured), query(measured)])
    const stepMs = ((monotonicMs() - startedMs) * 1.5) / 30
    await measured.end({ timeout: 0 })
    for (let round = 0; round < 90; round += 1) {
      const sql = openSql(door.url, { connectionsMax: 3, name: "ended early" })
      const work = [query(sql), query(sql), inTransaction(sql, (transaction) => transaction`select 1`), query(sql)]
      const settled = Promise.all(work.map(outcome))
      await sleep((round % 30) * stepMs)
      await sql.end({ timeout: 0 })
      for (const each of await settled) outcomes.add(each)
    }
    expect([...outcomes].sort()).toEqual(["away", "done"])
  }, 180_000)

  test("without a statement ever run, and twice, ends too", async () => {
    const sql = openSql(door.url, { connectionsMax: 3, name: "unused" })
    await Promise.all([sql.end({ timeout: 0 }), sql.end({ timeout: 1 })])
    expect(await outcome(query(sql))).toBe("away")
    expect(door.opened).toBe(0)
  })

  test("while it connects again leaves nothing behind", async () => {
    for (let round = 0; round < 60; round += 1) {
      const sql = openSql(door.url, { connectionsMax: 3, name: "ended again" })
      await Promise.all([query(sql), query(sql), query(sql)])
      door.cut(round % 2 === 0 ? "end" : "reset")
      const settled = Promise.all([query(sql), query(sql), query(sql), query(sql)].map(outcome))
      await sleep((round % 20) * 0.4)
      await sql.end({ timeout: 0 })
      for (const each of await settled) expect(["away", "done"]).toContain(each)
    }
  })

  test("waits for what is under way, and its connections are gone afterwards", async () => {
    const sql = openSql(database.url, { connectionsMax: 2, name: "patient" })
    const slow = [1, 2, 3].map((n) =>
      sql<{ n: number }[]>`select ${n}::integer as n, pg_sleep(0.1)`.then(([row]) => row?.n),
    )
    await sleep(30)
    await sql.end({ timeout: 5 })
    expect(await Promise.all(slow)).toEqual([1, 2, 3])
    await expect
      .poll(() =>
        database.sql`select 1 from pg_stat_activity where application_name = 'patient'`.then((rows) => rows.length),
      )
      .toBe(0)
  })
})

test("a connection cut after any number of bytes of its start fails its statements and no others", async () => {
  for (let bytes = 1; bytes < 700; bytes += 13) {
    door.cutAfterBytes = bytes
    const sql = openSql(door.url, { connectionsMax: 2, name: "cut at the start" })
    expect(await outcome(query(sql))).toMatch(/away|done/)
    door.cutAfterBytes = Number.POSITIVE_INFINITY
    expect(await outcome(query(sql).catch(() => query(sql)))).toBe("done")
    await sql.end({ timeout: 0 })
  }
})

test("callers who repeat at once while every connection is cut at once are served in a moment", async () => {
  const sql = openSql(door.url, { connectionsMax: 4, name: "hail" })
  let isOver = false
  let longestMs = 0
  const callers = Array.from({ length: 16 }, async () => {
    let sinceMs = monotonicMs()
    while (!isOver) {
      const result = await outcome(query(sql))
      expect(result).toMatch(/away|done/)
      longestMs = Math.max(longestMs, monotonicMs() - sinceMs)
      if (result === "done") sinceMs = monotonicMs()
    }
  })
  for (let strike = 0; strike < 60; strike += 1) {
    await sleep(25)
    door.cut(strike % 3 === 0 ? "end" : "reset")
  }
  isOver = true
  await Promise.all(callers)
  await sql.end({ timeout: 1 })
  // The driver alone leaves such connections dead until its time-out of 5 s, or for ever.
  expect(longestMs).toBeLessThan(4000)
})

test("a server that vanished without a word is given up within seconds, though statements may run longer", async () => {
  const sql = openSql(door.url, { connectionsMax: 2, name: "vanished" })
  await query(sql)
  // The server is slow, not gone: it still accepts connections.
  await sql`select pg_sleep(5)`
  const started = monotonicMs()
  const waiting = [outcome(sql`select pg_sleep(60)`), outcome(inTransaction(sql, (run) => run`select pg_sleep(60)`))]
  await sleep(200)
  await door.vanish()
  expect(await Promise.all(waiting)).toEqual(["away", "away"])
  expect(monotonicMs() - started).toBeLessThan(9000)
  await sql.end({ timeout: 0 })
})

test("a session hears notifications, holds its locks until it is lost, and says when that is", async () => {
  const sql = openSql(door.url, { connectionsMax: 2, name: "session" })
  const heard: string[] = []
  const session = await openSession(sql, (channel, payload) => heard.push(`${channel}:${payload}`))
  await session.sql`listen news`
  await session.sql`select pg_advisory_lock(77)`
  await database.sql`select pg_notify('news', 'one')`
  await expect.poll(() => heard).toEqual(["news:one"])
  const isFree = async () =>
    (await database.sql<{ free: boolean }[]>`select pg_try_advisory_xact_lock(77) as free`)[0]?.free
  expect(await isFree()).toBe(false)
  door.cut("reset")
  await session.lost
  expect(await outcome(session.sql`select 1`.then(() => undefined))).toBe("away")
  await expect.poll(isFree).toBe(true)
  await session.sql.end()
  await sql.end({ timeout: 1 })
})

test("connections that only a burst of transactions needed are closed again, but for one", async () => {
  const session = { application_name: "burst" }
  const pool = new Pool({ address: parseDatabaseUrl(database.url), connectionsMax: 1, session, spareAfterMs: 500 })
  const open = () =>
    database.sql`select 1 from pg_stat_activity where application_name = 'burst'`.then((rows) => rows.length)
  const lanes = await Promise.all(Array.from({ length: 6 }, () => pool.take()))
  expect(await open()).toBe(6)
  for (const lane of lanes) pool.giveBack(lane)
  await expect.poll(open, { timeout: 8000 }).toBe(1)
  pool.giveBack(await pool.take())
  await pool.end(0)
  await expect.poll(open).toBe(0)
})

test("arrays of every kind we use go there and back", async () => {
  const texts = ["a", 'b"', "c,d", "\\", "{}", "NULL", ""]
  const id = "0b8f3e0a-5a3e-4d3e-9a53-0a5a3e4d3e9a"
  const [row] = await database.sql`
    select ${texts}::text[] as texts, ${[1, 9_007_199_254_740_991]}::bigint[] as bigs, ${database.sql.array([true, false])} as flags,
      ${[id]}::uuid[] as ids, ${[1, 2]}::integer[] as ints, array['2026-01-02T03:04:05Z'::timestamptz] as times,
      array[null, 'x'] as some, array[[1, 2], [3, 4]] as nested, ${[]}::text[] as none, array['7'::xid8] as transactions`
  expect(row).toEqual({
    texts,
    bigs: [1, 9_007_199_254_740_991],
    flags: [true, false],
    ids: [id],
    ints: [1, 2],
    times: [new Date("2026-01-02T03:04:05Z")],
    some: [null, "x"],
    nested: [
      [1, 2],
      [3, 4],
    ],
    none: [],
    transactions: ["7"],
  })
})

test("shutdown by an administrator, a refusal to write and an unreachable server count as storage away, a wrong statement not", async () => {
  for (const code of ["57P01", "57P02", "57P03", "25006", "08006", "53300", "58030", "ECONNRESET", "CONNECT_TIMEOUT"])
    await expect(storage(() => Promise.reject(Object.assign(new Error(code), { code })))).rejects.toMatchObject({
      code: "STORAGE_UNAVAILABLE",
    })
  for (const code of ["23505", "57014", "40001", "42601"])
    await expect(storage(() => Promise.reject(Object.assign(new Error(code), { code })))).rejects.toMatchObject({
      code,
    })
  const reader = openSql(database.url, { connectionsMax: 1, name: "reader" })
  const refused = await inTransaction(reader, async (run) => {
    await run`set transaction read only`
    await run`create table refused ()`
  }).catch((thrown: unknown) => thrown)
  expect(sqlState(refused)).toBe("25006")
  expect(isStorageAway(refused)).toBe(true)
  await reader.end({ timeout: 1 })
})

describe("a statement that fails after it has sent rows", () => {
  const failing = (sql: Sql) => sql`select n, 1 / (4 - n) from generate_series(1, 9) n`.catch(sqlState)

  test("takes no row of the statements after it", async () => {
    const sql = openSql(door.url, { connectionsMax: 1, name: "after a failure" })
    const both = await Promise.all([failing(sql), sql`select n from generate_series(1, 2) n`])
    expect(both).toEqual(["22012", [{ n: 1 }, { n: 2 }]])
    expect(await failing(sql)).toBe("22012")
    const [row, ...others] = await sql`select 7 as n`
    expect([row, others]).toEqual([{ n: 7 }, []])
    expect(await failing(sql)).toBe("22012")
    expect([...(await sql`select 1 where false`)]).toEqual([])
    expect(await failing(sql)).toBe("22012")
    const several = (await sql.unsafe("select 1 as a; select 2 as b")) as unknown[][]
    expect(several.map((rows) => rows.length)).toEqual([1, 1])
    await sql.end()
  })

  test("takes none when its time was over, either", async () => {
    const sql = openSql(door.url, { connectionsMax: 1, name: "after a timeout" })
    await sql`set statement_timeout = 200`
    const slow = sql`select n, pg_sleep(n * 0.05) from generate_series(1, 99) n`.catch(sqlState)
    expect(await slow).toBe("57014")
    const rows = await sql`select n from generate_series(1, 3) n`
    expect(rows.map(({ n }) => n as number)).toEqual([1, 2, 3])
    await sql.end()
  })
})
