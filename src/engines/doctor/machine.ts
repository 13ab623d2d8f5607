import { existsSync, readFileSync, statfsSync } from "node:fs"
import { totalmem } from "node:os"
import { dirname } from "node:path"
import { describeError } from "../../base/errors.ts"
import { monotonicMs, sleep, systemClock } from "../../base/time.ts"
import type { DoctorOptions, Finding } from "./finding.ts"
import { parseDatabaseUrl } from "../../base/sql/database-url.ts"
import { isDataFolderInUse } from "../exclusive-lock.ts"
import { isPortFree } from "../free-port.ts"
import { defaultPort, embeddedDatabaseUrl } from "../postgres.ts"
import { nativeFolder } from "../postgres-place.ts"

const gibibyte = 1024 ** 3

/** Whether this Node can run Crossdock. */
export function checkNode(version: string = process.versions.node): Finding {
  const isNewEnough = Number(version.split(".")[0]) >= 24
  if (isNewEnough) return { check: "node", status: "ok", found: version }
  const remedy = "Start with `npm start` or `npx crossdock`, which use the Node 24 that `npm ci` installs."
  return { check: "node", status: "fail", found: version, remedy }
}

/** Whether the embedded engines' programs are installed, unless external engines are used. */
export function checkPrograms(options: DoctorOptions): Finding[] {
  const findings: Finding[] = []
  const look = (name: string, find: () => string) => {
    const check = `program of ${name}`
    try {
      const path = find()
      const remedy = "Run `npm ci`, and `npm rebuild` if install scripts were blocked."
      if (existsSync(path)) findings.push({ check, status: "ok", found: path })
      else findings.push({ check, status: "fail", found: `${path} is missing`, remedy })
    } catch (thrown) {
      findings.push({ check, status: "fail", found: describeError(thrown).message, remedy: "Run `npm ci`." })
    }
  }
  if (options.databaseUrl === undefined) look("PostgreSQL", () => `${nativeFolder()}/bin/postgres`)
  return findings
}

/** Space and inodes where the data folder is, or will be. */
export function checkDisk(dataFolder: string): Finding {
  const space = statfsSync(nearestExisting(dataFolder))
  const freeBytes = space.bavail * space.bsize
  const found = `${(freeBytes / gibibyte).toFixed(1)} GiB free for ${dataFolder}`
  // Some file systems (btrfs) do not count inodes and report zero of zero.
  const isOutOfInodes = space.files > 0 && space.ffree < 10_000
  if (isOutOfInodes)
    return {
      check: "disk",
      status: "fail",
      found: `${space.ffree} inodes free`,
      remedy: "Delete small files, or move CROSSDOCK_DATA.",
    }
  if (freeBytes >= 5 * gibibyte) return { check: "disk", status: "ok", found }
  const remedy = "Free some space, or set CROSSDOCK_DATA to a larger disk; Crossdock accepts nothing on a full disk."
  return { check: "disk", status: freeBytes >= gibibyte ? "warn" : "fail", found, remedy }
}

/** Memory of the machine, or of the container when it has a limit. */
export function checkMemory(): Finding {
  const bytes = Math.min(totalmem(), containerLimitBytes())
  const found = `${(bytes / gibibyte).toFixed(1)} GiB`
  if (bytes >= 2 * gibibyte) return { check: "memory", status: "ok", found }
  const remedy = "Provide 2 GiB, or set DATABASE_URL to a PostgreSQL on another machine."
  return { check: "memory", status: bytes >= gibibyte ? "warn" : "fail", found, remedy }
}

// Control groups version 2: the limit of our own group; "max" when there is none.
function containerLimitBytes(): number {
  try {
    const limit = Number(readFileSync("/sys/fs/cgroup/memory.max", "utf8").trim())
    return Number.isFinite(limit) ? limit : Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

/** Whether the ports that a start needs are free. A running Crossdock holds them itself, so they are not checked then. */
export async function checkPorts(options: DoctorOptions): Promise<Finding[]> {
  if (isDataFolderInUse(options.dataFolder))
    return [{ check: "ports", status: "ok", found: "Crossdock runs here and uses its ports" }]
  const wanted: [string, number][] = []
  if (options.gatewayPort !== undefined) wanted.push(["the gateway", options.gatewayPort])
  if (options.databaseUrl === undefined) {
    const url = embeddedDatabaseUrl(options.dataFolder)
    wanted.push([
      "PostgreSQL",
      url === undefined ? defaultPort : (parseDatabaseUrl(url).servers[0]?.port ?? defaultPort),
    ])
  }
  const looked = await Promise.all(wanted.map(async ([name, port]) => ({ name, port, isFree: await isPortFree(port) })))
  const taken = looked.filter((each) => !each.isFree)
  if (taken.length === 0) return [{ check: "ports", status: "ok", found: `${wanted.length} wanted, all free` }]
  return taken.map(({ name, port }) => ({
    check: "ports",
    status: "warn",
    found: `another program listens on ${port}, which ${name} would use`,
    remedy: "Nothing to do: the start chooses a free port and prints it. Stop the other program to use the usual port.",
  }))
}

/** Whether the wall clock runs at the speed of the monotonic clock and shows a plausible date. */
export async function checkSteadyClock(): Promise<Finding> {
  const startedWallMs = systemClock.now()
  const startedSteadyMs = monotonicMs()
  await sleep(300)
  const jumpMs = Math.abs(systemClock.now() - startedWallMs - (monotonicMs() - startedSteadyMs))
  const remedy = "Let one time service (chrony, systemd-timesyncd) set the clock, in small steps (slewing)."
  // Crossdock is newer than this date, so a clock that shows an earlier one was never set.
  if (startedWallMs < Date.UTC(2026, 0, 1))
    return { check: "clock", status: "fail", found: "the clock shows a date before 2026", remedy }
  if (jumpMs > 50)
    return { check: "clock", status: "warn", found: `it jumped ${Math.round(jumpMs)} ms in 300 ms`, remedy }
  return { check: "clock", status: "ok", found: "runs evenly" }
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path))
}
