import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { shareOfRate } from "../ports/connector.ts"
import { Pacing, type Lane } from "./pacing.ts"

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** Asks for a slot and notes when it came; a call holds it for a while. */
function caller(pacing: Pacing) {
  const admitted: { name: string; atMs: number }[] = []
  const refused: string[] = []
  const startMs = performance.now()
  const call = async (
    name: string,
    options: { lane?: Lane; holdMs?: number; waitMaxMs?: number; operation?: string } = {},
  ) => {
    const leave = await pacing.enter(options.lane ?? "orders", options.waitMaxMs ?? 60_000, options.operation)
    if (!leave) return void refused.push(name)
    admitted.push({ name, atMs: Math.round(performance.now() - startMs) })
    setTimeout(leave, options.holdMs ?? 1)
  }
  return { admitted, refused, call, names: () => admitted.map((entry) => entry.name) }
}

test("no more calls are under way than the connection bears", async () => {
  const pacing = new Pacing({ concurrencyMax: 5 })
  const { call, names } = caller(pacing)
  for (let number = 0; number < 20; number += 1) void call(`${number}`, { holdMs: 100 })
  await vi.advanceTimersByTimeAsync(0)
  expect(names()).toHaveLength(4)
  expect(pacing.busyCount).toBe(4)
  await vi.advanceTimersByTimeAsync(500)
  expect(names()).toHaveLength(20)
  await vi.advanceTimersByTimeAsync(200)
  expect([pacing.busyCount, pacing.waitingCount]).toEqual([0, 0])
})

test("after the burst calls go at the vendor's rate", async () => {
  const { call, admitted } = caller(new Pacing({ concurrencyMax: 50, perSecond: 10, burst: 5 }))
  for (let number = 0; number < 25; number += 1) void call(`${number}`)
  await vi.advanceTimersByTimeAsync(10)
  expect(admitted).toHaveLength(5)
  await vi.advanceTimersByTimeAsync(1000)
  expect(admitted.length).toBeGreaterThanOrEqual(14)
  expect(admitted.length).toBeLessThanOrEqual(15)
  await vi.advanceTimersByTimeAsync(1100)
  expect(admitted).toHaveLength(25)
})

test("a vendor that allows one call in two seconds is called", async () => {
  const { call, admitted } = caller(new Pacing({ concurrencyMax: 2, perSecond: 0.5 }))
  for (const name of ["a", "b", "c"]) void call(name)
  await vi.advanceTimersByTimeAsync(4100)
  expect(admitted.map((entry) => Math.floor(entry.atMs / 1000))).toEqual([0, 2, 4])
})

test("within a lane calls go in order of arrival", async () => {
  const { call, names } = caller(new Pacing({ concurrencyMax: 3 }))
  const wanted = Array.from({ length: 30 }, (_, number) => `${number}`)
  for (const name of wanted) void call(name, { holdMs: 7 + (Number(name) % 3) })
  await vi.advanceTimersByTimeAsync(1000)
  expect(names()).toEqual(wanted)
})

test("a flood of stock updates that holds all its slots leaves slots to finance", async () => {
  const { call, admitted } = caller(new Pacing({ concurrencyMax: 4 }))
  for (let number = 0; number < 100; number += 1) void call("stock", { lane: "stock", holdMs: 10_000 })
  void call("finance", { lane: "finance" })
  await vi.advanceTimersByTimeAsync(5)
  expect(admitted.filter((entry) => entry.name === "stock")).toHaveLength(2)
  expect(admitted.filter((entry) => entry.name === "finance")).toHaveLength(1)
})

test.each([
  { lane: "stock" as const, scarce: "one slot", options: { concurrencyMax: 1 } },
  { lane: "stock" as const, scarce: "a rate", options: { concurrencyMax: 20, perSecond: 20, burst: 1 } },
  { lane: "orders" as const, scarce: "one slot", options: { concurrencyMax: 1 } },
  { lane: "orders" as const, scarce: "a rate", options: { concurrencyMax: 20, perSecond: 20, burst: 1 } },
])("a flood in lane $lane does not starve finance where $scarce is scarce", async ({ lane, options }) => {
  const { call, admitted } = caller(new Pacing(options))
  for (let number = 0; number < 200; number += 1) void call("flood", { lane, holdMs: 50 })
  await vi.advanceTimersByTimeAsync(200)
  for (let number = 0; number < 5; number += 1) void call("finance", { lane: "finance", holdMs: 50 })
  await vi.advanceTimersByTimeAsync(1000)
  expect(admitted.filter((entry) => entry.name === "finance")).toHaveLength(5)
  expect(admitted.filter((entry) => entry.name === "flood").length).toBeGreaterThanOrEqual(8)
})

test("who waited too long is told so and gives the place back", async () => {
  const pacing = new Pacing({ concurrencyMax: 1 })
  const { call, names, refused } = caller(pacing)
  void call("long", { holdMs: 1000 })
  void call("impatient", { waitMaxMs: 100 })
  void call("patient")
  await vi.advanceTimersByTimeAsync(150)
  expect(refused).toEqual(["impatient"])
  expect(pacing.waitingCount).toBe(1)
  await vi.advanceTimersByTimeAsync(1000)
  expect(names()).toEqual(["long", "patient"])
  expect(pacing.busyCount).toBe(0)
})

test("nothing goes while the vendor asked for a pause, and everything after it", async () => {
  const pacing = new Pacing({ concurrencyMax: 10 })
  const { call, admitted } = caller(pacing)
  pacing.blockFor(2000)
  pacing.blockFor(500)
  for (const name of ["a", "b"]) void call(name)
  await vi.advanceTimersByTimeAsync(1990)
  expect(admitted).toEqual([])
  expect(pacing.blockedForMs).toBeGreaterThan(0)
  await vi.advanceTimersByTimeAsync(60)
  expect(admitted).toHaveLength(2)
})

test("an operation with a rate of its own keeps to it and lets others behind it pass", async () => {
  const rate = { concurrencyMax: 50, perSecond: 100, burst: 100, operations: { "a.b": { perSecond: 5, burst: 5 } } }
  const { call, admitted, names } = caller(new Pacing(rate))
  for (let number = 0; number < 15; number += 1) void call(`slow${number}`, { operation: "a.b" })
  for (let number = 0; number < 10; number += 1) void call(`fast${number}`)
  await vi.advanceTimersByTimeAsync(50)
  expect(names().filter((name) => name.startsWith("slow"))).toEqual(["slow0", "slow1", "slow2", "slow3", "slow4"])
  expect(names().filter((name) => name.startsWith("fast"))).toHaveLength(10)
  await vi.advanceTimersByTimeAsync(1000)
  expect(names().filter((name) => name.startsWith("slow"))).toHaveLength(10)
  await vi.advanceTimersByTimeAsync(1000)
  expect(admitted).toHaveLength(25)
})

test("an operation that costs two takes two tokens of the connection, and is not passed by cheaper ones", async () => {
  const { call, names } = caller(
    new Pacing({ concurrencyMax: 50, perSecond: 10, burst: 4, operations: { "a.b": { cost: 2 } } }),
  )
  // The first leaves its slot when there is a token for the cheap call and not yet for the dear one before it.
  void call("two0", { operation: "a.b", holdMs: 110 })
  for (const name of ["two1", "two2"]) void call(name, { operation: "a.b" })
  void call("one")
  await vi.advanceTimersByTimeAsync(10)
  expect(names()).toEqual(["two0", "two1"])
  await vi.advanceTimersByTimeAsync(150)
  expect(names()).toEqual(["two0", "two1"])
  await vi.advanceTimersByTimeAsync(60)
  expect(names()).toEqual(["two0", "two1", "two2"])
  await vi.advanceTimersByTimeAsync(110)
  expect(names()).toEqual(["two0", "two1", "two2", "one"])
})

test("a cost beyond what the bucket holds takes all of it instead of waiting for ever", async () => {
  const { call, names } = caller(new Pacing({ concurrencyMax: 5, perSecond: 1, operations: { "a.b": { cost: 3 } } }))
  void call("dear", { operation: "a.b" })
  await vi.advanceTimersByTimeAsync(10)
  expect(names()).toEqual(["dear"])
})

test("a call that has its token soon does not wait for one of another operation that has none for long", async () => {
  const rate = { concurrencyMax: 50, perSecond: 100, burst: 1, operations: { "a.b": { perSecond: 1, burst: 1 } } }
  const { call, admitted } = caller(new Pacing(rate))
  for (const name of ["slow0", "slow1"]) void call(name, { operation: "a.b" })
  await vi.advanceTimersByTimeAsync(1)
  void call("fast")
  await vi.advanceTimersByTimeAsync(30)
  expect(admitted.map(({ name }) => name)).toEqual(["slow0", "fast"])
})

test("three processes that share a rate keep it together", async () => {
  const rate = { concurrencyMax: 9, perSecond: 30, burst: 30, operations: { "a.b": { perSecond: 3, burst: 3 } } }
  const callers = [1, 2, 3].map(() => {
    const pacing = new Pacing(rate)
    pacing.shareAmong(3)
    return caller(pacing)
  })
  for (const { call } of callers) for (let n = 0; n < 100; n += 1) void call(`${n}`, n % 2 ? { operation: "a.b" } : {})
  await vi.advanceTimersByTimeAsync(2000)
  const all = callers.flatMap(({ admitted }) => admitted)
  expect(all.length).toBeLessThanOrEqual(30 + 60 + 3)
  expect(all.filter(({ name }) => Number(name) % 2 === 1).length).toBeLessThanOrEqual(3 + 6)
  expect(all.length).toBeGreaterThan(60)
})

test("a change of the share is no new burst: tokens that were used stay used", async () => {
  const rate = { concurrencyMax: 50, perSecond: 10, burst: 10, operations: { "a.b": { perSecond: 2, burst: 2 } } }
  const pacing = new Pacing(rate)
  const { call, admitted } = caller(pacing)
  for (let n = 0; n < 40; n += 1) void call(`${n}`, n % 4 === 0 ? { operation: "a.b" } : {})
  await vi.advanceTimersByTimeAsync(1)
  for (const processes of [2, 1, 3, 1]) pacing.shareAmong(processes)
  await vi.advanceTimersByTimeAsync(1)
  expect(admitted).toHaveLength(10)
  expect(admitted.filter(({ name }) => Number(name) % 4 === 0).length).toBeLessThanOrEqual(2)
})

test("a share leaves every process at least one call at a time", () => {
  expect(shareOfRate({ concurrencyMax: 2, perSecond: 1, burst: 1 }, 5)).toEqual({
    concurrencyMax: 1,
    perSecond: 0.2,
    burst: 1,
  })
})
