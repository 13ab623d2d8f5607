import { expect, test } from "vitest"
import { stateOf, toldOf, type ReaderRow } from "./judge.ts"

const nowMs = Date.UTC(2026, 10, 29, 12)
const ago = (seconds: number) => new Date(nowMs - seconds * 1000)

const row: ReaderRow = {
  name: "poll shop/orders",
  connection: "shop",
  what: "The poll of orders of shop",
  meanwhile: "what its webhooks miss is not found",
  every_ms: 10_000,
  late_after_ms: 60_000,
  since: ago(3600),
  succeeded_at: ago(5),
  failed_at: null,
  failures: 0,
  error_code: null,
  last_error: null,
  excused_at: null,
  excuse: null,
  turned_away: 0,
  turned_away_why: null,
  told: [],
  now: new Date(nowMs),
}
const refusal = { failed_at: ago(1), failures: 2, error_code: "VENDOR_KEY_REFUSED", last_error: "status 401" }

test.each([
  ["a reader whose last success is young enough is ok", {}, "ok"],
  ["one that failed last and is still in time is failing", { failed_at: ago(2), failures: 1 }, "failing"],
  ["one that succeeded again after a failure is ok", { failed_at: ago(9), failures: 0 }, "ok"],
  ["one that stands still without a word is behind", { succeeded_at: ago(61) }, "behind"],
  ["one that has never succeeded is behind when its start is as long ago", { succeeded_at: null }, "behind"],
  ["one that has just started is not behind", { succeeded_at: null, since: ago(30) }, "ok"],
  ["one refusal of the key may be an ended session", { ...refusal, failures: 1 }, "failing"],
  ["two refusals in a row are a refused key, long before it is behind", refusal, "refused"],
  ["a reader that turns away what strangers send is as well as before", { turned_away: 900 }, "ok"],
  ["a key that works again is refused no more", { ...refusal, succeeded_at: ago(0) }, "ok"],
  ["a reader of a paused connection is excused", { succeeded_at: ago(999), excused_at: ago(10) }, "excused"],
  ["an excuse that nobody renews ends", { succeeded_at: ago(999), excused_at: ago(90) }, "behind"],
] as const)("P-41: %s", (_, change, state) => {
  expect(stateOf({ ...row, ...change })).toBe(state)
})

test("P-41: the exception says who is behind, since when, why and what follows", () => {
  const late = { ...row, succeeded_at: ago(180), failed_at: ago(4), failures: 9, last_error: "no page 3" }
  const { data } = toldOf(late, "behind", nowMs)
  expect(data).toMatchObject({
    about: "connection/shop",
    owner: "integration",
    cause: "a reader is behind its time",
    summary:
      "The poll of orders of shop is behind its time. The last success was 3 min ago; it is due every 10 s. The last error: no page 3.",
    ifNobodyActs: "what its webhooks miss is not found; this closes by itself when it works again",
  })
})

test("P-41: every process finds the same exception until the reader succeeds, and another one after that", () => {
  const id = (change: Partial<ReaderRow>) => toldOf({ ...row, ...change }, "behind", nowMs).data.exceptionId
  expect(id({ succeeded_at: ago(180), now: ago(0) })).toBe(id({ succeeded_at: ago(180), now: ago(-60) }))
  expect(id({ succeeded_at: ago(180) })).not.toBe(id({ succeeded_at: ago(170) }))
})
