import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { AppError, type ErrorCode } from "../base/errors.ts"
import { latch } from "../../test/fixtures/ledger/facts.ts"
import { Gate, type GateState } from "./gate.ts"

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] })
})
afterEach(() => {
  vi.useRealTimers()
})

function setUp(concurrencyMax = 50) {
  const changes: GateState["breaker"][] = []
  const gate = new Gate({ connection: "erp", concurrencyMax, onChange: (state) => changes.push(state.breaker) })
  let calls = 0
  const pass = (answer: () => Promise<unknown> = () => Promise.resolve("well")) =>
    gate
      .pass("orders", () => {
        calls += 1
        return answer()
      })
      .then(
        () => "well",
        (error: AppError) => error.code,
      )
  const fails = (code: ErrorCode, retryAfterMs?: number) => () =>
    Promise.reject(new AppError(code, code, retryAfterMs === undefined ? {} : { retryAfterMs }))
  const repeat = async (times: number, answer?: () => Promise<unknown>) => {
    for (let n = 0; n < times; n += 1) await pass(answer)
  }
  return { gate, changes, pass, fails, repeat, callCount: () => calls }
}

test("the breaker opens after five calls in a row found nobody there, not after four", async () => {
  const { gate, changes, fails, repeat, pass, callCount } = setUp()
  await repeat(4, fails("VENDOR_UNAVAILABLE"))
  await pass()
  await repeat(4, fails("VENDOR_UNAVAILABLE"))
  expect(gate.state.breaker).toBe("closed")
  await repeat(1, fails("VENDOR_UNAVAILABLE"))
  expect(changes).toEqual(["open"])
  expect(gate.state.lastError).toBe("VENDOR_UNAVAILABLE")
  const before = callCount()
  expect(await pass()).toBe("CONNECTION_PAUSED")
  expect(callCount()).toBe(before)
})

test("the breaker opens when sixteen of the last twenty had no clear answer, not at fifteen", async () => {
  const { gate, fails, repeat, pass } = setUp()
  for (let n = 0; n < 4; n += 1) {
    await repeat(3, fails("VENDOR_UNCERTAIN"))
    await pass()
  }
  await repeat(3, fails("VENDOR_UNCERTAIN"))
  expect(gate.state.breaker).toBe("closed")
  await pass()
  await repeat(3, fails("VENDOR_UNCERTAIN"))
  expect(gate.state.breaker).toBe("closed")
  await repeat(1, fails("VENDOR_UNCERTAIN"))
  expect(gate.state.breaker).toBe("open")
})

test("refusals and defects are answers: they open nothing", async () => {
  const { gate, fails, repeat } = setUp()
  await repeat(30, fails("VENDOR_REJECTED"))
  await repeat(30, fails("VENDOR_MISBEHAVED"))
  expect(gate.state.breaker).toBe("closed")
})

test("our own storage being away says nothing about the vendor", async () => {
  const { gate, fails, repeat } = setUp()
  await repeat(30, fails("STORAGE_UNAVAILABLE"))
  await repeat(30, fails("LEASE_LOST"))
  expect(gate.state.breaker).toBe("closed")
})

test("Retry-After holds all calls that long and is no failure", async () => {
  const { gate, fails, repeat, pass } = setUp()
  for (let n = 0; n < 10; n += 1) {
    await repeat(1, fails("VENDOR_UNAVAILABLE", 1000))
    await vi.advanceTimersByTimeAsync(1000)
  }
  expect(gate.state.breaker).toBe("closed")
  await repeat(1, fails("VENDOR_UNAVAILABLE", 3000))
  expect(gate.wakeBudget).toBe("none")
  let answer: string | undefined
  void pass().then((given) => (answer = given))
  await vi.advanceTimersByTimeAsync(2900)
  expect(answer).toBeUndefined()
  await vi.advanceTimersByTimeAsync(200)
  expect([answer, gate.wakeBudget]).toEqual(["well", "paced"])
})

test("a half-open breaker lets one call try, and only that one's success opens the door for all", async () => {
  const { gate, fails, repeat, pass, callCount } = setUp()
  await repeat(5, fails("VENDOR_UNAVAILABLE"))
  expect(gate.wakeBudget).toBe("none")
  await vi.advanceTimersByTimeAsync(500)
  expect(gate.wakeBudget).toBe("one")
  const trial = latch()
  const before = callCount()
  const all = [pass(() => trial.opened), ...Array.from({ length: 9 }, () => pass())]
  await vi.advanceTimersByTimeAsync(1)
  const later = await Promise.all([pass(), pass()])
  expect([callCount() - before, gate.wakeBudget]).toEqual([1, "none"])
  trial.open()
  expect(await Promise.all(all)).toEqual(["well", ...Array.from({ length: 9 }, () => "CONNECTION_PAUSED")])
  expect(later).toEqual(["CONNECTION_PAUSED", "CONNECTION_PAUSED"])
  expect(gate.state.breaker).toBe("closed")
  expect(await pass()).toBe("well")
})

test("a call from before the breaker opened that fails during the trial lets no second one try", async () => {
  const { fails, repeat, pass, callCount } = setUp()
  const [straggling, trial] = [latch(), latch()]
  const straggler = pass(() => straggling.opened.then(fails("VENDOR_UNCERTAIN")))
  await vi.advanceTimersByTimeAsync(1)
  await repeat(5, fails("VENDOR_UNAVAILABLE"))
  await vi.advanceTimersByTimeAsync(500)
  const tried = pass(() => trial.opened)
  await vi.advanceTimersByTimeAsync(1)
  straggling.open()
  await straggler
  const before = callCount()
  expect([await pass(), callCount()]).toEqual(["CONNECTION_PAUSED", before])
  trial.open()
  expect([await tried, await pass()]).toEqual(["well", "well"])
})

test("each failed trial doubles the wait, up to fifteen seconds; a success starts over", async () => {
  const { gate, fails, repeat, pass } = setUp()
  await repeat(5, fails("VENDOR_UNAVAILABLE"))
  const waits: number[] = []
  for (let n = 0; n < 8; n += 1) {
    waits.push(Math.round(gate.state.retryInMs))
    await vi.advanceTimersByTimeAsync(gate.state.retryInMs)
    await repeat(1, fails("VENDOR_UNAVAILABLE"))
  }
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000])
  await vi.advanceTimersByTimeAsync(15_000)
  expect(await pass()).toBe("well")
  await repeat(5, fails("VENDOR_UNAVAILABLE"))
  expect(Math.round(gate.state.retryInMs)).toBe(500)
})

test("calls that were under way when the breaker opened do not put the first trial off", async () => {
  const { gate, changes, fails, pass } = setUp()
  const together = latch()
  const calls = Array.from({ length: 30 }, () => pass(() => together.opened.then(fails("VENDOR_UNAVAILABLE"))))
  await vi.advanceTimersByTimeAsync(1)
  together.open()
  await Promise.all(calls)
  expect(changes).toEqual(["open"])
  expect(Math.round(gate.state.retryInMs)).toBe(500)
})

test("a trial that meets our own storage being away leaves the next call to try", async () => {
  const { fails, repeat, pass } = setUp()
  await repeat(5, fails("VENDOR_UNAVAILABLE"))
  await vi.advanceTimersByTimeAsync(500)
  expect(await pass(fails("STORAGE_UNAVAILABLE"))).toBe("STORAGE_UNAVAILABLE")
  expect(await pass()).toBe("well")
})

test("a paused connection lets nothing through, not even what was waiting for a slot, until it is resumed", async () => {
  const { gate, pass, callCount } = setUp(1)
  const first = latch()
  const busy = pass(() => first.opened)
  const waiting = pass()
  await vi.advanceTimersByTimeAsync(1)
  gate.setPaused(true, "ada", "stocktaking")
  expect(await pass()).toBe("CONNECTION_PAUSED")
  first.open()
  expect([await busy, await waiting]).toEqual(["well", "CONNECTION_PAUSED"])
  expect([callCount(), gate.wakeBudget]).toEqual([1, "none"])
  gate.setPaused(false, undefined, undefined)
  expect([await pass(), gate.wakeBudget]).toEqual(["well", "paced"])
})

test("without a slot in five seconds a call is put off, not made", async () => {
  const { pass, callCount } = setUp(1)
  void pass(() => latch().opened)
  const late = pass()
  await vi.advanceTimersByTimeAsync(5000)
  expect([await late, callCount()]).toEqual(["CONNECTION_PAUSED", 1])
})

test("a breaker that was open before a restart is open after it, for what was left of the wait", async () => {
  const { gate, pass } = setUp()
  gate.restore({ breaker: "open", retryInMs: 800, lastError: "refused" })
  expect(await pass()).toBe("CONNECTION_PAUSED")
  await vi.advanceTimersByTimeAsync(800)
  expect([await pass(), gate.state.breaker]).toEqual(["well", "closed"])
})

test("P-48: a wait that the system asks for is cut to the connection's limit, is shown, and ends by pause and resume", async () => {
  const { gate, changes, fails, pass } = setUp()
  for (const asked of [99_999_999_999_000, Number.POSITIVE_INFINITY]) {
    const error = await gate.pass("orders", fails("VENDOR_UNAVAILABLE", asked)).catch((thrown: AppError) => thrown)
    expect(error).toMatchObject({ code: "VENDOR_UNAVAILABLE", retryAfterMs: 900_000 })
    expect(gate.state.askedToWaitMs).toBe(900_000)
    expect(gate.state.lastError).toContain("cut to 900 s")
    gate.setPaused(true, "ada", "looking")
    gate.setPaused(false, "ada", "it is well")
    expect(gate.state.askedToWaitMs).toBe(0)
    expect([await pass(), gate.wakeBudget]).toEqual(["well", "paced"])
  }
  // Once for each, so that the wait is persisted and other processes show it; the breaker stayed closed.
  expect(changes).toEqual(["closed", "closed"])
})

test("P-48: a connection may set its own limit, and everyday waits are told to nobody", async () => {
  const changes: number[] = []
  const gate = new Gate({
    connection: "erp",
    concurrencyMax: 1,
    askedWaitMaxMs: 60_000,
    onChange: ({ askedToWaitMs }) => changes.push(askedToWaitMs),
  })
  const ask = (retryAfterMs: number) =>
    gate
      .pass("orders", () => Promise.reject(new AppError("VENDOR_UNAVAILABLE", "busy", { retryAfterMs })))
      .catch(() => undefined)
  await ask(1000)
  await vi.advanceTimersByTimeAsync(1000)
  await ask(3_600_000)
  expect(changes).toEqual([60_000])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(gate.state.askedToWaitMs).toBe(0)
})

test("a person looks at a paused connection, and still not through an open breaker", async () => {
  const { gate, fails, repeat, pass } = setUp()
  const look = () =>
    gate.passEvenIfPaused("orders", () => Promise.resolve("seen")).catch((thrown: unknown) => (thrown as AppError).code)
  gate.setPaused(true, "ada", "booked by hand")
  expect([await pass(), await look()]).toEqual(["CONNECTION_PAUSED", "seen"])
  gate.setPaused(false, "ada", undefined)
  await repeat(5, fails("VENDOR_UNAVAILABLE"))
  gate.setPaused(true, "ada", "booked by hand")
  expect(await look()).toBe("CONNECTION_PAUSED")
})
