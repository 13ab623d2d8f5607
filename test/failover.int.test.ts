import { chmodSync, mkdtempSync, rmSync } from "node:fs"
import { randomInt } from "node:crypto"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { inTransaction, isStorageAway, openSession, openSql, sqlState, type Sql } from "../src/base/sql.ts"
import { parseDatabaseUrl, withDatabase, withServer } from "../src/base/sql/database-url.ts"
import { monotonicMs, sleep } from "../src/base/time.ts"
import { checkServers } from "../src/engines/doctor/servers.ts"
import { removeDataFolder } from "../src/engines/postgres-place.ts"
import { startFailoverPair, type FailoverPair } from "./fixtures/servers/failover-pair.ts"

let folder: string
let pair: FailoverPair
const pools: Sql[] = []

function pool(url: string, connectionsMax = 4): Sql {
  const sql = openSql(url, { connectionsMax, name: "failover test" })
  pools.push(sql)
  return sql
}

async function startPair(): Promise<void> {
  folder = mkdtempSync(join(tmpdir(), "crossdock-failover-"))
  chmodSync(folder, 0o711)
  const port = randomInt(20_000, 29_000)
  // The power is never cut here, so nothing is lost without fsync; what the standby has flushed counts all the same.
  const settings = { fsync: "off", full_page_writes: "off", shared_buffers: "32MB", max_connections: "60" }
  pair = await startFailoverPair({ folder, ports: { primary: port, standby: port + 20 }, settings })
}

async function stopPair(): Promise<void> {
  await Promise.all(pools.splice(0).map((sql) => sql.end({ timeout: 0 })))
  await pair?.stop()
  for (const name of ["primary", "standby"]) removeDataFolder(join(folder, name))
  rmSync(folder, { recursive: true, force: true })
}

const superuser = (url: string) => pool(withDatabase(url, "postgres"), 1)

/** Runs work until it succeeds; anything but storage that is away is thrown. Returns how often it failed. */
async function persist(work: () => Promise<unknown>): Promise<number> {
  for (let failures = 0; ; failures += 1) {
    try {
      await work()
      return failures
    } catch (thrown) {
      if (!isStorageAway(thrown)) throw thrown
    }
  }
}

describe("a primary that dies under load", () => {
  beforeAll(startPair)
  afterAll(stopPair)

  test("loses no acknowledged commit and doubles none, and the pool goes on with the promoted standby by itself", async () => {
    const sql = pool(pair.url)
    await sql`create table orders (id bigint primary key, part integer not null)`
    await sql`create table parts (id bigint not null, part integer not null, unique (id, part))`
    const acknowledged: number[] = []
    const times: number[] = []
    let next = 0
    let isOver = false
    const workers = Array.from({ length: 8 }, async (_, worker) => {
      while (!isOver) {
        const id = (next += 1)
        // Half of them as single statements of the shared connections, half as transactions on one of their own.
        const insert = () =>
          worker % 2 === 0
            ? sql`insert into orders values (${id}, 0)`
            : inTransaction(sql, async (run) => {
                await run`insert into parts values (${id}, 1)`
                await run`insert into parts values (${id}, 2)`
              })
        // A commit whose reply was lost may have happened: then the key says so.
        await persist(() =>
          Promise.resolve(insert()).catch((thrown: unknown) => {
            if (sqlState(thrown) !== "23505") throw thrown
          }),
        )
        acknowledged.push(id)
        times.push(monotonicMs())
      }
    })
    await sleep(1500)
    const before = acknowledged.length
    const killedMs = monotonicMs()
    await pair.killPrimary()
    await pair.promote()
    const promotedMs = monotonicMs()
    await sleep(3000)
    isOver = true
    await Promise.all(workers)
    const firstMs = times.find((at) => at > promotedMs) ?? Number.POSITIVE_INFINITY
    console.log(
      `failover: ${before} commits before; promoted ${Math.round(promotedMs - killedMs)} ms after the kill; ` +
        `first commit ${Math.round(firstMs - promotedMs)} ms after that; ${acknowledged.length - before} commits since the kill`,
    )
    expect(before).toBeGreaterThan(50)
    expect(firstMs - promotedMs).toBeLessThan(3000)
    const kept = await sql<{ id: number }[]>`
      select id from orders union all select id from parts where part = 1 union all select id from parts where part = 2 order by 1`
    const singles = await sql<
      { id: number; count: number }[]
    >`select id, count(*)::integer as count from parts group by id`
    expect(singles.filter(({ count }) => count !== 2)).toEqual([])
    const there = new Set(kept.map((row) => row.id))
    expect(acknowledged.filter((id) => !there.has(id))).toEqual([])
  })
})

describe("servers that are both up", () => {
  beforeAll(startPair)
  afterEach(() => Promise.all(pools.splice(0).map((sql) => sql.end({ timeout: 0 }))))
  afterAll(stopPair)

  const swapped = () => {
    const [first, second] = parseDatabaseUrl(pair.url).servers
    return pair.url.replace(/@[^/]+/, `@${second?.host}:${second?.port},${first?.host}:${first?.port}`)
  }

  test("a pool finds the one that takes writes, whichever stands first", async () => {
    for (const url of [pair.url, swapped(), `${swapped()}?target_session_attrs=read-write`]) {
      const sql = pool(url)
      const asked = Array.from(
        { length: 8 },
        () => sql<{ isReadOnly: boolean }[]>`select pg_is_in_recovery() as "isReadOnly"`,
      )
      for (const [row] of await Promise.all(asked)) expect(row?.isReadOnly).toBe(false)
      await inTransaction(sql, (run) => run`create temporary table written () on commit drop`)
    }
  })

  test("the doctor says what each of them is", async () => {
    const findings = await checkServers(pair.url)
    expect(findings.map(({ status, found }) => `${status}: ${found}`)).toEqual([
      "ok: takes writes, and waits for a standby",
      "ok: a standby that replicates",
    ])
  })

  test("with only a standby to speak to storage is away, and said at once", async () => {
    const [, standby] = parseDatabaseUrl(pair.url).servers
    if (!standby) throw new Error("no standby")
    const sql = pool(`${withServer(pair.url, standby)}?target_session_attrs=read-write`)
    const thrown: unknown = await sql`select 1`.catch((error: unknown) => error)
    expect(isStorageAway(thrown)).toBe(true)
    expect(sqlState(thrown)).toBe("READ_ONLY_SERVER")
    // An address that asks for nothing may read from it, and learns that it cannot write.
    const reader = pool(withServer(pair.url, standby))
    const refused: unknown = await inTransaction(reader, (run) => run`create table refused ()`).catch(
      (error: unknown) => error,
    )
    expect(isStorageAway(refused)).toBe(true)
  })

  test("an old primary that was made read-only is left for the new one, by pools, transactions and sessions alike", async () => {
    const sql = pool(pair.url, 2)
    await sql`create table notes (text text primary key)`
    await Promise.all([sql`select 1`, inTransaction(sql, (run) => run`select 1`)])
    const session = await openSession(sql)
    await session.sql`select pg_advisory_lock(5)`
    const old = superuser(pair.primary.superuserUrl)
    // As a provider does at a switchover: nobody is thrown out, the old one only refuses writes.
    await old`alter system set default_transaction_read_only = on`
    await old`select pg_reload_conf()`
    await expect.poll(() => old`show default_transaction_read_only`).toEqual([{ default_transaction_read_only: "on" }])
    await sleep(200)
    const shared = persist(() => Promise.resolve(sql`insert into notes values ('shared')`))
    const own = persist(() => inTransaction(sql, (run) => run`insert into notes values ('own')`))
    await sleep(300)
    const startedMs = monotonicMs()
    await pair.promote()
    await Promise.all([shared, own])
    console.log(`switchover: writes go on ${Math.round(monotonicMs() - startedMs)} ms after the promotion began`)
    expect(await sql<{ text: string }[]>`select text from notes order by 1`).toEqual([
      { text: "own" },
      { text: "shared" },
    ])
    // The session is told with its next statement, and its lock is gone.
    await session.sql`select 1`.catch(() => undefined)
    await session.lost
    const [row] = await sql<{ free: boolean }[]>`select pg_try_advisory_lock(5) as free`
    expect(row?.free).toBe(true)
  })
})
