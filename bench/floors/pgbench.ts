import { execFile } from "node:child_process"
import { existsSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { promisify } from "node:util"
import { childEnvironment } from "../../src/base/config.ts"
import { parseDatabaseUrl } from "../../src/base/sql/database-url.ts"
import { startProgram } from "../child.ts"
import { sweep, type Options } from "../scenario.ts"
import type { Stack } from "../stack.ts"

const run = promisify(execFile)
const debianFolder = "/usr/lib/postgresql"
// The embedded server takes 60 connections (src/engines/postgres.ts), of which the engine under test and this run hold some.
// The first is what a run too short to sweep takes.
const clientCounts = [32, 1, 2, 4, 8, 16, 36]
const favouriteCount = 2

/** Single-row insert commits per second, at the best concurrency of the server. */
export interface CommitFloor {
  label: string
  measure(seconds: number): Promise<{ perSecond: number; clients: number }>
  stop(): Promise<void>
}

/** Prepares the floor: every number of clients is tried once, then the best two in every round; the better result counts. */
export async function commitFloor(stack: Stack, options: Options): Promise<CommitFloor> {
  await stack.sql`
    create table if not exists bench_commits (id bigint generated always as identity primary key, data jsonb not null)`
  const program = findPgbench()
  const probe = program === undefined ? startProgram("commit-probe") : undefined
  const once = (clients: number, seconds: number) =>
    program === undefined
      ? (probe?.ask<number>({ do: "run", databaseUrl: stack.databaseUrl, clients, seconds }) ?? Promise.resolve(0))
      : pgbench(stack, { program, clients, seconds })
  const tried: { clients: number; perSecond: number }[] = []
  const counts = sweep(clientCounts, options)
  for (const clients of counts)
    tried.push({ clients, perSecond: counts.length > 1 ? await once(clients, options.seconds / 3) : 0 })
  const favourites = tried.sort((a, b) => b.perSecond - a.perSecond).slice(0, favouriteCount)
  return {
    label: program === undefined ? "own closed-loop probe (no pgbench here)" : "pgbench -M prepared over TCP",
    measure: async (seconds) => {
      const results: { clients: number; perSecond: number }[] = []
      for (const { clients } of favourites) results.push({ clients, perSecond: await once(clients, seconds) })
      return results.reduce((best, one) => (one.perSecond > best.perSecond ? one : best))
    },
    stop: async () => await probe?.stop(),
  }
}

/** Debian installs it outside the path, by major version; take the newest. */
function findPgbench(): string | undefined {
  if (!existsSync(debianFolder)) return undefined
  const versions = readdirSync(debianFolder).sort((a, b) => Number(b) - Number(a))
  return versions.map((version) => join(debianFolder, version, "bin", "pgbench")).find((file) => existsSync(file))
}

async function pgbench(stack: Stack, how: { program: string; clients: number; seconds: number }): Promise<number> {
  const script = join(stack.folder, "insert.pgbench")
  writeFileSync(script, `insert into bench_commits (data) values ('{"sku": "HOT", "milli": 1000}');\n`)
  const { servers, user, password, database } = parseDatabaseUrl(stack.databaseUrl)
  const [server] = servers
  const threads = Math.min(2, how.clients)
  const args = [
    "-n",
    "-M",
    "prepared",
    "-f",
    script,
    "-c",
    how.clients,
    "-j",
    threads,
    "-T",
    Math.max(1, Math.round(how.seconds)),
  ]
  const { stdout } = await run(
    how.program,
    [...args.map(String), "-h", server?.host ?? "", "-p", String(server?.port), "-U", user, database],
    { env: childEnvironment({ PGPASSWORD: password }) },
  )
  const rate = /tps = ([\d.]+) \(without initial connection time\)/.exec(stdout)?.[1]
  // On a very busy machine its clients may not have connected in time, and get more of it.
  if (stdout.includes("number of transactions actually processed: 0"))
    return how.seconds < 20 ? pgbench(stack, { ...how, seconds: Math.max(1, how.seconds) * 4 }) : 0
  if (rate === undefined) throw new Error(`pgbench said nothing about its rate:\n${stdout}`)
  return Number(rate)
}
