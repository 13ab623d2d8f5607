import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, afterEach, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import { poslogFile, toPoslog } from "../../../test/fixtures/sales/poslog.ts"
import { saleReceipt } from "../../../test/fixtures/sales/receipts.ts"
import { EventLog } from "../../eventlog/event-log.ts"
import { parseJson } from "../../gateway/phases/parse-json.ts"
import { salesDefaults } from "../policies.ts"
import { Receipts } from "../record.ts"
import type { Selling } from "../selling.ts"
import type { Looks } from "./in-folder.ts"
import { listFiles } from "./list-files.ts"
import type { DropFolder } from "./policy.ts"
import { passFolder, type FolderParts } from "./take-files.ts"

let database: FreshDatabase
let selling: Selling
let receipts: Receipts
let root: string
let folder: DropFolder
let looks: Looks
let aheadMs = 0
let till = 0

beforeAll(async () => {
  database = await freshDatabase({ connectionsMax: 8 })
  selling = {
    sql: database.sql,
    clock: { now: () => Date.now() + aheadMs },
    eventLog: new EventLog(database.sql),
    stores: new Map(["117", "118"].map((id) => [id, { timeZone: "UTC" }])),
    policies: { ...salesDefaults, closeAfter: { days: 1000 } },
  }
  receipts = new Receipts(selling, () => undefined)
})
afterAll(() => database?.drop())
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "dropped-"))
  looks = new Map()
  till += 1
  folder = { name: `tills-${till}`, path: root, format: "ndjson", wholeWhen: "renamed" }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const noted: string[] = []
const how = () => ({
  looks,
  signal: new AbortController().signal,
  everyMs: 0,
  reader: { succeeded: () => void noted.push("succeeded"), failed: () => void noted.push("failed") },
})
/** A pass, by whatever worker: none has the folder now. */
async function pass(of: DropFolder = folder, parts: Partial<FolderParts> = {}): Promise<number | undefined> {
  await free()
  return passFolder({ selling, receipts, parseJson, ...parts }, of, how())
}
const free = () => database.sql`
  insert into readers (name, what, meanwhile, every_ms, late_after_ms) values (${`files ${folder.name}`}, '', '', 0, 0)
  on conflict (name) do update set due_at = '-infinity'`
const put = (name: string, content: string | Buffer) => writeFileSync(join(root, name), content)
const sale = (sequence: number, more: object = {}) =>
  saleReceipt({ storeId: "117", tillId: `t${till}`, sequence, ...more })
const lines = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join("\n")
const counted = async () => {
  const rows = await database.sql<{ sequence: number; standing: string }[]>`
    select sequence, standing from receipts where till_id = ${`t${till}`} order by sequence, standing`
  return rows.map(({ sequence, standing }) => `${sequence} ${standing}`)
}
const files = async () =>
  (
    await listFiles(
      { ...selling, policies: { ...selling.policies, folders: [folder] } },
      { folder: folder.name, stores: undefined, limit: 50 },
    )
  ).items
const told = async () => {
  const rows = await database.sql<{ type: string; data: { cause?: string; summary?: string; reason?: string } }[]>`
    select type, data from events where type like 'exception.%' and data ->> 'about' = ${`reader/files ${folder.name}`} order by seq`
  return rows.map(({ type, data }) => [type, data.cause ?? data.reason, data.summary])
}
const below = (state: string) => {
  const [day = ""] = existsSync(join(root, state)) ? readdirSync(join(root, state)) : []
  return day === "" ? [] : readdirSync(join(root, state, day)).toSorted()
}

test("a file's receipts count once, it is noted and moved; the same content under another name brings nothing new", async () => {
  put("a.ndjson", `\uFEFF${lines([sale(1), sale(2)])}\n\n`)
  expect(await pass()).toBe(1)
  put("b.ndjson", `\uFEFF${lines([sale(1), sale(2)])}\n\n`)
  expect(await pass()).toBe(1)
  expect(await counted()).toEqual(["1 recorded", "2 recorded"])
  expect((await files()).map(({ name, state, counts }) => [name, state, counts])).toEqual([
    ["b.ndjson", "taken", { "same as before": 2 }],
    ["a.ndjson", "taken", { accepted: 2 }],
  ])
  expect(below("taken")).toEqual([
    expect.stringMatching(/^a\.[0-9a-f]{8}\.ndjson$/),
    expect.stringMatching(/^b\.[0-9a-f]{8}\.ndjson$/),
  ])
  expect(readdirSync(root)).toEqual(["taken"])
})

test("another file under a former name is new, and neither is written over", async () => {
  put("day.ndjson", lines([sale(1)]))
  await pass()
  put("day.ndjson", lines([sale(2)]))
  await pass()
  expect(await counted()).toEqual(["1 recorded", "2 recorded"])
  expect(below("taken")).toHaveLength(2)
})

test("POSLog and JSON bring the same receipts", async () => {
  put("a.xml", poslogFile([toPoslog(sale(1)), toPoslog(sale(2))]))
  await pass({ ...folder, format: "poslog" })
  for (const content of [[sale(1), sale(2)], { receipts: [sale(2), sale(3)] }, sale(4)]) {
    put("b.json", JSON.stringify(content))
    await pass({ ...folder, format: "json" })
  }
  expect(await counted()).toEqual(["1 recorded", "2 recorded", "3 recorded", "4 recorded"])
})

test("of a file of which something is refused the rest counts, a report lies beside it, and people are told until a whole one comes", async () => {
  const bad = { ...sale(2), storeId: "nowhere" }
  put("day.ndjson", `${lines([sale(1), bad])}\n{"storeId": "117", "til`)
  await pass()
  expect(await counted()).toEqual(["1 recorded"])
  const [refused, report] = below("refused")
  expect([refused, report]).toEqual([
    expect.stringMatching(/^day\.[0-9a-f]{8}\.ndjson$/),
    expect.stringMatching(/^day\.[0-9a-f]{8}\.report\.json$/),
  ])
  const day = readdirSync(join(root, "refused"))[0] ?? ""
  const written = JSON.parse(readFileSync(join(root, "refused", day, report ?? ""), "utf8")) as object
  expect(written).toMatchObject({
    state: "refused",
    counts: { accepted: 1, refused: 2 },
    problems: [
      { pointer: "line 2 /storeId", message: 'there is no store "nowhere"' },
      { pointer: expect.stringMatching(/^line 3/) },
    ],
  })
  expect(await told()).toEqual([
    [
      "exception.opened",
      "a file is refused",
      expect.stringMatching(/^Of the file day\.ndjson in tills-\d+, 2 receipts are refused: line 2/),
    ],
  ])
  put("day.ndjson", lines([sale(1), sale(2)]))
  await pass()
  expect((await told()).at(-1)).toEqual(["exception.decided", "a whole file of this name came", undefined])
  expect(await counted()).toEqual(["1 recorded", "2 recorded"])
})

test.each([
  ["empty", "", "the body is empty"],
  ["an empty list", "[]", "it holds no receipts"],
  ["cut", '{"receipts": [', "the body is not well-formed JSON"],
  ["binary", Buffer.from([0xff, 0xfe, 0x00, 0xd8]), "the body is not UTF-8"],
])("a file that is %s is refused, and the next one is taken", async (_, content, why) => {
  put("a.json", content)
  put("b.json", JSON.stringify(sale(1)))
  await pass({ ...folder, format: "json" })
  expect((await files()).find(({ name }) => name === "a.json")?.problems[0]?.message).toBe(why)
  expect(await counted()).toEqual(["1 recorded"])
  expect(await told()).toHaveLength(1)
})

test("receipts of stores that a folder is not for are refused", async () => {
  put("a.ndjson", lines([sale(1), sale(2, { storeId: "118" })]))
  await pass({ ...folder, stores: ["118"] })
  expect((await files())[0]?.counts).toEqual({ refused: 1, accepted: 1 })
})

test("a file is whole when it has been quiet for half a minute, when it is marked, or when it has its name", async () => {
  const waits = { ...folder, wholeWhen: "quiet" as const }
  put("a.ndjson", lines([sale(1)]))
  expect(await pass(waits)).toBe(0)
  aheadMs = 29_000
  expect(await pass(waits)).toBe(0)
  appendFileSync(join(root, "a.ndjson"), `\n${lines([sale(2)])}`)
  aheadMs = 31_000
  expect(await pass(waits)).toBe(0)
  aheadMs = 62_000
  expect(await pass(waits)).toBe(1)
  aheadMs = 0
  const marked = { ...folder, wholeWhen: "marked" as const }
  put("b.ndjson", lines([sale(3)]))
  expect(await pass(marked)).toBe(0)
  put("b.ndjson.done", "")
  expect(await pass(marked)).toBe(1)
  put("c.ndjson.part", lines([sale(4)]))
  expect(await pass()).toBe(0)
  renameSync(join(root, "c.ndjson.part"), join(root, "c.ndjson"))
  expect(await pass()).toBe(1)
  expect(await counted()).toHaveLength(4)
  expect(readdirSync(root)).toEqual(["taken"])
})

test("links, hidden files, folders and other endings are left alone", async () => {
  const outside = join(tmpdir(), `outside-${till}.ndjson`)
  writeFileSync(outside, lines([sale(1)]))
  symlinkSync(outside, join(root, "link.ndjson"))
  put(".hidden.ndjson", lines([sale(2)]))
  put("notes.txt", "x")
  expect(await pass()).toBe(0)
  expect(await counted()).toEqual([])
  rmSync(outside)
})

test("one worker at a time looks into a folder, and only the one that did notes it", async () => {
  put("a.ndjson", lines([sale(1)]))
  noted.length = 0
  let other: number | undefined = -1
  const slow: Pick<Receipts, "record" | "recordRead"> = {
    async record(rows, sender) {
      other = await passFolder({ selling, receipts, parseJson }, folder, how())
      return receipts.record(rows, sender)
    },
    recordRead: () => Promise.resolve([]),
  }
  expect(await pass(folder, { receipts: slow })).toBe(1)
  expect([other, noted]).toEqual([undefined, ["succeeded"]])
})

test("names of old systems are no UTF-8 and as long as can be, and a file put in another's place is not taken for it", async () => {
  const name = Buffer.concat([Buffer.from("Erl"), Buffer.from([0xf6]), Buffer.from(`se${"x".repeat(242)}.ndjson`)])
  writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), lines([sale(1)]))
  expect(await pass()).toBe(1)
  expect((await files())[0]?.name).toMatch(/^Erl\uFFFDsex+\.ndjson$/)
  put("a.ndjson", lines([sale(2)]))
  const replacing: Pick<Receipts, "record" | "recordRead"> = {
    async record(rows, sender) {
      put("b.part", lines([sale(3)]))
      renameSync(join(root, "b.part"), join(root, "a.ndjson"))
      return receipts.record(rows, sender)
    },
    recordRead: () => Promise.resolve([]),
  }
  expect(await pass(folder, { receipts: replacing })).toBe(0)
  expect(await pass()).toBe(1)
  expect(await counted()).toEqual(["1 recorded", "2 recorded", "3 recorded"])
})

test("who may write into a folder does not choose where its files go", async () => {
  const outside = mkdtempSync(join(tmpdir(), "outside-"))
  symlinkSync(outside, join(root, "taken"))
  put("a.ndjson", lines([sale(1)]))
  await expect(pass()).rejects.toMatchObject({ code: "CONFIG_INVALID" })
  expect(readdirSync(outside)).toEqual([])
  rmSync(outside, { recursive: true })
})

test("a process that dies at any step, or two at once, lose nothing and double nothing", async () => {
  const death = fc.constantFrom("before a batch", "after a batch", "before it begins", "before the move", "none")
  await fc.assert(
    fc.asyncProperty(fc.array(death, { minLength: 1, maxLength: 4 }), async (deaths) => {
      till += 1
      folder = { ...folder, name: `tills-${till}` }
      rmSync(join(root, "taken"), { recursive: true, force: true })
      put("a.ndjson", lines(Array.from({ length: 7 }, (_, n) => sale(n + 1))))
      for (const at of deaths) {
        const dying: Pick<Receipts, "record" | "recordRead"> = {
          async record(rows, sender) {
            if (at === "before a batch") throw new Error("killed")
            const outcomes = await receipts.record(rows, sender)
            if (at === "after a batch") throw new Error("killed")
            return outcomes
          },
          recordRead: (read, sender) => receipts.recordRead(read, sender),
        }
        const broken = at === "before it begins" ? { ...selling, sql: failing(database.sql) } : selling
        const blocks = at === "before the move" && !existsSync(join(root, "taken"))
        if (blocks) writeFileSync(join(root, "taken"), "a file where a folder should be")
        const dies = pass(folder, { selling: broken, receipts: dying })
        await dies.catch(() => undefined)
        if (blocks) rmSync(join(root, "taken"))
      }
      await Promise.all([pass(), pass()])
      expect(await counted()).toEqual(Array.from({ length: 7 }, (_, n) => `${n + 1} recorded`))
      expect(existsSync(join(root, "a.ndjson"))).toBe(false)
      expect((await files()).map(({ state }) => state)).toEqual(["taken"])
      expect(await told()).toEqual([])
    }),
    { numRuns: 15 },
  )
})

/** Storage that is away. */
const failing = (sql: FreshDatabase["sql"]): FreshDatabase["sql"] =>
  new Proxy(sql, { apply: () => Promise.reject(new Error("killed")) })
