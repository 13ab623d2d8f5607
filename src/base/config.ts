import { resolve } from "node:path"

/**
 * Everything the environment may set. What differs per deployment is here; what integration engineers decide is code in
 * `crossdock.config.ts`; what operators change while it runs is data with an audit row.
 */
export const settings = {
  PORT: "Port of the gateway and console. Default 4400; the next free one is used and named when it is taken.",
  CROSSDOCK_DATA: "Folder for engine data. Default `.crossdock` in the current folder.",
  CROSSDOCK_LOG: "Log level: trace, debug, info, warn, error, silent. Default info.",
  CROSSDOCK_CONFIG: "Path of the estate configuration. Default `crossdock.config.ts`.",
  CROSSDOCK_URL: "Where the CLI finds the gateway. Default http://127.0.0.1:4400.",
  CROSSDOCK_KEY: "API key the CLI uses. Default: the operator key that `npm start` wrote into the data folder.",
  CROSSDOCK_HOST: "Address the gateway binds to. Default 127.0.0.1.",
  CROSSDOCK_ROLES:
    "Comma-separated roles of this process: gateway, worker. Default both. `crossdock start --roles` goes before it.",
  CROSSDOCK_GATEWAYS: "How many gateways share the consumers' rates; each grants its part. Default 1.",
  DATABASE_URL:
    "PostgreSQL 18 to use instead of the embedded one. Several hosts are a primary and its standbys: postgres://user:password@h1:5432,h2:5432/crossdock.",
  OTEL_EXPORTER_OTLP_ENDPOINT: "Where traces go, over OTLP/HTTP. Default: nowhere.",
} as const

/** The name of a setting of the environment. */
export type SettingName = keyof typeof settings

/** Reads one environment setting; empty text counts as unset. The only place that touches the environment. */
export function setting(name: SettingName): string | undefined {
  const value = process.env[name]
  return value === undefined || value === "" ? undefined : value
}

/**
 * Reads a value an estate's own configuration wants from its deployment: an address, a secret. The variable is the name
 * behind `CROSSDOCK_VALUE_`. Undefined when unset or empty.
 */
export function deploymentValue(name: string): string | undefined {
  const value = process.env[`CROSSDOCK_VALUE_${name}`]
  return value === undefined || value === "" ? undefined : value
}

/** Sets such a value for what is started in or by this process; the demo tells its estate where the lab is. */
export function setDeploymentValue(name: string, value: string): void {
  process.env[`CROSSDOCK_VALUE_${name}`] = value
}

/** Environment for child processes: ours, with additions. */
export function childEnvironment(additions: Record<string, string> = {}): Record<string, string | undefined> {
  return { ...process.env, ...additions }
}

/** Absolute path of the folder that holds engine data, keys and pid files. */
export function dataFolder(): string {
  return resolve(setting("CROSSDOCK_DATA") ?? ".crossdock")
}
