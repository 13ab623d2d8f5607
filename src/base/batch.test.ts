import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { Batcher } from "./batch.ts"
import { AppError } from "./errors.ts"

const settled = (promises: Promise<number>[]) => Promise.allSettled(promises)
const values = (results: PromiseSettledResult<number>[]) =>
  results.map((result) => (result.status === "fulfilled" ? result.value : "refused"))

/** A batcher that doubles numbers, refuses a whole batch with a bad one in it, and records every batch it was given. */
function doubling(bad: ReadonlySet<number> = new Set(), sizeMax = 8) {
  const flushes: number[][] = []
  const done: number[] = []
  const batcher = new Batcher<number, number>({
    sizeMax,
    queueMax: 1000,
    flush: async (items) => {
      flushes.push([...items])
      await Promise.resolve()
      if (items.some((item) => bad.has(item))) throw new Error("a bad one")
      done.push(...items)
      return items.map((item) => item * 2)
    },
  })
  return { batcher, flushes, done }
}

describe("batcher", () => {
  it("each item gets its own answer, and bad items cost only themselves", async () => {
    const cases = fc.record({
      items: fc.uniqueArray(fc.nat({ max: 500 }), { minLength: 1, maxLength: 60 }),
      bad: fc.array(fc.nat({ max: 500 }), { maxLength: 8 }),
      sizeMax: fc.integer({ min: 1, max: 20 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ items, bad, sizeMax }) => {
        const isBad = new Set(bad)
        const { batcher, flushes, done } = doubling(isBad, sizeMax)
        const results = values(await settled(items.map((item) => batcher.add(item))))
        expect(results).toEqual(items.map((item) => (isBad.has(item) ? "refused" : item * 2)))
        // Every item is processed once, in the order of `add`, and no batch exceeds the limit.
        expect(done).toEqual(items.filter((item) => !isBad.has(item)))
        expect(Math.max(...flushes.map(({ length }) => length))).toBeLessThanOrEqual(sizeMax)
      }),
    )
  })

  it("one bad item among many is found in halves, not one by one", async () => {
    const { batcher, flushes } = doubling(new Set([37]), 64)
    await settled(Array.from({ length: 64 }, (_, item) => batcher.add(item)))
    expect(flushes.length).toBe(13)
  })

  it("with besideFrom two flushes share the load in halves, never three, and every item is answered", async () => {
    const cases = fc.record({
      waves: fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 12 }),
      besideFrom: fc.integer({ min: 1, max: 20 }),
    })
    await fc.assert(
      fc.asyncProperty(cases, async ({ waves, besideFrom }) => {
        const open: { items: readonly number[]; end: () => void }[] = []
        let mostOpen = 0
        const batcher = new Batcher<number, number>({
          sizeMax: 40,
          queueMax: 1000,
          besideFrom,
          flush: (items) =>
            new Promise((resolve) => {
              open.push({ items, end: () => resolve(items) })
              mostOpen = Math.max(mostOpen, open.length)
            }),
        })
        const answers: Promise<number>[] = []
        let next = 0
        for (const wave of waves) {
          for (let n = 0; n < wave; n += 1) answers.push(batcher.add(next++))
          await Promise.resolve()
          await Promise.resolve()
          open.splice(next % 2 && open.length > 1 ? 1 : 0, 1)[0]?.end()
        }
        for (let turn = 0; turn < 1000 && batcher.waitingCount + open.length > 0; turn += 1) {
          open.shift()?.end()
          await new Promise(setImmediate)
        }
        expect(await Promise.all(answers)).toEqual(answers.map((_, n) => n))
        expect(mostOpen).toBeLessThanOrEqual(2)
      }),
    )
  })

  it("a lone item goes at once, and what comes while it is in flight goes together next", async () => {
    const flushes: number[][] = []
    let release: () => void = () => undefined
    const first = new Promise<void>((resolve) => (release = resolve))
    const batcher = new Batcher<number, number>({
      sizeMax: 100,
      queueMax: 100,
      flush: async (items) => {
        flushes.push([...items])
        if (flushes.length === 1) await first
        return items
      },
    })
    const one = batcher.add(1)
    await Promise.resolve()
    await Promise.resolve()
    const others = [2, 3, 4].map((item) => batcher.add(item))
    expect([flushes, batcher.waitingCount]).toEqual([[[1]], 3])
    release()
    expect(await Promise.all([one, ...others])).toEqual([1, 2, 3, 4])
    expect(flushes).toEqual([[1], [2, 3, 4]])
  })

  it("after a flush of several what comes soon after it shares the next flush, and a lone request waits for nobody", async () => {
    const turns = async () => {
      for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()
    }
    const flushed = async (first: number[]) => {
      const flushes: number[][] = []
      const flush = (items: readonly number[]) => Promise.resolve([...(flushes[flushes.length] = [...items])])
      const batcher = new Batcher<number, number>({ sizeMax: 8, queueMax: 100, gatherMs: 5, flush })
      await settled(first.map((item) => batcher.add(item)))
      const early = batcher.add(8)
      await turns()
      await Promise.all([early, batcher.add(9)])
      await batcher.idle()
      return flushes
    }
    expect(await flushed([1, 2, 3, 4])).toEqual([
      [1, 2, 3, 4],
      [8, 9],
    ])
    expect(await flushed([1])).toEqual([[1], [8], [9]])
  })

  it("when storage is away all are refused at once and nothing is tried in halves", async () => {
    let flushCount = 0
    const batcher = new Batcher<number, number>({
      sizeMax: 8,
      queueMax: 100,
      flush: () => {
        flushCount += 1
        return Promise.reject(new AppError("STORAGE_UNAVAILABLE", "away"))
      },
    })
    const results = await settled([1, 2, 3, 4].map((item) => batcher.add(item)))
    expect([values(results), flushCount]).toEqual([["refused", "refused", "refused", "refused"], 1])
  })

  it("a full queue refuses with a time to come back, and takes work again when it has drained", async () => {
    const batcher = new Batcher<number, number>({ sizeMax: 1, queueMax: 2, flush: (items) => Promise.resolve(items) })
    const taken = [batcher.add(1), batcher.add(2)]
    await expect(batcher.add(3)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE", retryAfterMs: 1000 })
    expect(await Promise.all(taken)).toEqual([1, 2])
    await batcher.idle()
    expect(await batcher.add(4)).toBe(4)
  })

  it("a flush that answers too few is a defect for each of its items", async () => {
    const batcher = new Batcher<number, number>({ sizeMax: 8, queueMax: 8, flush: () => Promise.resolve([]) })
    await expect(batcher.add(1)).rejects.toMatchObject({ code: "INVARIANT_BROKEN" })
  })
})
