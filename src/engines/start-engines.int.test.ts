import { spawn, type ChildProcess } from "node:child_process"
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { createServer, type Server } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createLog } from "../base/log.ts"
import { openSql } from "../base/sql.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import { runDoctor } from "./doctor.ts"
import { isPortFree } from "./free-port.ts"
import { choosePlace, nativeFolder, removeDataFolder } from "./postgres-place.ts"
import { findProcesses, identifyProcess, residentBytes } from "./process-table.ts"
import { stopPostgres } from "./postgres.ts"
import { startEngines, type Engines } from "./start-engines.ts"
import { canRun } from "./system-user.ts"

const log = createLog("test", "silent")
const isRoot = process.getuid?.() === 0
const isLinux = process.platform === "linux"
const nobody = { name: "nobody", uid: 65_534, gid: 65_534 }
const runner = fileURLToPath(new URL("../../test/fixtures/run-engines.ts", import.meta.url))

/** The output of the fixture process. */
interface Announced {
  databaseUrl: string
  notes: string[]
  pids: { postgres: number }
  error?: string
}

const owners: ChildProcess[] = []

afterEach(() => {
  // Ends whatever a failed test left running. The engines themselves are stopped by their pid files.
  for (const owner of owners.splice(0)) owner.kill("SIGKILL")
})

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "crossdock-engines-"))
  chmodSync(folder, 0o711)
  return folder
}

/** Starts a process of its own that owns engines in this folder. */
async function runOwner(folder: string, uid?: number): Promise<{ process: ChildProcess; announced: Announced }> {
  const identity = uid === undefined ? {} : { uid, gid: uid }
  const owner = spawn(process.execPath, [runner, folder], { stdio: ["ignore", "pipe", "inherit"], ...identity })
  owners.push(owner)
  const line = await new Promise<string>((resolve) => createInterface({ input: owner.stdout }).once("line", resolve))
  return { process: owner, announced: JSON.parse(line) }
}

function ended(owner: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve) => {
    if (owner.exitCode !== null || owner.signalCode !== null) return resolve(owner.exitCode ?? owner.signalCode)
    owner.once("exit", (code, signal) => resolve(code ?? signal))
  })
}

async function query(url: string, text: string): Promise<readonly Record<string, unknown>[]> {
  const sql = openSql(url, { connectionsMax: 1, name: "test" })
  try {
    return await sql.unsafe(text)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

/** The processes of a folder's engines, their shells included. */
function processesOf(folder: string): string[] {
  const known = new Set([process.pid, ...owners.map((owner) => owner.pid)])
  return findProcesses("")
    .filter((found) => found.commandLine.includes(folder) && !known.has(found.pid))
    .map((found) => found.commandLine)
}

async function until(isTrue: () => boolean | Promise<boolean>, timeoutMs = 15_000): Promise<void> {
  const startedMs = monotonicMs()
  while (!(await isTrue())) {
    if (monotonicMs() - startedMs > timeoutMs) throw new Error(`not so after ${timeoutMs} ms: ${isTrue.toString()}`)
    await sleep(50)
  }
}

/** Local addresses on which a process listens, in the hexadecimal form of proc(5). */
function listeningAddresses(pid: number): string[] {
  return ["tcp", "tcp6"].flatMap((table) =>
    readFileSync(`/proc/${pid}/net/${table}`, "utf8")
      .split("\n")
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === "0A")
      .map((fields) => fields[1] ?? ""),
  )
}

function port(url: string): number {
  return Number(new URL(url).port)
}

function hexPort(number: number): string {
  return number.toString(16).toUpperCase().padStart(4, "0")
}

describe("the engine of one Crossdock", () => {
  let folder: string
  let engines: Engines
  let startMs: number

  beforeAll(async () => {
    folder = makeFolder()
    const startedMs = monotonicMs()
    engines = await startEngines({ dataFolder: folder, log })
    startMs = monotonicMs() - startedMs
  })

  afterAll(async () => {
    await engines.stop()
    removeDataFolder(folder)
  })

  test("PostgreSQL is ready within ten seconds of the first start", async () => {
    expect(startMs).toBeLessThan(10_000)
    const version = await query(engines.databaseUrl, "SHOW server_version")
    expect(String(version[0]?.server_version)).toMatch(/^18\./)
  })

  test.skipIf(!isLinux)("nothing listens beyond 127.0.0.1", () => {
    const ports = [port(engines.databaseUrl)]
    const listening = listeningAddresses(process.pid)
    const here = listening.filter((address) => ports.some((number) => address.endsWith(`:${hexPort(number)}`)))
    expect(here.sort()).toEqual(ports.map((number) => `0100007F:${hexPort(number)}`).sort())
  })

  test.skipIf(!isLinux)("at rest PostgreSQL and its children use less than half a GiB", () => {
    const bytes = Object.values(engines.pids).map(residentBytes)
    expect(Math.min(...bytes)).toBeGreaterThan(0)
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(512 * 1024 * 1024)
  })

  test("the doctor finds it well and the schema still to come", async () => {
    const migrationsFolder = fileURLToPath(new URL("../../sql", import.meta.url))
    const findings = await runDoctor({ dataFolder: folder, migrationsFolder })
    expect(findings.filter((finding) => finding.status === "fail")).toEqual([])
    const wellNames = findings.filter((finding) => finding.status === "ok").map((finding) => finding.check)
    expect(wellNames).toEqual(expect.arrayContaining(["PostgreSQL version", "PostgreSQL durability", "ports"]))
    expect(findings.find((finding) => finding.check === "schema")).toMatchObject({ status: "warn" })
  })

  test("the password is needed and its file is for its owner only", async () => {
    const wrong = engines.databaseUrl.replace(/:[0-9a-f]+@/, ":guess@")
    await expect(query(wrong, "SELECT 1")).rejects.toThrow("password authentication failed")
    expect(statSync(join(folder, "postgres.password")).mode & 0o777).toBe(0o600)
  })

  test("Crossdock owns its database and can do nothing with the server", async () => {
    const [role] = await query(
      engines.databaseUrl,
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication,
        (SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()) = current_user AS owns
      FROM pg_roles WHERE rolname = current_user`,
    )
    expect(role).toEqual({
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      owns: true,
    })
    for (const forbidden of ["COPY (SELECT 1) TO PROGRAM 'true'", "SELECT pg_read_file('postgresql.conf')"])
      await expect(query(engines.databaseUrl, forbidden)).rejects.toMatchObject({ code: "42501" })
    expect(statSync(join(folder, "postgres.superuser.password")).mode & 0o777).toBe(0o600)
  })

  test("a second Crossdock on the same data folder is told so", async () => {
    const { process: second, announced } = await runOwner(folder)
    expect(announced.error).toContain(`in use by another Crossdock (process ${process.pid})`)
    expect(await ended(second)).toBe(1)
  })

  test("PostgreSQL killed with -9 is back on its port with its data", async () => {
    await query(engines.databaseUrl, "CREATE TABLE survived AS SELECT 42 AS value")
    const { pids, restarts } = engines
    if (pids.postgres !== undefined) process.kill(pids.postgres, "SIGKILL")
    await until(() => engines.restarts.postgres > restarts.postgres)
    expect(await query(engines.databaseUrl, "SELECT value FROM survived")).toMatchObject([{ value: 42 }])
    expect(engines.pids.postgres).not.toBe(pids.postgres)
  })

  test("stopping ends it and frees its port", async () => {
    const { pids } = engines
    await engines.stop()
    for (const pid of Object.values(pids)) expect(identifyProcess(pid)).toBeUndefined()
    expect(await isPortFree(port(engines.databaseUrl))).toBe(true)
    expect(readFileSync(join(folder, "postgres.log"), "utf8").trimEnd()).toMatch(/database system is shut down$/)
  })
})

describe("an engine and the end of their Crossdock", () => {
  // One folder for all tests: creating a cluster is slow, and a used folder is the harder case.
  let folder: string

  beforeAll(() => {
    folder = makeFolder()
  })

  afterEach(() => stopPostgres(folder))

  afterAll(() => removeDataFolder(folder))

  test("SIGTERM ends the owner with 0 and its engine with it", async () => {
    const { process: owner, announced } = await runOwner(folder)
    owner.kill("SIGTERM")
    expect(await ended(owner)).toBe(0)
    for (const pid of Object.values(announced.pids)) expect(identifyProcess(pid)).toBeUndefined()
  })

  test("SIGKILL ends the owner, and its engine within ten seconds", async () => {
    const { process: owner, announced } = await runOwner(folder)
    await query(announced.databaseUrl, "CREATE TABLE IF NOT EXISTS survived AS SELECT 42 AS value")
    owner.kill("SIGKILL")
    await ended(owner)
    await until(() => processesOf(folder).length === 0, 10_000)
    const second = await runOwner(folder)
    expect(await query(second.announced.databaseUrl, "SELECT value FROM survived")).toMatchObject([{ value: 42 }])
    second.process.kill("SIGTERM")
    await ended(second.process)
  })

  test("an engine that does not end by itself when its owner is gone is killed", async () => {
    const { process: owner, announced } = await runOwner(folder)
    process.kill(announced.pids.postgres, "SIGSTOP")
    owner.kill("SIGKILL")
    await until(() => processesOf(folder).length === 0, 10_000)
  })

  test("a start right after the owner was killed waits for its engines and keeps their data", async () => {
    const first = await runOwner(folder)
    await query(first.announced.databaseUrl, "CREATE TABLE IF NOT EXISTS survived AS SELECT 42 AS value")
    first.process.kill("SIGKILL")
    const second = await runOwner(folder)
    expect(second.announced.error).toBeUndefined()
    expect(second.announced.pids.postgres).not.toBe(first.announced.pids.postgres)
    for (const pid of Object.values(first.announced.pids)) expect(identifyProcess(pid)).toBeUndefined()
    expect(second.announced.databaseUrl).toBe(first.announced.databaseUrl)
    expect(await query(second.announced.databaseUrl, "SELECT value FROM survived")).toMatchObject([{ value: 42 }])
    second.process.kill("SIGTERM")
    expect(await ended(second.process)).toBe(0)
  })

  test("engines whose pid files were lost are ended before others start", async () => {
    const first = await runOwner(folder)
    rmSync(join(folder, "postgres.pid.json"))
    first.process.kill("SIGKILL")
    const second = await runOwner(folder)
    for (const pid of Object.values(first.announced.pids)) expect(identifyProcess(pid)).toBeUndefined()
    expect(second.announced.databaseUrl).toBe(first.announced.databaseUrl)
    second.process.kill("SIGTERM")
    await ended(second.process)
  })

  test("SIGTERM during the start leaves nothing running", async () => {
    const owner = spawn(process.execPath, [runner, folder], { stdio: "ignore" })
    owners.push(owner)
    await until(() => existsSync(join(folder, "postgres.pid.json")))
    owner.kill("SIGTERM")
    await ended(owner)
    await until(() => processesOf(folder).length === 0, 1000)
  })

  test("after everything was killed, stale pids that now belong to others do no harm", async () => {
    const first = await runOwner(folder)
    await query(first.announced.databaseUrl, "CREATE TABLE IF NOT EXISTS survived AS SELECT 42 AS value")
    // Stop them all first, so that none can end cleanly when its owner dies.
    for (const pid of Object.values(first.announced.pids)) process.kill(pid, "SIGSTOP")
    first.process.kill("SIGKILL")
    await ended(first.process)
    for (const pid of Object.values(first.announced.pids)) process.kill(pid, "SIGKILL")
    const place = choosePlace(folder)
    // This test process acts as another program: if it ran as PostgreSQL's own user, the server would refuse to start.
    const stranger = spawn("sleep", ["60"], { stdio: "ignore", ...place.user, cwd: "/" })
    const strangerPid = stranger.pid ?? 0
    const postmaster = join(place.home, "data", "postmaster.pid")
    writeFileSync(postmaster, readFileSync(postmaster, "utf8").replace(/^\d+/, String(strangerPid)))
    const pidFile = join(folder, "postgres.pid.json")
    const record = JSON.parse(readFileSync(pidFile, "utf8"))
    writeFileSync(pidFile, JSON.stringify({ ...record, pid: strangerPid }))
    const second = await runOwner(folder)
    expect(second.announced.error).toBeUndefined()
    expect(await query(second.announced.databaseUrl, "SELECT value FROM survived")).toMatchObject([{ value: 42 }])
    expect(stranger.exitCode).toBeNull()
    expect(stranger.signalCode).toBeNull()
    stranger.kill("SIGKILL")
    second.process.kill("SIGTERM")
    await ended(second.process)
  })

  test("data of a version that knew no owner role is refused, with what to do", async () => {
    const { process: first } = await runOwner(folder)
    first.kill("SIGTERM")
    await ended(first)
    const file = join(folder, "postgres.superuser.password")
    const password = readFileSync(file, "utf8")
    rmSync(file)
    const { announced } = await runOwner(folder)
    expect(announced.error).toContain(`remove ${folder} and start again`)
    writeFileSync(file, password, { mode: 0o600 })
    const third = await runOwner(folder)
    expect(third.announced.error).toBeUndefined()
    third.process.kill("SIGTERM")
    await ended(third.process)
  })

  test("a taken port is left alone, another is chosen, said and remembered", async () => {
    rmSync(join(folder, "postgres.ports.json"), { force: true })
    const taker = await occupy(5432)
    const first = await startEngines({ dataFolder: folder, log })
    await first.stop()
    taker?.close()
    expect(first.notes.filter((note) => note.includes("was taken"))).toHaveLength(1)
    const second = await startEngines({ dataFolder: folder, log })
    await second.stop()
    // Another program may have taken the port in between; then the notes must say so.
    const isTaken = second.notes.some((note) => note.includes(`${port(first.databaseUrl)} was taken`))
    expect(isTaken || port(second.databaseUrl) === port(first.databaseUrl)).toBe(true)
  })

  test.skipIf(!isRoot || !canRun(nobody, process.execPath))("an ordinary user runs them too", async () => {
    const own = makeFolder()
    chownSync(own, nobody.uid, nobody.gid)
    const { process: owner, announced } = await runOwner(own, nobody.uid)
    expect(announced.error).toBeUndefined()
    expect(await query(announced.databaseUrl, "SELECT 1 AS one")).toMatchObject([{ one: 1 }])
    owner.kill("SIGTERM")
    expect(await ended(owner)).toBe(0)
    await stopPostgres(own)
    removeDataFolder(own)
  })
})

describe.skipIf(!isRoot)("root in a folder that only root may enter", () => {
  let home: string
  let dataFolder: string

  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), "crossdock-engines-"))
    chmodSync(home, 0o700)
    dataFolder = join(home, "clone", ".crossdock")
  })

  afterEach(() => {
    removeDataFolder(dataFolder)
    rmSync(home, { recursive: true, force: true })
  })

  test("PostgreSQL's data goes where its user can enter, and is found again", async () => {
    const first = await startEngines({ dataFolder, log })
    expect(first.notes.join("\n")).toMatch(/data is in \S+, because its user cannot enter/)
    await query(first.databaseUrl, "CREATE TABLE survived AS SELECT 42 AS value")
    await first.stop()
    const second = await startEngines({ dataFolder, log })
    expect(await query(second.databaseUrl, "SELECT value FROM survived")).toMatchObject([{ value: 42 }])
    await second.stop()
  })

  test("programs that its user cannot reach are copied", () => {
    const native = join(home, "native")
    cpSync(nativeFolder(), native, { recursive: true, verbatimSymlinks: true })
    mkdirSync(dataFolder, { recursive: true })
    const place = choosePlace(dataFolder, native)
    expect(place.notes.join("\n")).toContain("PostgreSQL runs from a copy in")
    expect(place.user && canRun(place.user, join(native, "bin", "initdb"))).toBe(false)
    expect(place.user && canRun(place.user, place.initdb)).toBe(true)
  })
})

/** Listens on a port. Undefined when another program already does, which is just as good. */
function occupy(number: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(undefined))
    server.listen(number, "127.0.0.1", () => resolve(server))
  })
}
