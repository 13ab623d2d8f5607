import { createServer } from "node:http"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, expect, test } from "vitest"
import { freshDatabase, sharedPostgres, type FreshDatabase } from "../../test/fixtures/database.ts"
import { AppError } from "../base/errors.ts"
import { checkNode } from "./doctor/machine.ts"
import type { DoctorOptions, Finding } from "./doctor/finding.ts"
import { runDoctor } from "./doctor.ts"

const migrationsFolder = fileURLToPath(new URL("../../sql", import.meta.url))
let database: FreshDatabase
let folder: string

beforeEach(async () => {
  database = await freshDatabase()
  folder = mkdtempSync(join(tmpdir(), "doctor-"))
})

afterEach(async () => {
  await database.drop()
  rmSync(folder, { recursive: true })
})

async function diagnose(options: Partial<DoctorOptions> = {}): Promise<(check: string) => Finding | undefined> {
  const findings = await runDoctor({
    dataFolder: folder,
    migrationsFolder,
    databaseUrl: database.url,
    ...options,
  })
  for (const finding of findings) if (finding.status !== "ok") expect(finding.remedy).toBeTruthy()
  return (check) => findings.find((finding) => finding.check === check)
}

test("a database that may lose commits and an applied schema are told apart", async () => {
  const finding = await diagnose()
  // The tests' databases run without fsync, so this check reports them.
  expect(finding("PostgreSQL durability")).toMatchObject({ status: "fail" })
  expect(finding("PostgreSQL version")).toMatchObject({ status: "ok" })
  expect(finding("clock of the database")).toMatchObject({ status: "ok" })
  expect(finding("schema")).toMatchObject({ status: "ok" })
})

test("a superuser is a warning, the owner of the database is not", async () => {
  const owner = await diagnose()
  expect(owner("PostgreSQL role")).toMatchObject({ status: "ok", found: "crossdock_app, no superuser" })
  const { superuserUrl } = await sharedPostgres()
  const superuser = await diagnose({ databaseUrl: superuserUrl })
  expect(superuser("PostgreSQL role")).toMatchObject({ status: "warn" })
})

test("an address that cannot be read is a failure that says why", async () => {
  const finding = await diagnose({ databaseUrl: "postgres://u@h1:99999,h2/d?target_session_attrs=standby" })
  expect(finding("PostgreSQL")).toMatchObject({ status: "fail" })
  expect(finding("PostgreSQL")?.found).toMatch(/port of h1.*target_session_attrs=standby/)
})

test("an edited migration is a failure that names the file", async () => {
  await database.sql`UPDATE schema_migration SET checksum = 'other' WHERE number = 100`
  const finding = await diagnose()
  expect(finding("schema")).toMatchObject({ status: "fail" })
  expect(finding("schema")?.found).toContain("0100-")
})

test("an external database that does not answer is a failure, engines never started are a warning", async () => {
  const external = await diagnose({ databaseUrl: "postgres://nobody:none@127.0.0.1:9/none" })
  expect(external("PostgreSQL")).toMatchObject({ status: "fail" })
  const embedded = await diagnose({ databaseUrl: undefined })
  expect(embedded("PostgreSQL")).toMatchObject({ status: "warn", found: "was never started here" })
  expect(embedded("program of PostgreSQL")).toMatchObject({ status: "ok" })
})

test("a taken port is named", async () => {
  const taker = createServer().listen(0, "127.0.0.1")
  await new Promise((resolve) => taker.once("listening", resolve))
  const address = taker.address()
  const gatewayPort = typeof address === "object" && address ? address.port : 0
  const finding = await diagnose({ gatewayPort })
  taker.close()
  expect(finding("ports")).toMatchObject({ status: "warn" })
  expect(finding("ports")?.found).toContain(String(gatewayPort))
})

test("connections report for themselves; one that throws or hangs does not hide the others", async () => {
  const finding = await diagnose({
    timeoutMs: 1000,
    connections: [
      { name: "well", run: async () => ({ status: "ok", found: "answered" }) },
      { name: "refused", run: () => Promise.reject(new AppError("AUTHENTICATION_FAILED", "401 from the shop")) },
      { name: "hangs", run: () => new Promise(() => undefined) },
    ],
    findConfigurationProblems: async () => [{ pointer: "/connections/0", message: "has no address" }],
  })
  expect(finding("connection well")).toMatchObject({ status: "ok" })
  expect(finding("connection refused")).toMatchObject({ status: "fail", found: "401 from the shop" })
  expect(finding("connection hangs")).toMatchObject({ status: "fail", found: "no result after 1000 ms" })
  expect(finding("configuration")).toMatchObject({ status: "fail", found: "/connections/0: has no address" })
  expect(finding("clock")).toMatchObject({ status: "ok" })
})

test("an old Node is a failure", () => {
  expect(checkNode("20.20.2")).toMatchObject({ status: "fail" })
})
