import { pino, destination, type Logger } from "pino"
import { setting } from "./config.ts"

/**
 * Structured logs with secrets and personal data cut out by path, whatever the caller passes.
 * One line is one JSON object; `CROSSDOCK_LOG` sets the level (`silent` in tests).
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

/** Makes the root log of a process. Writes to stderr so that stdout stays for what the user asked for. */
export function createLog(name: string, level: string = setting("CROSSDOCK_LOG") ?? "info"): Log {
  return pino(
    { name, level, redact: { paths: redactedPaths, censor: "[redacted]" } },
    destination({ fd: 2, sync: false }),
  )
}
