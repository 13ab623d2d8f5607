import { describe, expect, it } from "vitest"
import { planRetry, type PlannedStep } from "./plan.ts"

let n = 0
const step = (kind: PlannedStep["kind"], name: string, more: Partial<PlannedStep> = {}): PlannedStep => {
  n += 1
  return { kind, step: name, part: "", n, outcome: "done", attempts: 1, rejections: 0, ...more }
}
const names = (rows: readonly PlannedStep[]) => rows.map((row) => row.step)

const rows = [
  step("decide", "choose a place"),
  step("effect", "reserve"),
  step("decide", "choose a day"),
  step("effect", "post", { outcome: "rejected", rejections: 1 }),
  step("decide", "choose a box"),
]

describe("a plan of a retry", () => {
  it("makes no decision anew from the failed step", () => {
    expect(planRetry(rows, { from: "failed step" })).toMatchObject({ again: [], reopened: [] })
    expect(names(planRetry(rows, { from: "failed step" }).tried)).toEqual(["post"])
  })

  it("makes those decisions anew from the first step that no effect which exists followed from", () => {
    const plan = planRetry(rows, { from: "first step" })
    expect(names(plan.again)).toEqual(["choose a day", "choose a box"])
    expect(names(plan.exists)).toEqual(["reserve"])
  })

  it("makes the decisions from a chosen step on anew, and no earlier one", () => {
    expect(names(planRetry(rows, { from: "chosen step", step: "choose a box" }).again)).toEqual(["choose a box"])
    expect(planRetry(rows, { from: "chosen step", step: "pack" }).problem).toContain("has not reached")
  })

  it("tries a chosen effect again that was refused and left", () => {
    expect(names(planRetry(rows, { from: "chosen step", step: "post" }).reopened)).toEqual(["post"])
  })

  it("keeps every decision before an effect whose outcome is not known, or that is under way, or a fact that was told", () => {
    for (const last of [
      step("effect", "ship", { outcome: "unknown" }),
      step("effect", "ship", { outcome: null }),
      step("tell", "tell"),
    ])
      expect(planRetry([...rows, last], { from: "first step" }).again).toEqual([])
    const never = step("effect", "ship", { outcome: null, attempts: 0 })
    expect(planRetry([...rows, never], { from: "first step" }).again).not.toEqual([])
  })
})
