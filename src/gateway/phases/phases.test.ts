import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { errorCatalogue, AppError, type ErrorCode } from "../../base/errors.ts"
import { traceparentOf } from "../../base/ids.ts"
import { isMoment } from "../../base/time.ts"
import type { Consumer } from "../../governance/consumers.ts"
import { saneTraceparent } from "../traceparent.ts"
import { errorAnchor, errorsPage, problemDetails, requestError, retryAfterSeconds } from "./describe-errors.ts"
import { parseJson } from "./parse-json.ts"
import { RateLimits } from "./throttle.ts"
import { negotiateVersion, Versions } from "./versions.ts"

const codeOf = (work: () => unknown): ErrorCode | undefined => {
  try {
    work()
    return undefined
  } catch (thrown) {
    return thrown instanceof AppError ? thrown.code : undefined
  }
}
const parse = (text: string) => parseJson(Buffer.from(text))

it("the trace of a correlation id is one that others accept, and differs from those of others", () => {
  const traces = Array.from({ length: 1000 }, (_, n) => traceparentOf(`req_x-${n}`))
  expect(traces.filter((trace) => !saneTraceparent.test(trace))).toEqual([])
  expect(new Set(traces.flatMap((trace) => trace.split("-").slice(1, 3))).size).toBe(2000)
})

describe("parseJson", () => {
  it("reads what JSON.parse reads, for any value without harmful text", () => {
    const safe = fc.jsonValue().filter((value) => !/proto|constructor|\\u0000|\\ud/i.test(JSON.stringify(value)))
    fc.assert(
      fc.property(safe, (value) => {
        expect(parse(JSON.stringify(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it("admits 64 levels and not 65, whatever brackets stand in texts", () => {
    const nested = (levels: number) => `${'{"a":['.repeat(levels / 2)}"]}[[[[\\"{{{{"${"]}".repeat(levels / 2)}`
    expect(codeOf(() => parse(nested(64)))).toBeUndefined()
    expect(codeOf(() => parse(nested(66)))).toBe("REQUEST_TOO_LARGE")
  })

  it("refuses keys that reach a prototype, however they are spelt, and text that PostgreSQL cannot hold", () => {
    const harmful = [
      '{"__proto__":1}',
      '{"a":[{"_\\u005fproto_\\u005f":1}]}',
      '{"constructor":{"prototype":1}}',
      '{"c\\u006fnstructor":{"prototype":1}}',
      '"\\u0000"',
      '{"\\u0000":1}',
      '"\\ud83d"',
      '"\\uDE00"',
    ]
    expect(harmful.map((text) => codeOf(() => parse(text)))).toEqual(harmful.map(() => "REQUEST_MALFORMED"))
    expect(parse('{"constructor":"LEGO","c":"\\ud83d\\ude00","d":"\\\\u0000"}')).toEqual({
      constructor: "LEGO",
      c: "😀",
      d: "\\u0000",
    })
  })

  it("P-50: names the place of what it refuses", () => {
    const placeOf = (bytes: Buffer): unknown => {
      try {
        return parseJson(bytes)
      } catch (thrown) {
        return (thrown as AppError).problems[0]
      }
    }
    const place = (text: string) => placeOf(Buffer.from(text))
    expect(place('{"lines":[{"title":"a\\u0000b"}]}')).toMatchObject({ pointer: "/lines/0/title" })
    expect(place('{"lines":[{"title":"\\ud800"}]}')).toMatchObject({ pointer: "/lines/0/title" })
    expect(place('{"a":{"__proto__":1}}')).toMatchObject({ pointer: "/a/__proto__" })
    expect(place('{"a":[1,]}')).toEqual({ pointer: "/a/1", message: "expected a value at line 1, column 9" })
    expect(place("[".repeat(200))).toEqual({ pointer: "", message: "byte 65 of the body opens level 65" })
    expect(placeOf(Buffer.from([0x22, 0x61, 0xff, 0x22]))).toEqual({
      pointer: "",
      message: "byte 3 of the body is not UTF-8",
    })
  })

  it("says nothing of the body in its message", () => {
    expect(() => parse('{"secret": nope')).toThrow(/^the body is not well-formed JSON$/)
  })
})

describe("rate limits", () => {
  const consumer = (ratePerSecond: number, burst: number): Consumer => ({
    id: "c",
    name: "c",
    owner: "o",
    scopes: [],
    channels: undefined,
    ratePerSecond,
    burst,
    apiVersion: "2026-11-01",
    oauthClientId: undefined,
    isActive: true,
  })
  const takeAll = (limits: RateLimits, who: Consumer) => {
    let taken = 0
    while (limits.bucket(who).tokens >= 1) {
      limits.bucket(who).tokens -= 1
      taken += 1
    }
    return taken
  }

  it("never grant more than burst + rate × time over any course of time", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 1, max: 200 }),
        fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 30 }),
        (rate, burst, waits) => {
          let now = 0
          let taken = 0
          const limits = new RateLimits({ now: () => now }, 1)
          const who = consumer(rate, burst)
          for (const wait of waits) {
            now += wait
            taken += takeAll(limits, who)
          }
          expect(taken).toBeLessThanOrEqual(burst + (rate * now) / 1000 + 1e-6)
        },
      ),
    )
  })

  it("each of four nodes grants a quarter, and a changed limit is no free refill", () => {
    const limits = new RateLimits({ now: () => 0 }, 4)
    expect(takeAll(limits, consumer(40, 80))).toBe(20)
    expect(takeAll(limits, consumer(400, 800))).toBe(0)
  })
})

describe("versions", () => {
  const versions = new Versions([
    {
      date: "2025-01-01",
      deprecatedAt: "2026-01-01T00:00:00.000Z",
      sunsetAt: "2027-02-03T04:05:06.000Z",
      upgrades: { "POST /x": (body) => ({ ...(body as object), first: true }) },
    },
    {
      date: "2025-06-01",
      upgrades: { "POST /x": (body) => ({ ...(body as object), second: "first" in (body as object) }) },
    },
    { date: "2026-11-01" },
  ])

  it("upgrade a body step by step, from wherever it starts", () => {
    expect(versions.upgrade("POST /x", "2025-01-01", {})).toEqual({ first: true, second: true })
    expect(versions.upgrade("POST /x", "2025-06-01", {})).toEqual({ second: false })
    expect(versions.upgrade("POST /x", "2026-11-01", {})).toEqual({})
    expect(versions.upgrade("POST /other", "2025-01-01", {})).toEqual({})
    expect(codeOf(() => versions.upgrade("POST /x", "2024-01-01", {}))).toBe("VERSION_UNKNOWN")
  })

  it("say when a version is deprecated and when it ends, as RFC 9745 and RFC 8594 write it", () => {
    const exchange = {
      route: { credentials: "consumer" },
      grant: { consumer: { apiVersion: "2025-01-01" } },
      header: () => undefined,
      version: "",
    }
    // Has only the members the phase reads.
    void negotiateVersion(versions).beforeBody?.(exchange as never)
    expect(exchange).toMatchObject({
      version: "2025-01-01",
      deprecation: "@1767225600",
      sunset: "Wed, 03 Feb 2027 04:05:06 GMT",
    })
  })
})

describe("errors", () => {
  const codes = Object.keys(errorCatalogue) as ErrorCode[]

  it("every code has an anchor on the page that `type` points to", () => {
    const page = errorsPage()
    for (const code of codes) {
      const { type, status } = problemDetails(new AppError(code, "x"), "c-1")
      expect(type).toBe(`/errors#${errorAnchor(code)}`)
      expect(page).toContain(`id="${errorAnchor(code)}"`)
      expect(status).toBe(errorCatalogue[code].http)
    }
  })

  it("a defect tells nothing but its correlation id", () => {
    const problem = problemDetails(requestError(new Error("select secret from t")), "c-1")
    expect(JSON.stringify(problem)).not.toContain("secret")
    expect(problem).toMatchObject({ status: 500, code: "INVARIANT_BROKEN", correlationId: "c-1" })
  })

  it("a lost database is 503 with Retry-After, whoever noticed it", () => {
    const error = requestError(Object.assign(new Error("x"), { code: "ECONNREFUSED" }))
    expect(error.code).toBe("STORAGE_UNAVAILABLE")
    expect(retryAfterSeconds(error)).toBe(1)
    expect(retryAfterSeconds(new AppError("RATE_LIMITED", "x", { retryAfterMs: 2300 }))).toBe(3)
    expect(retryAfterSeconds(new AppError("REQUEST_INVALID", "x"))).toBeUndefined()
  })
})

it("a moment is one only when the calendar has it", () => {
  expect(isMoment("2028-02-29T23:59:59Z")).toBe(true)
  const wrong = [
    "2026-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "0000-01-01T00:00:00Z",
  ]
  expect(wrong.filter(isMoment)).toEqual([])
})
