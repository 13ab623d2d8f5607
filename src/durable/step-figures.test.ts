import { expect, test } from "vitest"
import { withEntry, type StepEntry, type StepRow } from "../effects/step-rows.ts"
import { figuresOf } from "./step-figures.ts"

const entry = { kind: "effect", step: "book order", part: "", n: 1, connection: "erp" } as const

/** Follows a step through its entries, an hour apart, and adds up what is counted of it, by hour from the first. */
function countedOver(entries: readonly Partial<StepEntry>[]): Record<string, number> {
  let row: StepRow | undefined
  const sums: Record<string, number> = {}
  for (const [hour, part] of entries.entries()) {
    const next = withEntry(row, { ...entry, outcome: null, ...part }, hour * 3_600_000)
    for (const { name, label, by, msAgo = 0 } of figuresOf(row, next)) {
      const place = `${hour - msAgo / 3_600_000} ${name} ${label}`
      sums[place] = (sums[place] ?? 0) + by
    }
    row = next
  }
  return sums
}

test("a step that succeeds after a failure is taken back from the hour it failed in, with the attempts that were counted there", () => {
  const sums = countedOver([{ attempts: 1 }, { outcome: "retryable" }, { attempts: 2 }, { outcome: "done", probes: 1 }])
  expect(sums).toEqual({
    "1 effects erp|retryable": 0,
    "1 attempts erp|retryable": 0,
    "3 effects erp|done": 1,
    "3 attempts erp|done": 2,
    "3 probes erp|done": 1,
  })
})

test("no hour holds fewer attempts than none, however often an outcome changes", () => {
  const sums = countedOver([
    { attempts: 1, outcome: "unknown" },
    { attempts: 1, probes: 1, outcome: "unknown" },
    { attempts: 2, probes: 1 },
    { outcome: "retryable" },
    { attempts: 3 },
    { outcome: "rejected" },
  ])
  expect(Math.min(...Object.values(sums))).toBe(0)
  expect(sums["5 attempts erp|rejected"]).toBe(3)
})
