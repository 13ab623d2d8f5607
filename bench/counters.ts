import { readdirSync, readFileSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"
import type { Sql } from "../src/base/sql.ts"

/** What a stretch of work cost, independent of how fast the machine is. */
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
  cpu: Record<string, number>
}

// Backends report their statistics at most once a second (PostgreSQL 18, 27.2).
const statisticsLagMs = 1100

/** Begins to count; the function it answers gives what was spent since. */
export async function countCost(sql: Sql, processes: Record<string, number>): Promise<() => Promise<Cost>> {
  await sleep(statisticsLagMs)
  const before = await read(sql, processes)
  return async () => {
    const cpu = readCpu(processes)
    await sleep(statisticsLagMs)
    const after = { ...(await read(sql, processes)), cpu }
    const [row] = await sql<
      { bytes: number }[]
    >`select pg_wal_lsn_diff(${after.wal}::pg_lsn, ${before.wal}::pg_lsn)::float8 as bytes`
    return {
      transactions: after.xacts - before.xacts,
      walFlushes: after.flushes - before.flushes,
      walBytes: row?.bytes ?? 0,
      cpuMs: Object.fromEntries(
        Object.keys(processes).map((name) => [name, (after.cpu[name] ?? 0) - (before.cpu[name] ?? 0)]),
      ),
    }
  }
}

/** A cost divided by how many pieces of work it was for, each number short enough to read. */
export function costEach(cost: Cost, count: number): Cost {
  const each = (value: number) => Number((value / Math.max(1, count)).toPrecision(3))
  return {
    transactions: each(cost.transactions),
    walFlushes: each(cost.walFlushes),
    walBytes: each(cost.walBytes),
    cpuMs: Object.fromEntries(Object.entries(cost.cpuMs).map(([name, ms]) => [name, each(ms)])),
  }
}

async function read(sql: Sql, processes: Record<string, number>): Promise<Reading> {
  const [row] = await sql<Omit<Reading, "cpu">[]>`
    select (select xact_commit from pg_stat_database where datname = current_database()) as xacts,
      (select coalesce(sum(fsyncs), 0)::bigint from pg_stat_io where object = 'wal') as flushes,
      pg_current_wal_lsn()::text as wal`
  return { xacts: row?.xacts ?? 0, flushes: row?.flushes ?? 0, wal: row?.wal ?? "0/0", cpu: readCpu(processes) }
}

const tickMs = 10 // USER_HZ is 100 on every Linux Node runs on.

/** CPU time of each process with all its descendants, those that ended and were waited for included. */
function readCpu(processes: Record<string, number>): Record<string, number> {
  const table = processTable()
  const total = (pid: number): number => {
    const own = table.get(pid)
    if (!own) return 0
    const children = [...table.entries()].filter(([, entry]) => entry.parent === pid)
    return own.cpuMs + children.reduce((sum, [child]) => sum + total(child), 0)
  }
  return Object.fromEntries(Object.entries(processes).map(([name, pid]) => [name, total(pid)]))
}

function processTable(): Map<number, { parent: number; cpuMs: number }> {
  const table = new Map<number, { parent: number; cpuMs: number }>()
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    try {
      const text = readFileSync(`/proc/${name}/stat`, "utf8")
      // proc(5): the name in brackets may hold spaces; behind it come state, ppid, … and utime stime cutime cstime as 14 to 17.
      const fields = text.slice(text.lastIndexOf(")") + 2).split(" ")
      const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
      table.set(Number(name), { parent: Number(fields[1]), cpuMs: ticks * tickMs })
    } catch {
      // It ended while we looked.
    }
  }
  return table
}
