import { describe, expect, it } from "vitest"
import { AppError, asAppError } from "../errors.ts"
import { loggedError } from "./logged-error.ts"

/** As the driver makes it of PostgreSQL's answer. */
function databaseError(): Error {
  return Object.assign(new Error('invalid input syntax for type json: "{"email":"ada@example.com"'), {
    name: "PostgresError",
    severity: "ERROR",
    code: "22P02",
    detail: "Failing row contains (ada@example.com, Coolsingel 40).",
    where: 'JSON data, line 1: ..."name":"Ada Jansen"...',
    query: "select $1",
    parameters: ["Ada Jansen"],
    table_name: "inbox",
    constraint_name: "inbox_pkey",
  })
}

describe("P-50: an error in the log", () => {
  it("names what the database complains about, and holds nothing of its rows", () => {
    const wrapped = new AppError("STORAGE_UNAVAILABLE", "the database is unavailable", { cause: databaseError() })
    const logged = loggedError(wrapped)
    expect(JSON.stringify([logged, asAppError(databaseError()).message])).not.toMatch(/ada|jansen|coolsingel/i)
    expect(logged).toMatchObject({
      type: "AppError",
      code: "STORAGE_UNAVAILABLE",
      cause: {
        message: "invalid input syntax for type json: (value left out)",
        code: "22P02",
        about: { table_name: "inbox", constraint_name: "inbox_pkey" },
      },
    })
  })

  it("keeps what was thrown whatever it is, and causes that lead in a circle", () => {
    expect(loggedError("text")).toEqual({ type: "string", message: "text", stack: [] })
    const circle = new Error("a")
    circle.cause = circle
    expect(JSON.stringify(loggedError(circle)).match(/"message":"a"/g)).toHaveLength(6)
  })
})
