import { resolve } from "node:path"

/**
 * Every environment setting. The environment holds only what differs per deployment. Integration engineers write
 * `crossdock.config.ts`; operators change data at run time, with an audit row.
 */
export const settings = {
  PORT: "Port of the gateway and console. Default 4400. When it is taken, the next free port is used and printed.",
  CROSSDOCK_DATA: "Folder for engine data. Default `.crossdock` in the current folder.",
  CROSSDOCK_LOG: "Log level: trace, debug, info, warn, error, silent. Default info.",
  CROSSDOCK_CONFIG: "Path of the estate's configuration. Default `crossdock.config.ts`.",
  CROSSDOCK_URL: "Where the CLI finds the gateway. Default http://127.0.0.1:4400.",
  CROSSDOCK_KEY: "API key the CLI uses. Default: the operator key that `npm start` wrote into the data folder.",
  CROSSDOCK_EDGE_KEY: "API key the agent of a store sends receipts with: scope sales:write. Default: CROSSDOCK_KEY.",
  CROSSDOCK_HOST: "Address the gateway binds to. Default 127.0.0.1.",
  CROSSDOCK_METRICS:
    "Who may read `/metrics`: `open` for everybody, `key` for keys with the scope metrics:read. Default: open while the gateway listens on this machine only, otherwise key.",
  CROSSDOCK_ROLES:
    "Comma-separated roles of this process: gateway, worker. Default both. `crossdock start --roles` overrides it.",
  CROSSDOCK_GATEWAYS: "Number of gateways that share the consumers' rate limits; each grants an equal part. Default 1.",
  DATABASE_URL:
    "PostgreSQL 18 to use instead of the embedded one. Several hosts are a primary and its standbys: postgres://user:password@h1:5432,h2:5432/crossdock.",
  OTEL_EXPORTER_OTLP_ENDPOINT:
    "Address that takes traces and metrics over OTLP/HTTP, e.g. http://127.0.0.1:4318; `/v1/traces` and `/v1/metrics` are added. Requests, deliveries, steps and calls to other systems are spans of one trace, under the correlation id; metrics are those of `/metrics`. Default: no spans are made, and nothing is sent.",
  OTEL_METRIC_EXPORT_INTERVAL:
    "How often metrics are sent to OTEL_EXPORTER_OTLP_ENDPOINT, in milliseconds. Default 60000.",
} as const

/** The name of a setting of the environment. */
export type SettingName = keyof typeof settings

/** Reads one environment setting; empty text counts as unset. The only place that touches the environment. */
export function setting(name: SettingName): string | undefined {
  const value = process.env[name]
  return value === undefined || value === "" ? undefined : value
}

/**
 * Reads a value that the estate's configuration takes from its deployment, such as an address or a secret, from the
 * variable `CROSSDOCK_VALUE_<name>`. Undefined when unset or empty.
 */
export function deploymentValue(name: string): string | undefined {
  const value = process.env[`CROSSDOCK_VALUE_${name}`]
  return value === undefined || value === "" ? undefined : value
}

/** Sets a deployment value for this process and its children. The demo passes the lab's address to its estate this way. */
export function setDeploymentValue(name: string, value: string): void {
  process.env[`CROSSDOCK_VALUE_${name}`] = value
}

/** The environment of a child process: this process's own, with additions. */
export function childEnvironment(additions: Record<string, string> = {}): Record<string, string | undefined> {
  return { ...process.env, ...additions }
}

/** Absolute path of the folder that holds engine data, keys and pid files. */
export function dataFolder(): string {
  return resolve(setting("CROSSDOCK_DATA") ?? ".crossdock")
}
