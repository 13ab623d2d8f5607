import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { eventually, quietWarehouse, startTestCrossdock, type TestCrossdock } from "../../fixtures/crossdock.ts"
import { runCommand } from "../../fixtures/readers/command.ts"
import { poslogFile, toPoslog } from "../../fixtures/sales/poslog.ts"
import { saleReceipt } from "../../fixtures/sales/receipts.ts"

// Files that a till's system leaves in a folder, as it runs.

let t: TestCrossdock
let storeId = ""
const path = mkdtempSync(join(tmpdir(), "tills-"))

beforeAll(async () => {
  t = await startTestCrossdock({
    seed: 98,
    lab: quietWarehouse,
    estate: (estate) => ({
      ...estate,
      policies: {
        ...estate.policies,
        sales: {
          closeAfter: { days: 1000 },
          folders: [{ name: "old-tills", path, format: "poslog", wholeWhen: "renamed" }],
        },
      },
    }),
  })
  storeId = t.lab.estate.locations.find(({ kind }) => kind === "store")?.locationId ?? ""
})
afterAll(async () => {
  await t?.stop()
  rmSync(path, { recursive: true, force: true })
})

test("a file in a folder is read, its receipts count, and people see what became of it", async () => {
  const at = { storeId, tillId: "f1", businessDay: "2026-11-20" }
  const file = poslogFile([
    toPoslog(saleReceipt({ ...at, sequence: 1 })),
    toPoslog(saleReceipt({ ...at, storeId: "nowhere", sequence: 2 })),
  ])
  writeFileSync(join(path, "day.xml.part"), file)
  renameSync(join(path, "day.xml.part"), join(path, "day.xml"))
  const list = await eventually(
    "the file is read",
    async () => {
      const { body } = await t.api("GET", "/v1/sales/files?folder=old-tills")
      return (body.items?.length ?? 0) > 0 && body.items
    },
    { withinMs: 60_000 },
  )
  expect(list).toMatchObject([{ name: "day.xml", state: "refused", counts: { accepted: 1, refused: 1 } }])
  const { body } = await t.api("GET", `/v1/sales?storeId=${storeId}&tillId=f1&sequence=1`)
  expect(body.items).toMatchObject([{ standing: "recorded" }])
  const open = await eventually("people are told", async () => {
    const answer = await t.api("GET", "/v1/exceptions?state=open&cause=a%20file%20is%20refused")
    return (answer.body.items?.length ?? 0) > 0 && answer.body.items
  })
  expect(String(open[0]?.["summary"])).toMatch(/day\.xml in old-tills, 1 receipts are refused: .*nowhere/)
  const { code, text } = await runCommand(t, ["stores", "files", "old-tills"])
  expect(text.replaceAll(/ +/g, " ")).toMatch(/old-tills day\.xml refused \d+ 1 (?:accepted|same as before), 1 refused/)
  expect(code).toBe(0)
})
