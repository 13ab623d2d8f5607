import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { epochMs, instant } from "../../base/time.ts"
import type { Condition } from "./condition.ts"
import { advance, usualTimes, type NoticeKind, type Thread } from "./thread.ts"

const startMs = Date.UTC(2026, 10, 29, 12)
const minute = 60_000

const wrong = (change: Partial<Condition> = {}): Condition => ({
  key: "promise:refunds:stripe",
  rule: "promise",
  subject: { promise: "refunds" },
  severity: "page",
  owner: "finance",
  title: "refunds are late",
  detail: [],
  count: 10,
  counted: "refunds late",
  money: [{ amountMinor: 50_000, currency: "EUR" }],
  since: instant(startMs),
  path: "/promises/refunds",
  ifNobodyActs: "buyers wait",
  explainedBy: [],
  ...change,
})

interface Moment {
  minutes: number
  condition?: Condition | undefined
  isHeld?: boolean
  acknowledgedForMinutes?: number
}

/** Goes through moments, each with what was wrong then; returns what was told when. */
function told(moments: readonly Moment[]): [number, NoticeKind][] {
  let thread: Thread | undefined
  const notices: [number, NoticeKind][] = []
  for (const { minutes, condition, isHeld = false, acknowledgedForMinutes } of moments) {
    const nowMs = startMs + minutes * minute
    if (thread && acknowledgedForMinutes !== undefined)
      thread = { ...thread, acknowledged: { by: "ada", until: instant(nowMs + acknowledgedForMinutes * minute) } }
    const step = advance(thread, condition, {
      nowMs,
      times: usualTimes,
      isHeld,
      worth: (money) => money.reduce((sum, { amountMinor }) => sum + amountMinor, 0),
    })
    thread = step.thread
    if (step.notice) notices.push([minutes, step.notice])
  }
  return notices
}

/** Every half a minute. */
const every = (from: number, to: number, condition: Condition | undefined): Moment[] =>
  Array.from({ length: (to - from) * 2 }, (_, n) => ({ minutes: from + n / 2, condition }))

const calm = { severity: "notice" } as const

describe("a thread", () => {
  it("is told after half a minute of gathering, and what goes away meanwhile is told to nobody", () => {
    expect(told(every(0, 2, wrong(calm)))).toEqual([[0.5, "opened"]])
    expect(told([{ minutes: 0, condition: wrong(calm) }, ...every(0.25, 30, undefined)])).toEqual([])
  })

  it("tells a change every five minutes at most, and at once when the money doubles", () => {
    const grows = Array.from({ length: 40 }, (_, n) => ({
      minutes: n * 0.5,
      condition: wrong({ ...calm, count: 10 + n * 4 }),
    }))
    expect(told(grows)).toEqual([
      [0.5, "opened"],
      [5.5, "changed"],
      [10.5, "changed"],
      [15.5, "changed"],
    ])
    const dear = wrong({ ...calm, money: [{ amountMinor: 100_000, currency: "EUR" }] })
    expect(told([...every(0, 2, wrong(calm)), ...every(2, 3, dear)])).toEqual([
      [0.5, "opened"],
      [2, "changed"],
    ])
  })

  it("a clock that is set back by an hour delays no first notice and no end by an hour", () => {
    const back = (from: number, to: number, now: Condition | undefined) =>
      every(from, to, now).map((moment) => ({ ...moment, minutes: moment.minutes - 60 }))
    expect(told([{ minutes: 0, condition: wrong(calm) }, ...back(0, 3, wrong(calm))])).toEqual([[-59.5, "opened"]])
    expect(told([...every(0, 5, wrong(calm)), ...back(5, 30, undefined)])).toEqual([
      [0.5, "opened"],
      [-45, "resolved"],
    ])
  })

  it("reminds every four hours", () => {
    expect(told(every(0, 485, wrong(calm)))).toEqual([
      [0.5, "opened"],
      [240.5, "reminder"],
      [480.5, "reminder"],
    ])
  })

  it("is over after ten quiet minutes, and goes on when it comes back before", () => {
    const gap = [...every(0, 5, wrong(calm)), ...every(5, 12, undefined), ...every(12, 20, wrong(calm))]
    expect(told(gap)).toEqual([[0.5, "opened"]])
    const over = [...every(0, 5, wrong(calm)), ...every(5, 30, undefined)]
    expect(told(over)).toEqual([
      [0.5, "opened"],
      [14.5, "resolved"],
    ])
  })

  it("goes to the stand-in after ten minutes and to all after ten more, and not any further", () => {
    expect(told(every(0, 60, wrong()))).toEqual([
      [0.5, "opened"],
      [10.5, "escalated"],
      [20.5, "escalated"],
    ])
  })

  it("what is not urgent wakes no stand-in", () => {
    expect(told(every(0, 60, wrong(calm)))).toEqual([[0.5, "opened"]])
  })

  it("an acknowledgement stops the escalation for its time; then it begins with its owner again", () => {
    const moments = every(0, 90, wrong()).map((moment) =>
      moment.minutes === 5 ? { ...moment, acknowledgedForMinutes: 60 } : moment,
    )
    expect(told(moments)).toEqual([
      [0.5, "opened"],
      [65, "reminder"],
      [75, "escalated"],
      [85, "escalated"],
    ])
  })

  it("what a silence or an outage holds back is told when that ends and it is still wrong", () => {
    const held = every(0, 30, wrong(calm)).map((moment) => ({ ...moment, isHeld: true }))
    expect(told([...held, ...every(30, 32, wrong(calm))])).toEqual([[30, "opened"]])
    expect(told([...held, ...every(30, 60, undefined)])).toEqual([])
  })

  it("a silence of what people know of already ends with a reminder, or with its end", () => {
    const silenced = every(2, 30, wrong(calm)).map((moment) => ({ ...moment, isHeld: true }))
    const grown = silenced.map((moment) => ({ ...moment, condition: wrong({ ...calm, count: 50 }) }))
    const known = every(0, 2, wrong(calm))
    expect(told([...known, ...grown, ...every(30, 31, wrong(calm))])).toEqual([
      [0.5, "opened"],
      [30, "reminder"],
    ])
    expect(told([...known, ...grown, ...every(30, 50, undefined)])).toEqual([
      [0.5, "opened"],
      [39.5, "resolved"],
    ])
  })

  it("never tells of two changes within five minutes unless the money doubled, and never ends before ten quiet minutes", () => {
    const moment = fc.record({
      gap: fc.integer({ min: 1, max: 20 }),
      count: fc.option(fc.integer({ min: 1, max: 500 }), { nil: undefined }),
      money: fc.integer({ min: 1, max: 1_000_000 }),
      isHeld: fc.boolean(),
    })
    fc.assert(
      fc.property(fc.array(moment, { maxLength: 60 }), (given) => {
        let thread: Thread | undefined
        let nowMs = startMs
        let lastWrongMs = startMs
        for (const { gap, count, money, isHeld } of given) {
          nowMs += gap * 30_000
          const before = thread
          const condition =
            count === undefined ? undefined : wrong({ count, money: [{ amountMinor: money, currency: "EUR" }] })
          const worth = (amounts: readonly { amountMinor: number }[]) => amounts[0]?.amountMinor ?? 0
          const step = advance(thread, condition, { nowMs, times: usualTimes, isHeld, worth })
          if (isHeld) expect(step.notice).toBeUndefined()
          if (step.notice === "changed" && before?.told && condition)
            expect(
              nowMs - epochMs(before.told.at) >= usualTimes.changeMs ||
                worth(condition.money) >= 2 * worth(before.told.money),
            ).toBe(true)
          if (step.notice === "resolved") expect(nowMs - lastWrongMs).toBeGreaterThanOrEqual(usualTimes.quietMs)
          if (step.thread?.state === "open" && condition) expect(step.thread.level).toBeLessThanOrEqual(2)
          if (condition) lastWrongMs = nowMs
          thread = step.thread
        }
      }),
    )
  })
})
