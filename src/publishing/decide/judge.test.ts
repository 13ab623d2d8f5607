import { expect, test } from "vitest"
import { assessed, looked, type ForeignRule } from "./judge.ts"
import type { Explanation } from "./kinds.ts"
import { cameBack } from "./outcome.ts"
import type { PublishedRow, StockWhy } from "./row.ts"

const nowMs = Date.parse("2026-11-29T12:00:00Z")
const why: StockWhy = {
  shows: "place",
  onHandMilli: 10_000,
  reservedMilli: 0,
  safetyMilli: 0,
  bufferMilli: 0,
  backorderMilli: 0,
  promiseMilli: 10_000,
  unseenMilli: 0,
  ageMs: 0,
  asOf: "2026-11-29T12:00:00.000Z",
}

function row(changes: Partial<PublishedRow> = {}): PublishedRow {
  return {
    channel: "shop",
    aspect: "stock",
    item: "TEE-M",
    scope: "wh-berlin",
    state: "live",
    marks: 1,
    assessed: 0,
    changedAt: "2026-11-29T11:59:59.000Z",
    dueAt: null,
    rank: 3,
    risk: 0,
    needsLook: false,
    version: 1,
    desired: 10_000,
    effectiveAt: null,
    why: null,
    sentVersion: 1,
    sentKey: "k",
    sent: 10_000,
    sentAt: null,
    ref: "44",
    acceptedAt: null,
    observed: 10_000,
    token: null,
    observedAt: "2026-11-29T11:00:00.000Z",
    observedBy: "Crossdock",
    cause: null,
    heldBy: null,
    pinned: null,
    attempts: 0,
    edits: 0,
    editsSince: null,
    decisions: 0,
    caseId: null,
    cases: 0,
    ...changes,
  }
}

const nothing: Explanation = { unseenMilli: 0, newMilli: 0, givenBackMilli: 0 }
const see = (
  one: PublishedRow,
  milli: number,
  {
    explanation = nothing,
    rule = "restore",
    wanted = 10_000,
  }: { explanation?: Explanation; rule?: ForeignRule; wanted?: number } = {},
) =>
  looked(
    assessed({ ...one, needsLook: true }, { value: wanted, why }, nowMs),
    { value: milli },
    { explanation, rule, nowMs },
  )

test("what is shown already is live without a call, and its version stays", () => {
  expect(assessed(row(), { value: 10_000, why }, nowMs)).toMatchObject({
    state: "live",
    version: 1,
    assessed: 1,
    changedAt: null,
  })
})

test("to zero goes before a fall, a fall before a rise", () => {
  const rankOf = (milli: number) => assessed(row(), { value: milli, why }, nowMs).rank
  expect([rankOf(0), rankOf(4000), rankOf(20_000)]).toEqual([1, 2, 3])
})

test("a row that was never seen is looked at before anything is sent", () => {
  expect(assessed(row({ observed: null }), { value: 10_000, why }, nowMs)).toMatchObject({
    state: "due",
    needsLook: true,
  })
})

test("a row whose call was lost is not live because an older value fits: it is looked at", () => {
  const lost = row({ state: "unknown", needsLook: true, sent: 8000, observed: 10_000 })
  expect(assessed(lost, { value: 10_000, why }, nowMs)).toMatchObject({ state: "unknown", needsLook: true })
  expect(see(lost, 8000)).toMatchObject({ state: "due", observed: 8000, edits: 0, rank: 3 })
})

test("P-08: an echo, and a value that is right anyway, are no news: no edit is counted and nothing is sent", () => {
  expect(see(row(), 10_000)).toMatchObject({ state: "live", edits: 0, observedBy: "Crossdock" })
  expect(see(row({ observed: 7000, sent: 7000 }), 10_000)).toMatchObject({ state: "live", edits: 0 })
})

test("a fall that unseen or new orders explain is the channel's own, a rise that cancellations explain too", () => {
  const sold = see(row(), 8000, { explanation: { ...nothing, unseenMilli: 1000, newMilli: 1000 }, wanted: 7000 })
  expect(sold).toMatchObject({ state: "due", observedBy: "the channel", edits: 0, desired: 7000, rank: 2 })
  expect(see(row(), 12_000, { explanation: { ...nothing, givenBackMilli: 2000 } })).toMatchObject({ edits: 0, rank: 2 })
})

test("an edit that nothing explains is written over; the third within an hour is held for a person", () => {
  const once = see(row(), 15_000)
  expect(once).toMatchObject({ state: "drifted", edits: 1, observedBy: "somebody else", rank: 2 })
  expect(once.dueAt).not.toBeNull()
  const thrice = see(row({ edits: 2, editsSince: "2026-11-29T11:50:00.000Z" }), 15_000)
  expect(thrice).toMatchObject({ state: "held", heldBy: "guard", dueAt: null })
  const longAgo = see(row({ edits: 2, editsSince: "2026-11-29T09:00:00.000Z" }), 15_000)
  expect(longAgo).toMatchObject({ state: "drifted", edits: 1 })
})

test("the owner's rule decides: adopt shows the other value at most, hold waits for a person, alert leaves it until stock changes", () => {
  expect(see(row(), 3000, { rule: "adopt" })).toMatchObject({ state: "live", desired: 3000, pinned: 3000 })
  expect(see(row(), 15_000, { rule: "adopt" })).toMatchObject({ desired: 10_000, pinned: 15_000, rank: 2 })
  expect(see(row(), 15_000, { rule: "hold" })).toMatchObject({ state: "held", heldBy: "owner", dueAt: null })
  const left = see(row(), 15_000, { rule: "alert" })
  expect(left).toMatchObject({ state: "drifted", dueAt: null })
  expect(assessed(left, { value: 10_000, why }, nowMs)).toMatchObject({ state: "drifted", dueAt: null })
  expect(assessed(left, { value: 9000, why }, nowMs)).toMatchObject({ state: "due", desired: 9000 })
})

test("units that the channel sold and nobody has reserved are asked for again soon, though the row is right", () => {
  const live = assessed(row({ observed: 8000 }), { value: 8000, why: { ...why, unseenMilli: 2000 } }, nowMs)
  expect(live).toMatchObject({ state: "live", needsLook: true, dueAt: "2026-11-29T12:00:05.000Z" })
})

test("a stale compare is news: the row is looked at, and nothing is sent again before", () => {
  const outcome = { kind: "stale", holds: { value: 8000 } } as const
  const stale = cameBack(row({ state: "sent", desired: 9000 }), outcome, { nowMs, settleMs: 2000 })
  expect(stale).toMatchObject({ state: "stale", needsLook: true, attempts: 1, observed: 10_000 })
})

test("an article that the channel lacks waits an hour whatever its stock does, a refused one fifteen minutes and longer each time", () => {
  const lacking = { kind: "rejected", code: "ARTICLE_UNKNOWN", message: "no such item", problems: [] } as const
  const gone = cameBack(row(), lacking, { nowMs, settleMs: 0 })
  expect(gone).toMatchObject({ state: "unmapped", ref: null, dueAt: "2026-11-29T13:00:00.000Z" })
  expect(assessed(gone, { value: 5, why }, nowMs)).toMatchObject({ state: "unmapped", dueAt: gone.dueAt })
  const bad = { ...lacking, code: "VENDOR_REJECTED" } as const
  expect(cameBack(row({ attempts: 2 }), bad, { nowMs, settleMs: 0 })).toMatchObject({
    state: "refused",
    dueAt: "2026-11-29T13:00:00.000Z",
  })
})

test("what was withdrawn stays at zero, whoever edits it, whatever the owner's rule, and though the channel refused it first", () => {
  for (const rule of ["restore", "adopt", "hold", "alert"] as const) {
    const gone = row({ state: "gone", desired: 0, observed: 0, sent: 0, pinned: 0, edits: 2, editsSince: null })
    expect(see(gone, 5000, { rule })).toMatchObject({
      state: "withdrawing",
      desired: 0,
      rank: 0,
      dueAt: expect.any(String),
    })
    expect(see(row({ state: "withdrawing", pinned: 0 }), 15_000, { rule })).toMatchObject({
      state: "withdrawing",
      rank: 0,
    })
  }
  expect(see(row({ state: "gone", desired: 0, observed: 0, pinned: 0 }), 0)).toMatchObject({
    state: "gone",
    dueAt: null,
  })
  const bad = { kind: "rejected", code: "VENDOR_REJECTED", message: "not now", problems: [] } as const
  const refused = cameBack(row({ state: "withdrawing", desired: 0, pinned: 0 }), bad, { nowMs, settleMs: 0 })
  expect(assessed(refused, { value: 10_000, why }, nowMs + 3_600_000)).toMatchObject({ desired: 0 })
})

test("a gone row that is to be looked at keeps its look until its turn", () => {
  const gone = row({ state: "gone", desired: 0, observed: 0, needsLook: true })
  expect(assessed(gone, { value: 10_000, why }, nowMs)).toMatchObject({
    desired: 0,
    needsLook: true,
    dueAt: expect.any(String),
  })
})

test("of a channel that oversold nothing below zero is adopted", () => {
  expect(see(row(), -2000, { rule: "adopt" })).toMatchObject({ pinned: 0, desired: 0 })
})
