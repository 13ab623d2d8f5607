import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { openSql, type Sql } from "../src/base/sql.ts"
import { migrate } from "../src/engines/migrations.ts"
import { startReady, type Child } from "./child.ts"

interface EnginesReady {
  databaseUrl: string
  restateIngressUrl: string
  restateAdminUrl: string
  pids: Record<string, number>
}

/** Engines of this run, in a data folder of their own, with everything that was started on them. */
export interface Stack {
  folder: string
  databaseUrl: string
  restateIngressUrl: string
  restateAdminUrl: string
  sql: Sql
  pids: Record<string, number>
  versions: { postgres: string; restate: string }
  /** Starts Crossdock in one process; `roles` as CROSSDOCK_ROLES. */
  startCrossdock(roles: "gateway" | "worker", lab?: string): Promise<Child & { url: string }>
  stop(): Promise<void>
}

/** Starts PostgreSQL and Restate with the product's own settings, so that ours and the floors share one server. */
export async function startStack(): Promise<Stack> {
  const folder = mkdtempSync(join(tmpdir(), "crossdock-bench-"))
  const engines = await startReady<EnginesReady>("engines", ["bin/crossdock.mjs", "engines"], {
    CROSSDOCK_DATA: join(folder, "engines"),
  })
  const { databaseUrl, restateIngressUrl, restateAdminUrl, pids } = engines.ready
  const sql = openSql(databaseUrl, { connectionsMax: 4, name: "bench" })
  await migrate(sql, join(import.meta.dirname, "..", "sql"))
  return {
    folder,
    databaseUrl,
    restateIngressUrl,
    restateAdminUrl,
    sql,
    pids,
    versions: await versions(sql, restateAdminUrl),
    startCrossdock: async (roles, lab) => {
      const child = await startReady<{ gatewayUrl: string }>(roles, ["bin/crossdock.mjs", "start"], {
        // A folder per role: one process holds one, and a role that is started again finds its operator key.
        CROSSDOCK_DATA: join(folder, roles),
        CROSSDOCK_CONFIG: "bench/estate.config.ts",
        CROSSDOCK_ROLES: roles,
        DATABASE_URL: databaseUrl,
        RESTATE_INGRESS_URL: restateIngressUrl,
        RESTATE_ADMIN_URL: restateAdminUrl,
        ...(lab === undefined ? {} : { CROSSDOCK_VALUE_LAB_ADDRESSES: lab }),
      })
      return { ...child, url: child.ready.gatewayUrl }
    },
    stop: async () => {
      await sql.end({ timeout: 2 })
      await engines.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function versions(sql: Sql, restateAdminUrl: string): Promise<Stack["versions"]> {
  const [row] = await sql<{ version: string }[]>`select current_setting('server_version') as version`
  const answer = (await (await fetch(`${restateAdminUrl}/version`)).json()) as { version?: string }
  return { postgres: row?.version ?? "unknown", restate: answer.version ?? "unknown" }
}

/** Calls the gateway with the operator's key; anything but success is thrown. */
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

/** A key of a consumer whose rate limit cannot be what is measured. */
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

/** Writes out dirty pages between measurements, so that no side pays for the other's checkpoint. */
export async function settle(sql: Sql): Promise<void> {
  await sql`checkpoint`
}
