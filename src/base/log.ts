import { pino, destination, type Logger } from "pino"
import { setting } from "./config.ts"
import { loggedError } from "./log/logged-error.ts"

/**
 * Structured logs, one JSON object a line. Secrets and personal data are removed by path, whatever the caller passes.
 * `CROSSDOCK_LOG` sets the level (`silent` in tests).
 */
export type Log = Logger

const redactedPaths = [
  "authorization",
  "password",
  "secret",
  "token",
  "apiKey",
  "email",
  "phone",
  "headers.authorization",
  "headers.cookie",
  "*.authorization",
  "*.password",
  "*.secret",
  "*.token",
  "*.apiKey",
  "*.email",
  "*.phone",
  "*.shippingAddress",
  "*.billingAddress",
]

/** Makes the root log of a process. It writes to stderr, because stdout is for the output the user requested. */
export function createLog(name: string, level: string = setting("CROSSDOCK_LOG") ?? "info"): Log {
  return pino(
    { name, level, redact: { paths: redactedPaths, censor: "[redacted]" }, serializers: { err: loggedError } },
    destination({ fd: 2, sync: false }),
  )
}
