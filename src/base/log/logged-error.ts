import { AppError, isDatabaseError, messageOf } from "../errors.ts"

/** An error as a log line holds it. */
export interface LoggedError {
  type: string
  message: string
  code?: string
  stack: readonly string[]
  cause?: LoggedError
  /** Of a database error: the objects it is about, never their values. */
  about?: Record<string, string>
}

const framesMax = 12
const causesMax = 5
// Fields of PostgreSQL's error that hold names. `detail`, `where`, `query` and `parameters` hold rows, which are customers' data.
const names = ["schema_name", "table_name", "column_name", "constraint_name", "routine"]

/**
 * What a log may hold of an error: its type, code, message, frames and causes. Of a database error neither the values of rows
 * nor the statement's parameters, which PostgreSQL quotes in its detail, context and message.
 */
export function loggedError(thrown: unknown, depth = 0): LoggedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: String(thrown), stack: [] }
  const code = thrown instanceof AppError ? thrown.code : textOf(thrown, "code")
  const about = isDatabaseError(thrown)
    ? Object.fromEntries(
        names.flatMap((name) => [[name, textOf(thrown, name)]]).filter(([, value]) => value !== undefined),
      )
    : undefined
  return {
    type: thrown.name,
    message: messageOf(thrown),
    ...(code === undefined ? {} : { code }),
    stack: framesOf(thrown),
    ...(about ? { about: about as Record<string, string> } : {}),
    ...(thrown.cause !== undefined && depth < causesMax ? { cause: loggedError(thrown.cause, depth + 1) } : {}),
  }
}

function framesOf({ stack = "" }: Error): string[] {
  const lines = stack.split("\n").filter((line) => /^\s+at /.test(line))
  return lines.slice(0, framesMax).map((line) => line.trim())
}

function textOf(error: Error, name: string): string | undefined {
  const value: unknown = Reflect.get(error, name)
  return typeof value === "string" ? value : undefined
}
