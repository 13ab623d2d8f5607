import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { inTransaction, isStorageAway, openSql, type Sql } from "./sql.ts"

let database: FreshDatabase
let cut: Sql
beforeAll(async () => {
  database = await freshDatabase()
  await database.sql`create table notes (text text unique)`
  cut = openSql(database.url, { connectionsMax: 3, name: "cut" })
  await cut`select 1`
})
beforeEach(() => database.sql`truncate notes`)
afterAll(async () => {
  await cut?.end({ timeout: 1 })
  await database?.drop()
})

const cutAll = () => database.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'cut'`

const notes = async () =>
  (await database.sql<{ text: string }[]>`select text from notes order by 1`).map((row) => row.text)

test("a transaction is there as a whole or not at all", async () => {
  await inTransaction(cut, async (transaction) => {
    await transaction`insert into notes values ('a')`
    await transaction`insert into notes values ('b')`
  })
  const failing = inTransaction(cut, async (transaction) => {
    await transaction`insert into notes values ('c')`
    await transaction`insert into notes values ('a')`
  })
  await expect(failing).rejects.toMatchObject({ code: "23505" })
  expect(await notes()).toEqual(["a", "b"])
})

test("a transaction whose statement failed is not taken for committed, though its work went on", async () => {
  const swallowing = inTransaction(cut, async (transaction) => {
    await transaction`insert into notes values ('a')`
    await transaction`insert into notes values ('a')`.catch(() => undefined)
  })
  await expect(swallowing).rejects.toMatchObject({ code: "INVARIANT_BROKEN" })
  expect(await notes()).toEqual([])
})

test("a connection cut in the middle of a statement ends the transaction and nothing else", async () => {
  const sleeping = inTransaction(cut, async (transaction) => {
    await transaction`insert into notes values ('a')`
    setTimeout(() => cutAll().catch(() => undefined), 50)
    await transaction`select pg_sleep(5)`
  })
  const thrown: unknown = await sleeping.catch((error: unknown) => error)
  expect(isStorageAway(thrown)).toBe(true)
  expect(await notes()).toEqual([])
  await inTransaction(cut, (transaction) => transaction`insert into notes values ('b')`)
  expect(await notes()).toEqual(["b"])
})

test("statements after the connection was lost are refused, never run outside of the transaction", async () => {
  const going = inTransaction(cut, async (transaction) => {
    await transaction`insert into notes values ('a')`
    await cutAll()
    await new Promise((resolve) => setTimeout(resolve, 100))
    await transaction`insert into notes values ('b')`.catch(() => undefined)
    await transaction`insert into notes values ('c')`
  })
  const thrown: unknown = await going.catch((error: unknown) => error)
  expect(isStorageAway(thrown)).toBe(true)
  expect(await notes()).toEqual([])
})

test("under a hail of cut connections the acknowledged transactions are whole, and the pool is well afterwards", async () => {
  const acknowledged: string[] = []
  let isOver = false
  const workers = Array.from({ length: 6 }, async (_, worker) => {
    for (let number = 0; !isOver; number += 1) {
      const [one, two] = [`${worker}-${number}-1`, `${worker}-${number}-2`]
      await inTransaction(cut, async (transaction) => {
        await transaction`insert into notes values (${one})`
        await transaction`insert into notes values (${two})`
      }).then(
        () => acknowledged.push(one, two),
        () => new Promise((resolve) => setTimeout(resolve, 5)),
      )
    }
  })
  for (let strike = 0; strike < 40; strike += 1) {
    await cutAll()
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
  isOver = true
  await Promise.all(workers)
  const kept = new Set(await notes())
  expect(acknowledged.length).toBeGreaterThan(0)
  expect(acknowledged.filter((text) => !kept.has(text))).toEqual([])
  for (const text of kept) expect(kept.has(text.replace(/[12]$/, (last) => (last === "1" ? "2" : "1")))).toBe(true)
  await Promise.all(Array.from({ length: 10 }, () => inTransaction(cut, (transaction) => transaction`select 1`)))
})
