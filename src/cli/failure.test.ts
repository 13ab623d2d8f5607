import { expect, test } from "vitest"
import { AppError } from "../base/errors.ts"
import { failureOf, refused } from "./failure.ts"

const words = { isJson: false }
const problem = (status: number, code: string) =>
  refused(status, JSON.stringify({ title: "No.", detail: "so", status, code }))

test.each([
  ["a request that is refused", problem(422, "REQUEST_INVALID"), 2],
  ["a key that is not valid", problem(401, "AUTHENTICATION_FAILED"), 2],
  ["a conflict", problem(409, "IDEMPOTENCY_KEY_REUSED"), 2],
  ["a rate that was exceeded", problem(429, "RATE_LIMITED"), 3],
  ["a database that is away", problem(503, "STORAGE_UNAVAILABLE"), 3],
  ["a page of a proxy", refused(502, "<html>Bad gateway</html>"), 3],
  ["a defect of the gateway", problem(500, "INVARIANT_BROKEN"), 1],
  ["a code that nobody knows", problem(400, "constructor"), 2],
  ["an answer that is null", refused(400, "null"), 2],
  ["nobody at the address", new AppError("VENDOR_UNAVAILABLE", "connect ECONNREFUSED"), 3],
  ["a mistake of ours", new TypeError("x is not a function"), 1],
])("the exit code of %s says who must do something", (...[, thrown, code]) => {
  expect(failureOf(thrown, words).code).toBe(code)
})

test("what to do is said with it, unless the problems say it", () => {
  expect(failureOf(problem(401, "AUTHENTICATION_FAILED"), words).text).toMatch(/^401 No\. so\nSend an API key /)
  expect(failureOf(problem(422, "REQUEST_INVALID"), words).text).toBe("422 No. so\n")
})

test("with --json an error is one JSON object", () => {
  const answer = {
    title: "No.",
    status: 422,
    code: "REQUEST_INVALID",
    problems: [{ pointer: "?limit", message: "must be integer" }],
  }
  const { text } = failureOf(refused(422, JSON.stringify(answer)), { isJson: true })
  expect(JSON.parse(text)).toEqual({
    error: { code: "REQUEST_INVALID", message: "422 No.", problems: answer.problems, hint: expect.any(String) },
  })
})
