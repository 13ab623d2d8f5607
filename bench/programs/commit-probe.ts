import { openSql } from "../../src/base/sql.ts"
import { answerParent } from "./answer-parent.ts"

// The floor where pgbench is not installed: connections that each insert one row, wait for the commit, and repeat.

interface Run {
  databaseUrl: string
  clients: number
  seconds: number
}

answerParent({
  run: async ({ databaseUrl, clients, seconds }: Run) => {
    const connections = Array.from({ length: clients }, () =>
      openSql(databaseUrl, { connectionsMax: 1, name: "bench probe" }),
    )
    await Promise.all(connections.map((sql) => sql`select 1`))
    const started = performance.now()
    const counts = await Promise.all(
      connections.map(async (sql) => {
        let count = 0
        for (; performance.now() - started < seconds * 1000; count += 1)
          await sql`insert into bench_commits (data) values ('{"sku": "HOT", "milli": 1000}')`
        return count
      }),
    )
    const tookMs = performance.now() - started
    await Promise.all(connections.map((sql) => sql.end({ timeout: 2 })))
    return counts.reduce((sum, count) => sum + count, 0) / (tookMs / 1000)
  },
})
