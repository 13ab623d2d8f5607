import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import type { Sql } from "../src/base/sql.ts"
import { identifyProcess } from "../src/engines/process-table.ts"

/** Cost of some work, independent of the machine's speed. */
export interface Cost {
  transactions: number
  walFlushes: number
  walBytes: number
  cpuMs: Record<string, number>
}

interface Reading {
  xacts: number
  flushes: number
  wal: string
}

// Backends report their statistics at most once a second (PostgreSQL 18, 27.2).
const statisticsLagMs = 1100

/** Starts counting; the returned function gives the cost since. */
export async function countCost(sql: Sql, processes: Record<string, number>): Promise<() => Promise<Cost>> {
  await sleep(statisticsLagMs)
  const before = await read(sql)
  const cpuMs = countCpu(processes)
  return async () => {
    const spent = cpuMs()
    // WAL positions are exact at once; only the counted statistics arrive late.
    const end = (await read(sql)).wal
    await sleep(statisticsLagMs)
    const after = await read(sql)
    const [row] = await sql<
      { bytes: number }[]
    >`select pg_wal_lsn_diff(${end}::pg_lsn, ${before.wal}::pg_lsn)::float8 as bytes`
    return {
      transactions: after.xacts - before.xacts,
      walFlushes: after.flushes - before.flushes,
      walBytes: row?.bytes ?? 0,
      cpuMs: spent,
    }
  }
}

/** Starts counting CPU only; the returned function gives the CPU-ms of each process since, with all its descendants. */
export function countCpu(processes: Record<string, number>): () => Record<string, number> {
  const before = readCpu(processes)
  return () => {
    const after = readCpu(processes)
    return Object.fromEntries(Object.keys(processes).map((name) => [name, (after[name] ?? 0) - (before[name] ?? 0)]))
  }
}

/** Cost per piece of work, rounded for reading. */
export function costEach(cost: Cost, count: number): Cost {
  const each = (value: number) => Number((value / Math.max(1, count)).toPrecision(3))
  return {
    transactions: each(cost.transactions),
    walFlushes: each(cost.walFlushes),
    walBytes: each(cost.walBytes),
    cpuMs: Object.fromEntries(Object.entries(cost.cpuMs).map(([name, ms]) => [name, each(ms)])),
  }
}

async function read(sql: Sql): Promise<Reading> {
  // WAL flushes are in pg_stat_io since PostgreSQL 18 (release notes, E.2.3.1.7).
  const [row] = await sql<Reading[]>`
    select (select xact_commit from pg_stat_database where datname = current_database()) as xacts,
      (select coalesce(sum(fsyncs), 0)::bigint from pg_stat_io where object = 'wal') as flushes,
      pg_current_wal_lsn()::text as wal`
  return { xacts: row?.xacts ?? 0, flushes: row?.flushes ?? 0, wal: row?.wal ?? "0/0" }
}

const tickMs = 10 // USER_HZ is 100 on every Linux Node runs on.

/**
 * CPU time of each process with all its descendants, including those that ended and were waited for. A listed process
 * does not count for its ancestor.
 */
function readCpu(processes: Record<string, number>): Record<string, number> {
  const table = processTable()
  const named = new Set(Object.values(processes))
  return Object.fromEntries(
    Object.entries(processes).map(([name, root]) => [
      name,
      descendants(table, root, named).reduce((sum, pid) => sum + (table.get(pid)?.cpuMs ?? 0), 0),
    ]),
  )
}

/** Resident memory in bytes of each process with all its descendants; shared pages are counted once. */
export function residentOf(processes: Record<string, number>): Record<string, number> {
  const table = processTable()
  const named = new Set(Object.values(processes))
  return Object.fromEntries(
    Object.entries(processes).map(([name, root]) => [
      name,
      descendants(table, root, named).reduce((sum, pid) => sum + proportionalBytes(pid), 0),
    ]),
  )
}

/** All descendants of this process, with their command lines. */
export function descendantsOf(root: number): { pid: number; commandLine: string }[] {
  const below = descendants(processTable(), root, new Set()).slice(1)
  return below.map((pid) => ({ pid, commandLine: identifyProcess(pid)?.commandLine ?? "" }))
}

type ProcessTable = Map<number, { parent: number; cpuMs: number }>

function descendants(table: ProcessTable, root: number, named: ReadonlySet<number>): number[] {
  const children = [...table].filter(([pid, { parent }]) => parent === root && !named.has(pid)).map(([pid]) => pid)
  return [root, ...children.flatMap((pid) => descendants(table, pid, named))]
}

// proc(5), smaps_rollup: Pss is the proportional share of each mapping. Only the process's own user and root may read it.
function proportionalBytes(pid: number): number {
  try {
    const found = /^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"))
    return Number(found?.[1] ?? 0) * 1024
  } catch {
    // The process ended meanwhile.
    return 0
  }
}

function processTable(): ProcessTable {
  const table: ProcessTable = new Map()
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, "utf8")
      // proc(5): the name in parentheses may contain spaces; then come state, ppid, … and utime stime cutime cstime as
      // 14 to 17.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      table.set(Number(name), { parent: Number(fields[1]), cpuMs: ticks * tickMs })
    } catch {
      // The process ended meanwhile.
    }
  }
  return table
}
