import { describe, expect, it } from "vitest"
import { AppError, asAppError, assertInvariant, describeError, errorCatalogue, type ErrorKind } from "./errors.ts"

const entries = Object.entries(errorCatalogue)

describe("errors", () => {
  it("every code is written subject first, and has a summary and a hint that are sentences", () => {
    for (const [code, { summary, hint }] of entries) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
      expect(
        [summary, hint].every((text) => /^\S.*\.$/.test(text)),
        `${code}: ${summary} ${hint}`,
      ).toBe(true)
    }
  })

  it("kind and HTTP status agree: waiting is 429, 503 or 507, unclear is 502, our own fault is 5xx", () => {
    const statuses = {
      unavailable: [429, 503, 507],
      uncertain: [502],
      defect: [500, 502],
      conflict: [409, 412, 422],
      rejected: [409, 422],
    }
    const isFitting = (kind: ErrorKind, http: number) =>
      kind === "invalid" ? http >= 400 && http < 500 : statuses[kind].includes(http)
    const odd = entries.filter(([code, { kind, http }]) => code !== "CONFIG_INVALID" && !isFitting(kind, http))
    expect(odd).toEqual([])
  })

  it("what we did not throw ourselves is a defect, and keeps its cause", () => {
    const cause = new TypeError("x is undefined")
    expect(asAppError(cause)).toMatchObject({ code: "INVARIANT_BROKEN", kind: "defect", cause })
    expect(asAppError("text")).toMatchObject({ message: "text" })
    const own = new AppError("RATE_LIMITED", "slow down", { retryAfterMs: 5 })
    expect(asAppError(own)).toBe(own)
  })

  it("a description carries code, message and problems, and nothing else", () => {
    const problems = [{ pointer: "/a", message: "wrong" }]
    const error = new AppError("REQUEST_INVALID", "no", { problems, data: { secret: "s" }, cause: new Error("deep") })
    expect(describeError(error)).toEqual({ code: "REQUEST_INVALID", message: "no", problems })
    expect(() => assertInvariant(false, "broken")).toThrow(expect.objectContaining({ code: "INVARIANT_BROKEN" }))
  })
})
