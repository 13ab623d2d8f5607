import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { freshDatabase, type FreshDatabase } from "../../../test/fixtures/database.ts"
import {
  durableBench,
  holdClock,
  routedWrite,
  testWorkflow,
  TestVendor,
  vendorSettleMs,
  vendorTimeoutMs,
} from "../../../test/fixtures/ledger/vendor.ts"
import { countOf } from "../../../test/fixtures/ledger/facts.ts"
import { createLog } from "../../base/log.ts"
import type { EventName } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import { Connections } from "../../effects/connections.ts"
import type { Connected } from "../../ports/connector.ts"
import { orderIdOf } from "../../base/ids.ts"
import type { AnyWorkflow } from "../define-workflow.ts"
import type { Step } from "./step.ts"
import { part } from "./step-name.ts"

let database: FreshDatabase
let bench: ReturnType<typeof durableBench>
let vendors: Record<"erp" | "mail" | "undo", TestVendor>
let connections: Connections
let key: string
let count = 0
beforeAll(async () => {
  holdClock()
  database = await freshDatabase()
})
beforeEach(async () => {
  bench = durableBench(database.sql)
  vendors = { erp: new TestVendor(), mail: new TestVendor(), undo: new TestVendor() }
  connections = new Connections(database.sql, createLog("test", "silent"))
  for (const id of ["erp", "mail"] as const) {
    // The runner finds writes by name; what kind of order they take does not matter to it.
    const booksOrders = { bookOrder: vendors[id].write, cancelOrder: vendors.undo.write } as unknown
    const connected = { booksOrders, check: () => Promise.resolve(), close: () => undefined } as Connected
    const rate = { concurrencyMax: 20 }
    connections.add({ id, connector: "test", apiVersion: "1", timeoutMs: vendorTimeoutMs, connected, rate })
  }
  key = orderIdOf("shop", String((count += 1)))
  await bench.start(key)
})
afterAll(() => database?.drop())

const effectOn = (id: "erp" | "mail", text: string, isUndone = false) => {
  const connection = connections.get(id)
  const cancel = { ...routedWrite(connection, vendors.undo.write), operation: "cancelOrder" }
  return {
    write: routedWrite(connection, vendors[id].write),
    input: { text },
    key: text,
    ...(isUndone ? { undo: { write: cancel, input: { text }, key: `undo ${text}` } } : {}),
  }
}

const names = ["book", "bill", "mail", "choose", "wait", "news", "other news", "ask", "tell"]

/** One run of a workflow whose code is the test's; returns the state it left its instance in. */
function advance(run: (step: Step) => Promise<unknown>, more: Partial<AnyWorkflow> = {}): Promise<string> {
  const workflow = testWorkflow({
    steps: names,
    interrupts: ["order.cancellation-requested"],
    run: async (step) => void (await run(step)),
    ...more,
  })
  return bench.advance(key, workflow, { connections })
}

async function instance() {
  const [row] = await database.sql<
    { state: string; waiting: { kind: string; name: string }[] | null; failure: unknown }[]
  >`
    select i.state, q.waiting, i.failure from workflow_instances i left join workflow_queue q on q.instance = i.id
    where i.about = ${ref("order", key)}`
  return row
}

function signal(fact: string, type: EventName = "order.edited", data: object = {}): Promise<void> {
  return bench.signal(key, { type, fact, data })
}

const cancel = () => signal("cancelled", "order.cancellation-requested", { reason: "changed my mind" })

async function told(type: EventName): Promise<Record<string, unknown>[]> {
  const rows = await database.sql<{ data: Record<string, unknown> }[]>`
    select data from events where type = ${type} and correlation = ${key} order by xid, seq`
  return rows.map((row) => row.data)
}

const keysOf = (vendor: TestVendor) => vendor.documents.map((document) => document.key)

describe("choices and waits", () => {
  test("a choice is made once: a rerun gets the first result", async () => {
    let choice = 0
    const seen: number[] = []
    const run = async (step: Step) => {
      seen.push(await step.decide("choose", () => (choice += 1)))
      await step.until("wait", { signals: ["order.edited"] })
    }
    expect(await advance(run)).toBe("waiting")
    expect(await advance(run)).toBe("waiting")
    expect([seen, choice]).toEqual([[1, 1], 1])
  })

  test("a wait takes the first signal no step took, also one that came before, and keeps to it", async () => {
    const seen: (string | undefined)[] = []
    const run = async (step: Step) => {
      seen.push((await step.until("wait", { signals: ["order.edited"], within: { hours: 1 } }))?.fact)
      await step.until("wait#again", { signals: ["order.edited"] })
    }
    await signal("first")
    await advance(run)
    await bench.passTime(2 * 3600_000)
    await signal("second")
    expect(await advance(run)).toBe("done")
    expect(seen).toEqual(["first", "first"])
  })

  test("a wait ends at its deadline, and a signal after that does not change the result", async () => {
    const seen: (string | undefined)[] = []
    const run = async (step: Step) => {
      seen.push((await step.until("wait", { signals: ["order.edited"], within: { minutes: 10 } }))?.fact)
      await step.until("wait#for ever", { signals: ["shipment.confirmed"] })
    }
    await advance(run)
    await bench.passTime(9 * 60_000)
    await advance(run)
    expect(seen).toEqual([])
    await bench.passTime(61_000)
    await advance(run)
    await signal("too late")
    await advance(run)
    expect(seen).toEqual([undefined, undefined])
  })

  test("news comes one by one in order, and each name counts for itself", async () => {
    const seen: string[] = []
    const signals = ["order.edited" as const]
    const run = async (step: Step) => {
      for (let n = 0; n < 2; n += 1) seen.push((await step.next("news", { signals }))?.fact ?? "none")
      await step.until("wait", { signals: ["shipment.confirmed"] })
    }
    await signal("a")
    await signal("b")
    await advance(run)
    // A version of the code that listens for something else first still finds the news it had.
    await advance(async (step) => {
      await step.next("other news", { signals: ["order.refunded"], within: { ms: 1 } }).catch(() => undefined)
      await run(step)
    })
    expect(seen).toEqual(["a", "b", "a", "b"])
  })

  test("a state is announced once, and a person is told once, however often the code runs", async () => {
    const text = { summary: "look", ifNobodyActs: "nothing", owner: "operations", allowedActions: ["acknowledge"] }
    const run = async (step: Step) => {
      step.announce("accepted", "accepted")
      await step.raise("tell", text)
      await step.until("wait", { signals: ["order.edited"] })
    }
    for (let n = 0; n < 3; n += 1) await advance(run)
    expect((await told("order.state-changed")).map((data) => data["state"])).toEqual(["accepted"])
    expect(await told("exception.opened")).toHaveLength(1)
  })

  test("a person is told, whatever text another system put into it, and wherever an emoji stands where it is cut", async () => {
    const summary = `\u0000\ud83d${"x".repeat(997)}😀 and more`
    const text = { summary, ifNobodyActs: "nothing", owner: "operations", allowedActions: ["acknowledge"] }
    await advance(async (step: Step) => {
      await step.raise("tell", text)
      await step.until("wait", { signals: ["order.edited"] })
    })
    expect(await told("exception.opened")).toMatchObject([{ summary: `\ufffd\ufffd${"x".repeat(997)}😀` }])
  })

  test("an event of ours that does not fit is a defect that names its step, and is not in the log", async () => {
    const run = async (step: Step) => {
      step.announce("accepted", "on the moon" as "accepted")
      await step.until("wait", { signals: ["order.edited"] })
    }
    await expect(advance(run)).rejects.toMatchObject({ code: "INVARIANT_BROKEN" })
    expect(await told("order.state-changed")).toEqual([])
    const [opened] = await told("exception.opened")
    expect(opened).toMatchObject({ cause: "INVARIANT_BROKEN", owner: "integration" })
    expect(opened?.["summary"]).toContain('the step "accepted"')
    expect(opened?.["summary"]).toContain("/data/state")
  })

  test("a question waits for its own answer, and is not asked again", async () => {
    const text = { summary: "which?", ifNobodyActs: "it waits", owner: "operations", allowedActions: ["red", "blue"] }
    const seen: string[] = []
    const run = async (step: Step) => void seen.push((await step.ask("ask", text)).action)
    expect(await advance(run)).toBe("waiting")
    const [opened] = await told("exception.opened")
    await signal("other", "exception.decided", { exceptionId: "another", action: "red", decidedBy: "bob" })
    expect(await advance(run)).toBe("waiting")
    const answer = { exceptionId: opened?.["exceptionId"], action: "blue", decidedBy: "ada" }
    await signal("answer", "exception.decided", answer)
    expect([await advance(run), seen]).toEqual(["done", ["blue"]])
    expect(await told("exception.opened")).toHaveLength(1)
  })
})

describe("what an effect tells", () => {
  const booked = (step: Step, after: (name: string) => Promise<unknown>) =>
    step
      .effect(part("book", "first"), {
        ...effectOn("erp", "book"),
        tells: (output) => [countOf(key, 1, `${key} ${output.key}`)],
      })
      .then(() => after("told"))

  test("enters the log with its outcome, once, however often the code runs", async () => {
    const run = (step: Step) => booked(step, () => step.until("wait", { signals: ["order.edited"] }))
    for (let n = 0; n < 2; n += 1) expect(await advance(run)).toBe("waiting")
    expect(await told("stock.counted")).toHaveLength(1)
    const steps = await database.sql<
      { step: string }[]
    >`select step from workflow_steps where about = ${ref("order", key)} order by n`
    expect(steps.map(({ step }) => step)).toEqual(["book", "wait"])
  })

  test("enters the log too when the answer was lost and the effect was found by its key", async () => {
    vendors.erp.fates = [{ kind: "lost" }]
    expect(await advance((step) => booked(step, () => Promise.resolve()))).toBe("done")
    expect([vendors.erp.probeCount, (await told("stock.counted")).length]).toEqual([1, 1])
  })

  test("does not enter the log when the effect is refused", async () => {
    vendors.erp.fates = [{ kind: "refused" }]
    expect(await advance((step) => booked(step, () => Promise.resolve()))).toBe("undone")
    expect(await told("stock.counted")).toEqual([])
  })
})

describe("side by side", () => {
  const run = async (step: Step) => {
    await step.alongside(() => step.effect("mail", effectOn("mail", "mail")))
    await step.effect("book", effectOn("erp", "book"))
  }

  test("one system that is away holds up no other, but the workflow is not done without it", async () => {
    vendors.mail.fates = [{ kind: "away" }]
    expect(await advance(run)).toBe("waiting")
    expect([keysOf(vendors.erp), keysOf(vendors.mail)]).toEqual([["book"], []])
    expect(await advance(run)).toBe("done")
    expect([keysOf(vendors.erp), keysOf(vendors.mail)]).toEqual([["book"], ["mail"]])
  })
})

test("a result the journal cannot keep is told to people, and the workflow does not end without it", async () => {
  const run = (step: Step) => step.decide("choose", () => "\u0000")
  for (let round = 0; round < 2; round += 1) await expect(advance(run)).rejects.toThrow()
  expect((await instance())?.state).toBe("running")
  expect(await told("exception.opened")).toHaveLength(1)
})

describe("interrupts", () => {
  test("before the point of no return a cancellation stops the next step and undoes what was done", async () => {
    await advance(async (step) => {
      await step.effect("book", effectOn("erp", "book", true))
      await step.until("wait", { signals: ["order.edited"] })
    })
    await cancel()
    const state = await advance(async (step) => {
      await step.effect("book", effectOn("erp", "book", true))
      await step.until("wait", { signals: ["order.edited"] })
    })
    expect([state, keysOf(vendors.undo)]).toEqual(["undone", ["undo book"]])
    expect((await instance())?.failure).toMatchObject({ kind: "interrupted", reason: "changed my mind" })
  })

  test("after it nothing is interrupted", async () => {
    await cancel()
    const state = await advance(async (step) => {
      step.pointOfNoReturn()
      await step.effect("book", effectOn("erp", "book", true))
    })
    expect([state, keysOf(vendors.undo)]).toEqual(["done", []])
  })

  test("an effect whose outcome is open is finished first, then taken back", async () => {
    vendors.erp.fates = [{ kind: "late", afterMs: 5000 }]
    const run = (step: Step) =>
      step.effect("book", effectOn("erp", "book", true)).then(() => step.decide("choose", () => 1))
    expect(await advance(run)).toBe("waiting")
    await cancel()
    expect(await advance(run)).toBe("waiting")
    expect(vendors.undo.sendCount).toBe(0)
    vendors.erp.passTime(vendorSettleMs)
    await bench.passTime(vendorSettleMs + 500)
    expect(await advance(run)).toBe("undone")
    expect([keysOf(vendors.erp), keysOf(vendors.undo)]).toEqual([["book"], ["undo book"]])
  })

  test("an effect that did not happen is given up when a cancellation comes before it is tried again", async () => {
    vendors.erp.fates = [{ kind: "away" }]
    const run = (step: Step) => step.effect("book", effectOn("erp", "book", true))
    const outcomes = () =>
      database.sql`select outcome, attempts from workflow_steps where about = ${ref("order", key)} and kind = 'effect'`
    expect(await advance(run)).toBe("waiting")
    expect(await outcomes()).toEqual([{ outcome: "retryable", attempts: 1 }])
    await cancel()
    expect(await advance(run)).toBe("undone")
    expect(await outcomes()).toEqual([{ outcome: "superseded", attempts: 1 }])
    expect([keysOf(vendors.erp), vendors.undo.sendCount]).toEqual([[], 0])
  })

  const linked = () =>
    signal("linked", "effect.linked", {
      step: "book",
      document: { system: "erp", type: "order", id: "4711" },
      output: JSON.stringify({ reference: { system: "erp", type: "order", id: "4711" } }),
      attempts: 1,
    })
  const undone = () =>
    database.sql`select input from workflow_steps where about = ${ref("order", key)} and kind = 'undo'`

  test("a document that a person linked is taken back, also when the cancellation comes before it is taken", async () => {
    vendors.erp.fates = [{ kind: "away" }]
    const run = (step: Step) => step.effect("book", effectOn("erp", "book", true))
    expect(await advance(run)).toBe("waiting")
    await linked()
    await cancel()
    expect(await advance(run)).toBe("undone")
    expect([keysOf(vendors.undo), keysOf(vendors.erp)]).toEqual([["undo book"], []])
    expect(await undone()).toEqual([{ input: { text: "book", documentNumber: "4711" } }])
  })

  test("who decided against a refused step is heeded before a document that is linked to it, and that is taken back", async () => {
    vendors.erp.fates = [{ kind: "refused" }]
    const ask = { summary: "refused", ifNobodyActs: "it waits", owner: "a test", allowedActions: ["retry", "cancel"] }
    const run = async (step: Step) => {
      await step.effect("book", { ...effectOn("erp", "book", true), ifRejected: { ask } })
    }
    expect(await advance(run)).toBe("waiting")
    const [{ exceptionId } = {}] = await told("exception.opened")
    await linked()
    await signal("answer", "exception.decided", { exceptionId, action: "cancel", decidedBy: "ada" })
    expect(await advance(run)).toBe("undone")
    expect(await undone()).toEqual([{ input: { text: "book", documentNumber: "4711" } }])
  })

  test("an effect left open beside the line settles before it is taken back", async () => {
    vendors.mail.fates = [{ kind: "late", afterMs: 5000 }]
    const run = async (step: Step) => {
      await step.alongside(() => step.effect("mail", effectOn("mail", "mail", true)))
      await step.until("wait", { signals: ["order.edited"] })
    }
    await advance(run)
    await cancel()
    expect(await advance(run)).toBe("undoing")
    expect(vendors.undo.sendCount).toBe(0)
    await bench.passTime(vendorSettleMs + 500)
    expect(await advance(run)).toBe("undone")
    expect(keysOf(vendors.undo)).toEqual(["undo mail"])
  })
})

describe("undo", () => {
  const both = async (step: Step) => {
    await step.effect("book", effectOn("erp", "book", true))
    await step.effect("mail", effectOn("mail", "mail", true))
    await step.effect("bill", effectOn("erp", "bill", true))
  }

  test("a refusal takes back in reverse what was done, and not what was refused", async () => {
    vendors.erp.fates = [{ kind: "ok" }, { kind: "refused" }]
    expect(await advance(both)).toBe("undone")
    expect(keysOf(vendors.undo)).toEqual(["undo mail", "undo book"])
    expect((await instance())?.failure).toMatchObject({ kind: "rejected" })
  })

  test("undo needs only the journal: a version without these steps takes them back all the same", async () => {
    vendors.erp.fates = [{ kind: "ok" }, { kind: "refused" }]
    vendors.undo.fates = [{ kind: "away" }]
    expect(await advance(both)).toBe("undoing")
    const state = await advance(() => Promise.reject(new Error("this code is not run any more")), { steps: [] })
    expect([state, keysOf(vendors.undo).toSorted()]).toEqual(["undone", ["undo book", "undo mail"]])
  })

  test("a system that is away holds up only what is to be taken back there, in its order (I-8)", async () => {
    const three = async (step: Step) => {
      await step.effect("book", effectOn("erp", "book", true))
      await step.effect("mail", effectOn("mail", "mail", true))
      await step.effect("tell", effectOn("erp", "tell", true))
      await step.effect("bill", effectOn("erp", "bill", true))
    }
    vendors.erp.fates = [{ kind: "ok" }, { kind: "ok" }, { kind: "refused" }]
    vendors.undo.fates = [{ kind: "away" }]
    expect(await advance(three)).toBe("undoing")
    expect([keysOf(vendors.undo), (await instance())?.waiting?.[0]?.kind]).toEqual([["undo mail"], "connection"])
    expect(await advance(three)).toBe("undone")
    expect(keysOf(vendors.undo)).toEqual(["undo mail", "undo tell", "undo book"])
  })

  test("a refused undo asks a person and holds the rest; retry tries it again, and then the rest goes on", async () => {
    vendors.erp.fates = [{ kind: "ok" }, { kind: "refused" }]
    vendors.undo.fates = [{ kind: "refused" }]
    expect(await advance(both)).toBe("undoing")
    const [opened] = await told("exception.opened")
    expect(opened).toMatchObject({ allowedActions: ["retry", "leave it"], owner: "operations" })
    expect([keysOf(vendors.undo), (await instance())?.waiting?.[0]?.kind]).toEqual([[], "person"])
    await signal("answer", "exception.decided", {
      exceptionId: opened?.["exceptionId"],
      action: "retry",
      decidedBy: "ada",
    })
    expect(await advance(both)).toBe("undone")
    expect(keysOf(vendors.undo)).toEqual(["undo mail", "undo book"])
  })

  test("what a person leaves stays, and the rest is taken back", async () => {
    vendors.erp.fates = [{ kind: "ok" }, { kind: "refused" }]
    vendors.undo.fates = [{ kind: "refused" }]
    await advance(both)
    const [opened] = await told("exception.opened")
    const answer = { exceptionId: opened?.["exceptionId"], action: "leave it", decidedBy: "ada" }
    await signal("answer", "exception.decided", answer)
    expect(await advance(both)).toBe("undone")
    expect(keysOf(vendors.undo)).toEqual(["undo book"])
  })
})

describe("facts and moments", () => {
  test("a fact that a workflow tells enters the log once, however often the workflow runs", async () => {
    const run = async (step: Step) => {
      step.tell(part("tell", "S1"), {
        type: "shipment.delivered",
        data: { orderId: key, shipmentId: "S1", deliveredAt: "2026-11-20T10:00:00.000Z" },
      })
      await step.until("wait", { signals: ["order.edited"] })
    }
    for (let n = 0; n < 3; n += 1) await advance(run)
    const rows =
      await database.sql`select 1 from events where type = 'shipment.delivered' and key = ${ref("order", key)}`
    expect(rows).toHaveLength(1)
  })

  test("a wait up to a moment ends when the moment has passed, also one that had passed before", async () => {
    const results: unknown[] = []
    const run = (by: string) => async (step: Step) =>
      void results.push(await step.until("wait", { signals: ["order.edited"], by }))
    expect(await advance(run("2999-01-01T00:00:00.000Z"))).toBe("waiting")
    expect((await instance())?.waiting?.[0]).toMatchObject({ until: "2999-01-01T00:00:00.000Z" })
    expect(await advance(run("2020-01-01T00:00:00.000Z"))).toBe("done")
    expect(results).toEqual([undefined])
  })
})
