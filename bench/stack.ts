import { readFileSync } from "node:fs"
import { join } from "node:path"
import { openSql, type Sql } from "../src/base/sql.ts"
import { migrate } from "../src/engines/migrations.ts"
import { embeddedSuperuserUrl } from "../src/engines/postgres.ts"
import { startReady, type Child } from "./child.ts"
import { makeFolder, removeFolder } from "./folders.ts"

interface EnginesReady {
  databaseUrl: string
  pids: Record<string, number>
}

/** Engines of this run in their own data folder, with everything that was started on them. */
export interface Stack {
  folder: string
  databaseUrl: string
  sql: Sql
  /** Of the engines, by name. */
  pids: Record<string, number>
  postgresVersion: string
  /** Starts Crossdock in one process; `roles` as CROSSDOCK_ROLES, `more` is its environment beside that. */
  startCrossdock(
    roles: "gateway" | "worker",
    lab?: string,
    more?: Record<string, string>,
  ): Promise<Child & { url: string }>
  /** Environment of commands that use this stack as the gateway's operator. */
  environment(roles: "gateway" | "worker", lab?: string): Record<string, string>
  stop(): Promise<void>
}

/** Starts the product's engines with the product's own settings, so that we and the floors share one PostgreSQL. */
export async function startStack(): Promise<Stack> {
  const folder = makeFolder()
  const engines = await startReady<EnginesReady>("engines", ["bin/crossdock.mjs", "engines"], {
    CROSSDOCK_DATA: join(folder, "engines"),
  })
  const { databaseUrl, pids } = engines.ready
  await letCheckpoint(join(folder, "engines"))
  const sql = openSql(databaseUrl, { connectionsMax: 4, name: "bench" })
  await migrate(sql, join(import.meta.dirname, "..", "sql"))
  const [version] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  const environment: Stack["environment"] = (roles, lab) => ({
    // One folder per role, because one process locks it; a restarted role finds its operator key there.
    CROSSDOCK_DATA: join(folder, roles),
    CROSSDOCK_CONFIG: "bench/estate.config.ts",
    CROSSDOCK_ROLES: roles,
    DATABASE_URL: databaseUrl,
    ...(lab === undefined ? {} : { CROSSDOCK_VALUE_LAB_ADDRESSES: lab }),
  })
  return {
    folder,
    databaseUrl,
    sql,
    pids,
    postgresVersion: version?.version ?? "unknown",
    environment,
    startCrossdock: async (roles, lab, more = {}) => {
      const start = ["bin/crossdock.mjs", "start"]
      const child = await startReady<{ gatewayUrl: string }>(roles, start, { ...environment(roles, lab), ...more })
      return { ...child, url: child.ready.gatewayUrl }
    },
    stop: async () => {
      await sql.end({ timeout: 2 })
      await engines.stop()
      removeFolder(folder)
    },
  }
}

/** Crossdock's role may not run checkpoints and does not need to; a benchmark runs them between its measurements. */
async function letCheckpoint(dataFolder: string): Promise<void> {
  const admin = openSql(embeddedSuperuserUrl(dataFolder) ?? "", { connectionsMax: 1, name: "bench setup" })
  await admin`grant pg_checkpoint to crossdock_app`
  await admin.end({ timeout: 2 })
}

/** Calls the gateway with the operator's key; throws unless it succeeds. */
export async function callGateway(
  url: string,
  key: string,
  call: { method: string; path: string; body?: unknown },
): Promise<unknown> {
  const answer = await fetch(url + call.path, {
    method: call.method,
    headers: {
      authorization: `Bearer ${key}`,
      ...(call.body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
  })
  const text = await answer.text()
  if (answer.status >= 300)
    throw new Error(`${call.method} ${call.path} answered ${answer.status}: ${text.slice(0, 500)}`)
  return text === "" ? null : JSON.parse(text)
}

export function operatorKey(stack: Stack): string {
  return readFileSync(join(stack.folder, "gateway", "operator.key"), "utf8").trim()
}

/** A key of a consumer whose rate limit is too high to be measured. */
export async function makeBenchKey(stack: Stack, gatewayUrl: string): Promise<string> {
  const call = (method: string, path: string, body?: unknown) =>
    callGateway(gatewayUrl, operatorKey(stack), { method, path, ...(body === undefined ? {} : { body }) })
  await call("PUT", "/v1/consumers/bench", {
    name: "Benchmark",
    owner: "bench",
    scopes: ["*"],
    ratePerSecond: 1_000_000,
    burst: 1_000_000,
  })
  const { key } = (await call("POST", "/v1/consumers/bench/keys", {})) as { key: string }
  return key
}

/** Writes dirty pages between measurements, so that neither side pays for the other's checkpoint. */
export async function settle(sql: Sql): Promise<void> {
  await sql`checkpoint`
}
