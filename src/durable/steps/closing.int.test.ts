import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import {
  durableBench,
  routedWrite,
  testWorkflow,
  TestVendor,
  vendorTimeoutMs,
} from "../../../test/fixtures/ledger/vendor.ts"
import { AppError } from "../../base/errors.ts"
import { orderIdOf } from "../../base/ids.ts"
import { createLog } from "../../base/log.ts"
import { newEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { Connections } from "../../effects/connections.ts"
import type { Connected } from "../../ports/connector.ts"
import { part } from "./step-name.ts"
import type { Step } from "./step.ts"

// How exceptions of workflows end without a person.
let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let vendor: TestVendor
let connections: Connections
let key: string
let count = 0
beforeAll(async () => {
  database = await freshDatabase()
})
beforeEach(async () => {
  bench = durableBench(database.sql)
  vendor = new TestVendor()
  connections = new Connections(database.sql, createLog("test", "silent"))
  // The runner finds writes by name; what kind of order they take does not matter to it.
  const booksOrders = { bookOrder: vendor.write } as unknown
  const connected = { booksOrders, check: () => Promise.resolve(), close: () => undefined } as Connected
  const rate = { concurrencyMax: 20 }
  connections.add({ id: "erp", connector: "test", apiVersion: "1", timeoutMs: vendorTimeoutMs, connected, rate })
  key = orderIdOf("shop", String((count += 1)))
  await bench.start(key)
})
afterAll(() => database?.drop())

const steps = ["book", "ask", "wait", "look for late facts"]
const workflowOf = (run: (step: Step) => Promise<unknown>) =>
  testWorkflow({ steps, interrupts: ["order.cancellation-requested"], run: async (step) => void (await run(step)) })
const advance = (run: (step: Step) => Promise<unknown>) => bench.advance(key, workflowOf(run), { connections })
const cancel = () =>
  bench.signal(key, {
    type: "order.cancellation-requested",
    fact: "cancelled",
    data: { reason: "changed my mind", requestedBy: "channel" },
  })

const book = () => ({ write: routedWrite(connections.get("erp"), vendor.write), input: { text: "book" }, key: "book" })
const text = { summary: "which?", ifNobodyActs: "it waits", owner: "operations", allowedActions: ["red", "blue"] }
const waits = (step: Step) => step.until("wait", { signals: ["order.edited"] })
const fails = () => Promise.reject(new AppError("INVARIANT_BROKEN", "it cannot be"))

interface Shown {
  id: string
  cause: string
  state: string
  decision_note: string | null
}
const shown = () => database.sql<Shown[]>`
  select id, cause, state, decision_note from exceptions where about = ${ref("order", key)} order by opened_at, id`
const ends = async () => (await shown()).map(({ state, decision_note: note }) => note ?? state)

describe('"it cannot go on"', () => {
  test("closes when the workflow goes on, and a later failure with the same words is a new exception", async () => {
    for (let round = 0; round < 2; round += 1) await expect(advance(fails)).rejects.toThrow()
    expect(await ends()).toEqual(["open"])
    expect(await advance(waits)).toBe("waiting")
    expect(await ends()).toEqual(["it goes on"])
    for (let round = 0; round < 2; round += 1) await expect(advance(fails)).rejects.toThrow()
    expect(await ends()).toEqual(["it goes on", "open"])
    expect(await advance(() => Promise.resolve())).toBe("done")
    expect(await ends()).toEqual(["it goes on", "it goes on"])
  })

  test("with two errors one after the other is two exceptions, and both close", async () => {
    await expect(advance(fails)).rejects.toThrow()
    await expect(advance(() => Promise.reject(new AppError("CONFIG_INVALID", "no route")))).rejects.toThrow()
    expect(await ends()).toEqual(["open", "open"])
    await advance(waits)
    expect(await ends()).toEqual(["it goes on", "it goes on"])
  })

  test("that a person has acknowledged stays closed while it still fails, and opens again only after it went on", async () => {
    await expect(advance(fails)).rejects.toThrow()
    const [opened] = await shown()
    const data = { exceptionId: opened?.id ?? "", about: ref("order", key), action: "acknowledge", decidedBy: "ada" }
    const at = "2026-11-20T10:00:00.000Z"
    await bench.eventLog.append(
      newEvent({
        type: "exception.decided",
        fact: `exception:${data.exceptionId}:decided`,
        source: "ada",
        time: at,
        data: { ...data, reason: "seen", at },
      }),
    )
    await expect(advance(fails)).rejects.toThrow()
    expect(await ends()).toEqual(["seen"])
    await advance(waits)
    await expect(advance(fails)).rejects.toThrow()
    expect(await ends()).toEqual(["seen", "open"])
  })

  test("is one exception however often the end of its run cannot be stored", async () => {
    await database.sql`
      create function refuse_end() returns trigger language plpgsql as $$ begin raise exception 'no end today'; end $$`
    await database.sql`
      create trigger refuse_end before update on workflow_instances for each row when (new.state = 'done') execute function refuse_end()`
    try {
      for (let round = 0; round < 3; round += 1) await expect(advance(() => Promise.resolve())).rejects.toThrow()
      expect(await ends()).toEqual(["open"])
    } finally {
      await database.sql`drop function refuse_end cascade`
    }
    await advance(() => Promise.resolve())
    expect(await ends()).toEqual(["it goes on"])
  })

  test("of a worker that was fenced meanwhile is not raised", async () => {
    const run = await bench.run(key)
    await advance(waits)
    await expect(run.raiseCannotGoOn(new AppError("INVARIANT_BROKEN", "late"))).rejects.toMatchObject({
      code: "LEASE_LOST",
    })
    expect(await shown()).toEqual([])
  })
})

describe("a question", () => {
  const asks = (step: Step) => step.ask("ask", text)

  test("closes when the shop cancels meanwhile, and says so", async () => {
    expect(await advance(asks)).toBe("waiting")
    expect(await ends()).toEqual(["open"])
    await cancel()
    expect(await advance(asks)).toBe("undone")
    expect(await ends()).toEqual(["the shop cancelled the order: changed my mind"])
  })

  test("about a refused step closes when the shop cancels meanwhile", async () => {
    vendor.fates = [{ kind: "refused" }]
    const run = (step: Step) => step.effect("book", { ...book(), ifRejected: { ask: text } })
    expect(await advance(run)).toBe("waiting")
    await cancel()
    expect(await advance(run)).toBe("undone")
    expect(await ends()).toEqual(["the shop cancelled the order: changed my mind"])
  })

  test("about a step that a cancellation overtook closes with it", async () => {
    vendor.fates = [{ kind: "refused" }]
    const run = async (step: Step) => {
      step.pointOfNoReturn()
      if (await step.isOvertaken("book", "order.cancellation-requested")) return waits(step)
      return step.effect("book", book())
    }
    expect(await advance(run)).toBe("waiting")
    expect(await ends()).toEqual(["open"])
    await cancel()
    expect(await advance(run)).toBe("waiting")
    expect(await ends()).toEqual(["the shop cancelled the order: changed my mind"])
  })

  test("closes when another part of its workflow is refused", async () => {
    vendor.fates = [{ kind: "refused" }]
    const run = (step: Step) => step.alongside(() => asks(step)).then(() => step.effect("book", book()))
    expect(await advance(run)).toBe("undone")
    expect(await ends()).toEqual([expect.stringMatching(/^it was refused: .*no such customer/)])
  })

  test("closes when its workflow ends without it", async () => {
    expect(await advance((step) => step.alongside(() => asks(step)))).toBe("waiting")
    expect(await advance(() => Promise.resolve())).toBe("done")
    expect(await ends()).toEqual(["the workflow has ended"])
  })

  test("that a person decided in the same moment keeps their decision", async () => {
    await advance(asks)
    const [opened] = await shown()
    await database.sql`update exceptions set state = 'decided', decision_note = 'mine' where id = ${opened?.id ?? ""}`
    await cancel()
    await advance(asks)
    expect(await ends()).toEqual(["mine"])
  })
})

describe("an exception that waits for nobody", () => {
  const raises = (closesIfStopped?: true) => async (step: Step) => {
    await step.raise(part("told", "1"), { ...text, ...(closesIfStopped ? { closesIfStopped } : {}) })
    await waits(step)
  }

  test("closes with the workflow if it is about a wait", async () => {
    await advance(raises(true))
    await cancel()
    await advance(raises(true))
    expect(await ends()).toEqual(["the shop cancelled the order: changed my mind"])
  })

  test("stays open otherwise, because somebody has to know it", async () => {
    await advance(raises())
    await cancel()
    expect(await advance(raises())).toBe("undone")
    expect(await ends()).toEqual(["open"])
  })

  test("is closed by its name, once, and only if it was raised", async () => {
    await advance(raises())
    const run = (step: Step) => {
      for (const name of ["1", "2"]) step.settle(part("told", name), { action: "acknowledge", reason: "it came" })
      return waits(step)
    }
    for (let round = 0; round < 2; round += 1) await advance(run)
    expect(await ends()).toEqual(["it came"])
    const [told] = await database.sql`
      select count(*) as count from events where type = 'exception.decided' and key = ${ref("order", key)}`
    expect(told).toEqual({ count: 1 })
  })
})
