import { errorCatalogue, type ErrorKind } from "./errors/catalogue.ts"

export { errorCatalogue, type ErrorKind }

/** A code of the catalogue. Codes are never renamed once released. */
export type ErrorCode = keyof typeof errorCatalogue

/** One problem of an input: its place (a JSON pointer), and what was expected. */
export interface Problem {
  pointer: string
  message: string
  code?: string
}

interface AppErrorOptions {
  cause?: unknown
  retryAfterMs?: number
  problems?: readonly Problem[]
  data?: Record<string, unknown>
}

/** The only error thrown on purpose. Branch on `kind` or `code`, never on the message. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly retryAfterMs: number | undefined
  readonly problems: readonly Problem[]
  readonly data: Record<string, unknown>

  constructor(code: ErrorCode, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = "AppError"
    this.code = code
    this.retryAfterMs = options.retryAfterMs
    this.problems = options.problems ?? []
    this.data = options.data ?? {}
  }

  get kind(): ErrorKind {
    return errorCatalogue[this.code].kind
  }
}

/** Converts any thrown value into an AppError. Errors that Crossdock did not throw itself become defects. */
export function asAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const message = thrown instanceof Error ? messageOf(thrown) : String(thrown)
  return new AppError("INVARIANT_BROKEN", message, { cause: thrown })
}

/** Whether PostgreSQL raised an error: it has a severity and a SQLSTATE. */
export function isDatabaseError(error: Error): boolean {
  return "severity" in error && "code" in error && typeof error.code === "string" && /^[0-9A-Z]{5}$/.test(error.code)
}

/**
 * An error's message for ledgers and logs. PostgreSQL names objects as `relation "orders"` and quotes values of rows after a
 * colon (`invalid input syntax for type integer: "…"`); those are customers' data and left out.
 */
export function messageOf(error: Error): string {
  return isDatabaseError(error) ? error.message.replace(/: ".*$/s, ": (value left out)") : error.message
}

/** An error as ledger rows and log lines hold it. It has no secrets, because error messages never contain any. */
export function describeError(thrown: unknown): { code: ErrorCode; message: string; problems?: readonly Problem[] } {
  const error = asAppError(thrown)
  return {
    code: error.code,
    message: error.message,
    ...(error.problems.length > 0 ? { problems: error.problems } : {}),
  }
}

/** Throws INVARIANT_BROKEN unless `holds` is true. */
export function assertInvariant(holds: boolean, message: string): asserts holds {
  if (!holds) throw new AppError("INVARIANT_BROKEN", message)
}
