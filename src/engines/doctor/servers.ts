import { describeError } from "../../base/errors.ts"
import { openSql, type Sql } from "../../base/sql.ts"
import { parseDatabaseUrl, withServer, type Server } from "../../base/sql/database-url.ts"
import type { Finding } from "./finding.ts"

/** Each server of an address with several servers: which one takes writes, and whether the others could take over. */
export async function checkServers(databaseUrl: string): Promise<Finding[]> {
  const { servers } = parseDatabaseUrl(databaseUrl)
  if (servers.length < 2) return []
  return Promise.all(servers.map((server) => checkServer(databaseUrl, server)))
}

async function checkServer(databaseUrl: string, server: Server): Promise<Finding> {
  const check = `PostgreSQL at ${server.host}:${server.port}`
  const sql = openSql(withServer(databaseUrl, server), { connectionsMax: 1, name: "crossdock doctor" })
  try {
    const [row] = await sql<{ isStandby: boolean; synchronousStandbys: string }[]>`
      SELECT pg_is_in_recovery() AS "isStandby", current_setting('synchronous_standby_names') AS "synchronousStandbys"`
    if (row?.isStandby === true) return await checkStandby(check, sql)
    if (row?.synchronousStandbys !== "") return { check, status: "ok", found: "takes writes, and waits for a standby" }
    const remedy = "Set synchronous_standby_names, otherwise a failover loses the data accepted last."
    return { check, status: "warn", found: "takes writes, but waits for no standby", remedy }
  } catch (thrown) {
    const remedy = "Start it again, or remove it from DATABASE_URL. Until then no server can take over."
    return { check, status: "warn", found: describeError(thrown).message, remedy }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function checkStandby(check: string, sql: Sql): Promise<Finding> {
  const [row] = await sql<{ isFollowing: boolean }[]>`
    SELECT EXISTS (SELECT FROM pg_stat_wal_receiver) AS "isFollowing"`
  if (row?.isFollowing === true) return { check, status: "ok", found: "a standby that replicates" }
  const remedy = "Check its log and primary_conninfo: it receives nothing and falls behind."
  return { check, status: "warn", found: "a standby that does not replicate", remedy }
}
