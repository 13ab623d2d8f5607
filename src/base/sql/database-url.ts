import { AppError, type Problem } from "../errors.ts"

/** One PostgreSQL server of an address. */
export interface Server {
  host: string
  port: number
}

/** How a connection is encrypted. */
export interface Encryption {
  /**
   * When the server cannot encrypt: connect unencrypted (`prefer`) or fail (all others). `verify-*` also checks its
   * certificate.
   */
  mode: "prefer" | "require" | "verify-ca" | "verify-full"
  /** File with the trusted certificates; default: the system's. */
  rootCertificates?: string
}

/** The parsed `DATABASE_URL`. */
export interface DatabaseAddress {
  /** In the order in which they are tried. */
  servers: Server[]
  user: string
  password: string
  database: string
  encryption?: Encryption
  /** Whether read-only servers are skipped. Always true with several servers, because Crossdock writes. */
  needsWritable: boolean
  /** Settings sent to the server at the start of each connection, e.g. `search_path`. */
  parameters: Record<string, string>
}

const defaultPort = 5432
const writableKinds = new Set(["read-write", "primary"])
// Parameters of libpq that are not server settings; Crossdock sets their equivalents itself.
const ownParameters = ["sslmode", "ssl", "sslrootcert", "target_session_attrs", "application_name", "connect_timeout"]
const unsupported = ["host", "hostaddr", "port", "user", "password", "dbname", "load_balance_hosts", "sslnegotiation"]

/**
 * Reads an address such as `postgres://user:password@h1:5432,h2:5433/db?target_session_attrs=read-write`. The syntax is
 * libpq's (PostgreSQL 18 documentation, 32.1.1.2), which `new URL` cannot parse when there are several hosts.
 * Errors: CONFIG_INVALID, which lists every problem and never the password.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const problems: string[] = []
  const parts = /^postgres(?:ql)?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(text)
  if (!parts) throw invalid(["it must have the form postgres://user:password@host:port/database"])
  const [, authority = "", path = "", query = ""] = parts
  const at = authority.lastIndexOf("@")
  const [user = "", ...password] = authority.slice(0, Math.max(at, 0)).split(":")
  const decoded = (value: string, what: string) => {
    try {
      return decodeURIComponent(value)
    } catch {
      problems.push(`its ${what} has a % that is not followed by two hexadecimal digits`)
      return ""
    }
  }
  const servers = readServers(authority.slice(at + 1), problems)
  const parameters = new URLSearchParams(query)
  const name = decoded(user, "user")
  const address = {
    servers,
    user: name,
    password: decoded(password.join(":"), "password"),
    database: decoded(path, "database name") || name,
    ...readEncryption(parameters, problems),
    needsWritable: readNeedsWritable(parameters, servers, problems),
    parameters: Object.fromEntries([...parameters].filter(([key]) => !ownParameters.includes(key))),
  }
  if (name === "") problems.push("it has no user name")
  for (const key of unsupported) if (parameters.has(key)) problems.push(`its parameter ${key} is not supported`)
  if (problems.length > 0) throw invalid(problems)
  return address
}

/** The same servers with a different database. */
export function withDatabase(databaseUrl: string, database: string): string {
  const [, servers = "", query = ""] = /^([a-z]+:\/\/[^/?#]*)[^?#]*(\?.*)?$/.exec(databaseUrl) ?? []
  return `${servers}/${encodeURIComponent(database)}${query}`
}

/** The same address with only one of its servers, which may be read-only. */
export function withServer(databaseUrl: string, server: Server): string {
  const host = server.host.includes(":") ? `[${server.host}]` : server.host
  const [, before = "", after = ""] = /^([a-z]+:\/\/(?:[^/?#]*@)?)[^/?#]*(.*)$/.exec(databaseUrl) ?? []
  const withoutAim = after.replace(/([?&])target_session_attrs=[^&]*&?/, "$1").replace(/[?&]$/, "")
  return `${before}${host}:${server.port}${withoutAim}`
}

function readServers(text: string, problems: string[]): Server[] {
  return text.split(",").map((one) => {
    const [, bracketed, plain = "", port] = /^(?:\[([^\]]*)\]|([^:]*))(?::(.*))?$/.exec(one) ?? [
      undefined,
      undefined,
      one,
    ]
    const host = decodeHost(bracketed ?? plain)
    const number = port === undefined || port === "" ? defaultPort : Number(port)
    if (host === "") problems.push(text === "" ? "it has no host" : "one of its hosts is empty")
    else if (!/^[\w.:%-]+$/.test(host))
      problems.push("one of its hosts is not a host name; encode special characters of the password, e.g. @ as %40")
    if (!Number.isInteger(number) || number < 1 || number > 65_535)
      problems.push(`the port of ${host || "an empty host"} is not a number from 1 to 65535`)
    return { host, port: number }
  })
}

function decodeHost(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function readNeedsWritable(parameters: URLSearchParams, servers: readonly Server[], problems: string[]): boolean {
  const wanted = parameters.get("target_session_attrs")
  if (wanted === null) return servers.length > 1
  if (!writableKinds.has(wanted))
    problems.push(`target_session_attrs=${wanted} cannot be used, because Crossdock writes; use read-write`)
  return true
}

function readEncryption(parameters: URLSearchParams, problems: string[]): { encryption?: Encryption } {
  const said = parameters.get("sslmode") ?? parameters.get("ssl") ?? "disable"
  const rootCertificates = parameters.get("sslrootcert")
  const modes: Record<string, Encryption["mode"] | "disable"> = {
    disable: "disable",
    false: "disable",
    allow: "prefer",
    prefer: "prefer",
    require: "require",
    "verify-ca": "verify-ca",
    "verify-full": "verify-full",
    true: "verify-full",
  }
  const mode = modes[said]
  if (mode === undefined) problems.push(`sslmode=${said} is not one of ${Object.keys(modes).join(", ")}`)
  if (mode === undefined || mode === "disable") {
    if (rootCertificates !== null && mode === "disable")
      problems.push("sslrootcert needs an sslmode other than disable")
    return {}
  }
  if (rootCertificates === null || rootCertificates === "system") return { encryption: { mode } }
  return { encryption: { mode, rootCertificates } }
}

function invalid(messages: readonly string[]): AppError {
  const problems: Problem[] = messages.map((message) => ({ pointer: "/DATABASE_URL", message }))
  return new AppError("CONFIG_INVALID", `DATABASE_URL is invalid: ${messages.join("; ")}`, { problems })
}
