import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { migrate } from "./migrations.ts"

let database: FreshDatabase
let folder: string

beforeEach(async () => {
  database = await freshDatabase()
  await database.sql`DROP TABLE schema_migration`
  folder = mkdtempSync(join(tmpdir(), "migrations-"))
  file("0001-first.sql", "CREATE TABLE migrated (id integer);")
  file("0002-second.sql", "INSERT INTO migrated VALUES (1); INSERT INTO migrated VALUES (2);")
})

afterEach(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

function file(name: string, text: string): void {
  writeFileSync(join(folder, name), text)
}

test("migrations are applied in order, once", async () => {
  expect(await migrate(database.sql, folder)).toEqual(["0001-first.sql", "0002-second.sql"])
  expect(await migrate(database.sql, folder)).toEqual([])
  expect(await database.sql`SELECT id FROM migrated ORDER BY id`).toMatchObject([{ id: 1 }, { id: 2 }])
})

test("processes that migrate at the same time apply each migration once", async () => {
  const applied = await Promise.all([1, 2, 3, 4].map(() => migrate(database.sql, folder)))
  expect(applied.flat()).toEqual(["0001-first.sql", "0002-second.sql"])
})

test("an edited migration is refused and nothing after it is applied", async () => {
  await migrate(database.sql, folder)
  file("0002-second.sql", "INSERT INTO migrated VALUES (3);")
  file("0003-third.sql", "INSERT INTO migrated VALUES (4);")
  await expect(migrate(database.sql, folder)).rejects.toMatchObject({ code: "CONFIG_INVALID" })
  await expect(migrate(database.sql, folder)).rejects.toThrow("0002-second.sql was edited")
  expect(await database.sql`SELECT count(*)::integer AS count FROM migrated`).toMatchObject([{ count: 2 }])
})

test("a database that is ahead of the program is refused", async () => {
  file("0003-third.sql", "INSERT INTO migrated VALUES (3);")
  await migrate(database.sql, folder)
  rmSync(join(folder, "0003-third.sql"))
  await expect(migrate(database.sql, folder)).rejects.toThrow("0003-third.sql, which this version does not know")
})

test("a migration that fails leaves nothing of itself and keeps those before it", async () => {
  file("0003-third.sql", "INSERT INTO migrated VALUES (3); SELECT no_such_column;")
  await expect(migrate(database.sql, folder)).rejects.toThrow("0003-third.sql failed and was rolled back")
  expect(await database.sql`SELECT count(*)::integer AS count FROM migrated`).toMatchObject([{ count: 2 }])
  file("0003-third.sql", "INSERT INTO migrated VALUES (3);")
  expect(await migrate(database.sql, folder)).toEqual(["0003-third.sql"])
})

test("two files with one number are refused", async () => {
  file("0002-other.sql", "SELECT 1;")
  await expect(migrate(database.sql, folder)).rejects.toThrow("two migrations share a number")
})

test("a migration that cannot be recorded is not applied either", async () => {
  file(
    "0003-third.sql",
    "INSERT INTO migrated VALUES (3); ALTER TABLE schema_migration RENAME COLUMN checksum TO digest;",
  )
  await expect(migrate(database.sql, folder)).rejects.toThrow("0003-third.sql failed and was rolled back")
  expect(await database.sql`SELECT count(*)::integer AS count FROM migrated`).toMatchObject([{ count: 2 }])
})
