import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../test/fixtures/database.ts"
import { latch } from "../../test/fixtures/ledger/facts.ts"
import {
  durableBench,
  holdClock,
  routedWrite,
  vendorConnection,
  vendorSettleMs,
  vendorTimeoutMs,
  type Fate,
} from "../../test/fixtures/ledger/vendor.ts"
import { ref } from "../canonical/refs.ts"
import type { Run } from "../durable/run.ts"
import type { Linked } from "./effect.ts"
import { performEffect, StepRejected, Suspension } from "./perform.ts"

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let key: string
let count = 0
beforeAll(async () => {
  holdClock()
  database = await freshDatabase({ connectionsMax: 6 })
})
beforeEach(() => begin())
afterAll(() => database?.drop())

async function begin(): Promise<void> {
  // Time passes for every row there is, so the past of other tests would cost this one.
  await database.sql`truncate workflow_instances, workflow_queue, workflow_journal`
  bench = durableBench(database.sql)
  key = `K${(count += 1)}`
  await bench.start(key)
}

const pastLeaseMs = vendorTimeoutMs + 2500

interface More {
  linked?: () => Linked | undefined
  retryRejected?: boolean
  businessKey?: string
  settleMs?: number
}

function effect(run: Run, { settleMs = vendorSettleMs, ...more }: More = {}) {
  const target = routedWrite(vendorConnection(database.sql), { ...bench.vendor.write, settleMs })
  return performEffect(run, {
    step: "book",
    part: "",
    kind: "effect",
    target,
    input: { text: "an order" },
    lane: "orders",
    ...more,
  })
}

/** One run as a process of its own would make it; a call that hangs is where that process dies. */
async function advance(fates: Fate[] = [], more: More = {}) {
  const run = await bench.run(key)
  bench.vendor.fates = fates
  const death = latch()
  const { onHang } = bench.vendor
  bench.vendor.onHang = () => {
    onHang()
    death.open()
  }
  try {
    const work = effect(run, more).finally(() => run.settle())
    const done = await Promise.race([work, death.opened.then(() => undefined)])
    return done ? `done ${done.reference?.id}` : "died"
  } catch (thrown) {
    if (thrown instanceof Suspension) return `waits for ${thrown.waiting.kind}`
    return thrown instanceof StepRejected
      ? `rejected: ${thrown.message}`
      : `error ${String(Reflect.get(Object(thrown), "code"))}`
  }
}

async function row() {
  const [found] = await database.sql<
    {
      outcome: string | null
      attempts: number
      probes: number
      businessKey: string
      reference: { id: string } | null
    }[]
  >`
    select outcome, attempts, probes, business_key as "businessKey", reference from workflow_steps
    where about = ${ref("order", key)}`
  return found
}

const made = () => bench.vendor.documents.length

describe("done and refused", () => {
  test("a finished effect returns what the journal holds and calls nobody", async () => {
    expect(await advance()).toBe("done D1")
    expect(await advance()).toBe("done D1")
    expect([bench.vendor.sendCount, bench.vendor.probeCount]).toEqual([1, 0])
    expect(await row()).toMatchObject({ outcome: "done", attempts: 1, reference: { id: "D1" } })
  })

  test("a refusal is remembered with the vendor's words, and tried again only when a person says so", async () => {
    expect(await advance([{ kind: "refused" }])).toBe("rejected: no such customer")
    expect(await advance()).toBe("rejected: no such customer")
    expect(bench.vendor.sendCount).toBe(1)
    expect(await advance([{ kind: "refused" }], { retryRejected: true })).toBe("rejected: no such customer")
    expect(await advance([], { retryRejected: true })).toBe("done D1")
    // P-35: vendors that replay a stored refusal need another key for each retry.
    expect(bench.vendor.refusals).toEqual([0, 1, 2])
  })

  test("a vendor that is away is waited for, and tried again without a look-up because nothing was sent", async () => {
    expect(await advance([{ kind: "away" }])).toBe("waits for connection")
    expect(await row()).toMatchObject({ outcome: "retryable", attempts: 1 })
    expect(await advance()).toBe("done D1")
    expect(bench.vendor.probeCount).toBe(0)
  })

  test("the key of a recorded intent stands for ever, whatever the code derives later", async () => {
    expect(await advance([{ kind: "lost" }], { businessKey: "first key" })).toBe("done D1")
    await begin()
    await advance([{ kind: "away" }], { businessKey: "first key" })
    expect(await advance([], { businessKey: "another key" })).toBe("done D1")
    expect([bench.vendor.documents[0]?.key, (await row())?.businessKey]).toEqual(["first key", "first key"])
  })
})

describe("outcomes nobody knows", () => {
  test("a lost answer is found by look-up, in the same run, and nothing is sent twice", async () => {
    expect(await advance([{ kind: "lost" }])).toBe("done D1")
    expect([bench.vendor.sendCount, bench.vendor.probeCount, made()]).toEqual([1, 1, 1])
  })

  test("not found counts only after the time the vendor may still commit in", async () => {
    expect(await advance([{ kind: "late", afterMs: vendorSettleMs - 2000 }])).toBe("waits for time")
    await bench.passTime(vendorSettleMs - 4000)
    expect(await advance()).toBe("waits for time")
    expect(await row()).toMatchObject({ outcome: "unknown", attempts: 1 })
    await bench.passTime(4500)
    expect(await advance()).toBe("done D1")
    expect(bench.vendor.sendCount).toBe(1)
  })

  test("what is still not there after that time is sent again", async () => {
    expect(await advance([{ kind: "late", afterMs: 1e9 }])).toBe("waits for time")
    await bench.passTime(vendorSettleMs + 500)
    expect(await advance()).toBe("done D1")
    expect([bench.vendor.sendCount, (await row())?.attempts]).toEqual([2, 2])
  })

  test("a vendor that answers nothing clear is not asked in a circle: twice at once, then once a run", async () => {
    const never = Array.from({ length: 20 }, (): Fate => ({ kind: "late", afterMs: 1e9 }))
    // It commits at once or not at all, so there is nothing to wait for between a look-up and the next attempt.
    const settleMs = 0
    expect(await advance(never, { settleMs })).toBe("waits for connection")
    expect(bench.vendor.sendCount).toBe(2)
    expect(await advance(never, { settleMs })).toBe("waits for connection")
    expect(bench.vendor.sendCount).toBe(3)
    expect(await row()).toMatchObject({ outcome: "unknown", attempts: 3 })
    expect(await advance([], { settleMs })).toBe("done D1")
    expect(made()).toBe(1)
  })

  test("while the look-up itself finds nobody there, nothing is repeated", async () => {
    bench.vendor.isProbeAway = true
    expect(await advance([{ kind: "lost" }])).toBe("waits for connection")
    await bench.passTime(10 * vendorSettleMs)
    expect(await advance()).toBe("waits for connection")
    bench.vendor.isProbeAway = false
    expect(await advance()).toBe("done D1")
    expect(bench.vendor.sendCount).toBe(1)
  })

  test("an answer nobody understands counts as unknown: a defect now, found by look-up next time", async () => {
    expect(await advance([{ kind: "misbehaves" }])).toBe("error VENDOR_MISBEHAVED")
    expect(await row()).toMatchObject({ outcome: "unknown" })
    expect(await advance()).toBe("done D1")
    expect(bench.vendor.sendCount).toBe(1)
  })
})

describe("a document that a person linked", () => {
  const document = { system: "erp", type: "order", id: "4711" }
  const linked = (attempts: number): Linked => ({ document, output: { reference: document }, attempts })

  test("is taken without a look-up when no attempt came since, and nothing is sent", async () => {
    expect(await advance([{ kind: "hangs" }])).toBe("died")
    expect(await advance([], { linked: () => linked(1) })).toBe("done 4711")
    expect([bench.vendor.sendCount, bench.vendor.probeCount]).toEqual([1, 0])
  })

  test("does not hide the document of a later attempt: that is looked up first and kept", async () => {
    expect(await advance([{ kind: "away" }])).toBe("waits for connection")
    expect(await advance([{ kind: "hangs, committed" }])).toBe("died")
    await bench.passTime(pastLeaseMs)
    expect(await advance([], { linked: () => linked(1) })).toBe("done D1")
    expect(bench.vendor.sendCount).toBe(2)
  })

  test("is taken after a later attempt that certainly made nothing", async () => {
    expect(await advance([{ kind: "away" }])).toBe("waits for connection")
    expect(await advance([{ kind: "hangs" }])).toBe("died")
    await bench.passTime(pastLeaseMs + vendorSettleMs)
    expect(await advance([], { linked: () => linked(1) })).toBe("done 4711")
    expect([bench.vendor.sendCount, bench.vendor.probeCount, made()]).toEqual([2, 1, 0])
  })

  test("is taken when it is linked while the effect waits at the door", async () => {
    expect(await advance([{ kind: "away" }])).toBe("waits for connection")
    let looks = 0
    expect(await advance([], { linked: () => ((looks += 1) === 1 ? undefined : linked(1)) })).toBe("done 4711")
    expect([bench.vendor.sendCount, made()]).toEqual([1, 0])
  })
})

describe("crashes and pauses", () => {
  test("after a crash the next run waits for the lease's end before it looks up, and finds what was made", async () => {
    expect(await advance([{ kind: "hangs, committed" }])).toBe("died")
    expect(await row()).toMatchObject({ outcome: null, attempts: 1 })
    expect(await advance()).toBe("waits for time")
    expect(bench.vendor.probeCount).toBe(0)
    await bench.passTime(pastLeaseMs)
    expect(await advance()).toBe("done D1")
    expect(bench.vendor.sendCount).toBe(1)
  })

  test("after a crash before anything was made it is made once, when the vendor had its time", async () => {
    expect(await advance([{ kind: "hangs" }])).toBe("died")
    await bench.passTime(pastLeaseMs)
    expect(await advance()).toBe("waits for time")
    await bench.passTime(vendorSettleMs + 500)
    expect(await advance()).toBe("done D1")
    expect(made()).toBe(1)
  })

  /** A run whose worker stops between the intent and the call, as under SIGSTOP. */
  async function pausedRun() {
    const run = await bench.run(key)
    const [recorded, mayGoOn] = [latch(), latch()]
    const record = run.record.bind(run)
    let isFirst = true
    run.record = async (...given) => {
      await record(...given)
      if (!isFirst) return
      isFirst = false
      recorded.open()
      await mayGoOn.opened
    }
    const ended = effect(run).then(
      (done) => `done ${done.reference?.id}`,
      (thrown: unknown) => String(Reflect.get(Object(thrown), "code")),
    )
    await recorded.opened
    return () => {
      mayGoOn.open()
      return ended
    }
  }

  test("a worker paused past its lease does not send when it wakes", async () => {
    const resume = await pausedRun()
    await bench.passTime(pastLeaseMs)
    expect(await resume()).toBe("LEASE_LOST")
    expect(bench.vendor.sendCount).toBe(0)
  })

  test("a worker that wakes after another has done its work adds nothing", async () => {
    const resume = await pausedRun()
    await bench.passTime(pastLeaseMs + vendorSettleMs)
    expect(await advance()).toBe("done D1")
    expect(await resume()).toBe("LEASE_LOST")
    expect([made(), (await row())?.outcome]).toEqual([1, "done"])
  })

  test("a run whose instance another worker has claimed since writes nothing any more", async () => {
    const old = await bench.run(key)
    await bench.run(key)
    await expect(effect(old)).rejects.toMatchObject({ code: "LEASE_LOST" })
    expect([bench.vendor.sendCount, await row()]).toEqual([0, undefined])
  })

  test("of two runs at once only one sends", async () => {
    const answers = await Promise.all([advance(), advance()])
    expect(answers).toContain("done D1")
    expect(made()).toBe(1)
    await bench.passTime(pastLeaseMs + vendorSettleMs)
    expect(await advance()).toBe("done D1")
  })
})

test("whatever crashes, is lost, comes late or runs twice, in any order: never two documents, in the end one", async () => {
  const fate: fc.Arbitrary<Fate> = fc.oneof(
    fc.constantFrom<Fate>(
      { kind: "ok" },
      { kind: "lost" },
      { kind: "away" },
      { kind: "misbehaves" },
      { kind: "hangs" },
      { kind: "hangs, committed" },
    ),
    fc.integer({ min: 0, max: vendorSettleMs - 1500 }).map((afterMs): Fate => ({ kind: "late", afterMs })),
  )
  const happening = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("advance" as const), fate }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("advance twice" as const), fate }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("time passes" as const), ms: fc.integer({ min: 100, max: 14_000 }) }),
    },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(happening, { minLength: 2, maxLength: 12 }), async (happenings) => {
      await begin()
      for (const happened of happenings) {
        if (happened.kind === "time passes") await bench.passTime(happened.ms)
        else if (happened.kind === "advance") await advance([happened.fate])
        else await Promise.all([advance([happened.fate]), advance([happened.fate])])
        expect(made()).toBeLessThanOrEqual(1)
      }
      for (let tries = 0; tries < 6 && (await row())?.outcome !== "done"; tries += 1) {
        await bench.passTime(pastLeaseMs + vendorSettleMs)
        await advance()
      }
      expect(made()).toBe(1)
      expect(await row()).toMatchObject({ outcome: "done", reference: { id: "D1" } })
    }),
    { numRuns: 120 },
  )
})
