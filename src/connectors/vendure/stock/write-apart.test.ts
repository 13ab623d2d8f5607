import fc from "fast-check"
import { expect, test } from "vitest"
import { AppError } from "../../../base/errors.ts"
import { writeApart } from "./write-apart.ts"

interface Shop {
  refuses?: (row: number) => boolean
  /** What the shop says of a call with a row that it refuses. */
  error?: () => AppError
  /** After so many calls it does not answer any more. */
  callsMax?: number
}

const rejected = () => new AppError("VENDOR_REJECTED", "no")
const failed = () => new AppError("VENDOR_UNCERTAIN", "inside", { data: { isAnswered: true } })
const rowsOf = (count: number) => Array.from({ length: count }, (_, n) => n)

/** A shop that takes all rows of a call or none. */
async function send(rows: readonly number[], { refuses = () => false, error = rejected, callsMax = 1000 }: Shop) {
  const held = new Set<number>()
  let calls = 0
  const outcomes = await writeApart(rows, {
    async write(part) {
      calls += 1
      if (calls > callsMax) throw new AppError("VENDOR_UNCERTAIN", "no answer")
      if (part.some(refuses)) throw error()
      for (const row of part) held.add(row)
      return new Map(part.map((row) => [row, { kind: "done", outcome: {} }]))
    },
    readBack: async (row) => (held.has(row) ? {} : undefined),
  })
  const kinds = rows.map((row) => outcomes.get(row)?.kind)
  return { kinds, held, calls, outcomes }
}

test.each([rejected, failed])(
  "bad rows at the head leave all the others done, up to half of the call",
  async (error) => {
    for (const bad of [6, 8, 10, 18, 25]) {
      const { kinds } = await send(rowsOf(50), { refuses: (row) => row < bad, error })
      expect(kinds).toEqual(rowsOf(50).map((row) => (row < bad ? "rejected" : "done")))
    }
  },
)

test("each row has the outcome that is in the books, and up to ten bad ones anywhere cost themselves alone", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 50 }),
      fc.array(fc.nat(49), { maxLength: 60 }),
      fc.boolean(),
      async (count, bad, isInside) => {
        const refuses = (row: number) => bad.includes(row)
        const { kinds, held } = await send(rowsOf(count), { refuses, error: isInside ? failed : rejected })
        for (const row of rowsOf(count)) expect(kinds[row]).toBe(held.has(row) ? "done" : "rejected")
        const good = rowsOf(count).filter((row) => !refuses(row))
        if (count - good.length <= 10) expect(good.every((row) => held.has(row))).toBe(true)
      },
    ),
  )
})

test("a shop that refuses everything is asked a few times, and each row is refused in its words", async () => {
  for (const error of [rejected, failed]) {
    const { kinds, calls, outcomes } = await send(rowsOf(50), { refuses: () => true, error })
    expect(new Set(kinds)).toEqual(new Set(["rejected"]))
    expect(calls).toBeLessThan(30)
    expect(outcomes.get(49)).toMatchObject({
      code: "VENDOR_REJECTED",
      message: expect.stringContaining(error().message),
    })
  }
})

test("a call that gets no answer after some rows were refused leaves those refused, and the others unknown", async () => {
  const { kinds } = await send(rowsOf(50), { refuses: (row) => row < 8, callsMax: 12 })
  expect(kinds.filter((kind) => kind === "rejected").length).toBeGreaterThan(0)
  expect(new Set(kinds)).toEqual(new Set(["rejected", "unknown"]))
  await expect(send(rowsOf(50), { callsMax: 0 })).rejects.toMatchObject({ code: "VENDOR_UNCERTAIN" })
})

test("rows that are not read back after an error inside the shop leave what was not tried unknown", async () => {
  const outcomes = await writeApart(rowsOf(50), {
    write: () => Promise.reject(failed()),
    readBack: () => Promise.reject(new AppError("VENDOR_UNAVAILABLE", "away")),
  })
  expect(new Set([...outcomes.values()].map(({ kind }) => kind))).toEqual(new Set(["unknown"]))
  expect(outcomes.size).toBe(50)
})
