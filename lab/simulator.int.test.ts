import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, describe, expect, test } from "vitest"
import type { FaultSettings } from "./faults.ts"
import { randomStream } from "./random.ts"
import type { Simulator } from "./simulator.ts"
import { jsonBody, startSimulator } from "./simulator.ts"

const started: Simulator[] = []
afterEach(async () => {
  await Promise.all(started.splice(0).map((simulator) => simulator.stop()))
})

/** The smallest vendor: it stores notes. */
async function startNotes(faults: FaultSettings = {}, seed = 7): Promise<Simulator> {
  const simulator = await startSimulator({
    name: "notes",
    seed,
    faults,
    routes: (app, context) => {
      let notes: unknown[] = []
      const webhooks = context.webhooks({ retryDelaysMs: [10, 20], reorderMs: 30, headers: () => ({}) })
      app.post("/notes", async (request, reply) => {
        const note = jsonBody(request)
        const call = await context.begin(request, { operation: "createNote", sentinel: JSON.stringify(note) })
        call.commit(() => notes.push(note))
        webhooks.send({ id: `n${notes.length}`, topic: "note.created", body: "{}" })
        return reply.code(201).send({ isPartial: call.isPartial })
      })
      app.get("/notes", async (request) => {
        await context.begin(request, { operation: "listNotes" })
        return notes
      })
      return { books: () => ({ notes }), reset: () => void (notes = []) }
    },
  })
  started.push(simulator)
  return simulator
}

async function outcome(simulator: Simulator, note: unknown = { text: "hello" }): Promise<number | "no answer"> {
  try {
    const body = JSON.stringify(note)
    return (await fetch(`${simulator.url}/notes`, { method: "POST", body, signal: AbortSignal.timeout(2000) })).status
  } catch {
    return "no answer"
  }
}

describe("faults", () => {
  test.each([
    [{ rate429: 1 }, 429, 0],
    [{ rate5xx: 1 }, 503, 0],
    [{ resetBeforeCommit: 1 }, "no answer", 0],
    [{ commitThenReset: 1 }, "no answer", 1],
    [{ commitThen5xx: 1 }, 503, 1],
    [{ hangRate: 1, hangMs: 5000 }, "no answer", 1],
    [{ outage: true }, "no answer", 0],
    [{ latencyMs: { p50: 5, p99: 20 } }, 201, 1],
  ] as const)("%j answers %s and leaves %d notes in the books", async (faults, answer, notesExpected) => {
    const simulator = await startNotes(faults)
    expect(await outcome(simulator)).toBe(answer)
    expect(simulator.books()["notes"]).toHaveLength(notesExpected)
    expect(Object.values(simulator.faults().counts)).toEqual([1])
  })

  test("one operation can fail while the others work", async () => {
    const simulator = await startNotes({ operations: { createNote: { rate5xx: 1 } } })
    expect(await outcome(simulator)).toBe(503)
    expect((await fetch(`${simulator.url}/notes`)).status).toBe(200)
  })

  test("the same seed refuses the same calls", async () => {
    const pattern = async (seed: number): Promise<unknown[]> => {
      const simulator = await startNotes({ rate5xx: 0.5 }, seed)
      const seen: unknown[] = []
      for (let i = 0; i < 20; i++) seen.push(await outcome(simulator))
      return seen
    }
    const first = await pattern(3)
    expect(await pattern(3)).toEqual(first)
    expect(await pattern(4)).not.toEqual(first)
  })

  test("a sentinel strikes once, with an exclamation mark every time", async () => {
    const simulator = await startNotes()
    expect(await outcome(simulator, { text: "lab:commit-then-reset" })).toBe("no answer")
    expect(await outcome(simulator, { text: "lab:commit-then-reset" })).toBe(201)
    expect(await outcome(simulator, { text: "lab:429!" })).toBe(429)
    expect(await outcome(simulator, { text: "lab:429!" })).toBe(429)
    expect(simulator.faults().recent.every((entry) => entry.bySentinel)).toBe(true)
  })
})

describe("control endpoints", () => {
  test("faults, books, requests and reset work over HTTP even in an outage", async () => {
    const simulator = await startNotes()
    expect(await outcome(simulator)).toBe(201)
    const put = await fetch(`${simulator.url}/__lab/faults`, { method: "PUT", body: JSON.stringify({ outage: true }) })
    expect(put.status).toBe(200)
    expect(await outcome(simulator)).toBe("no answer")
    const get = async (path: string): Promise<unknown> => (await fetch(`${simulator.url}/__lab/${path}`)).json()
    expect(await get("books")).toEqual({ notes: [{ text: "hello" }] })
    expect(await get("requests")).toMatchObject({
      requests: [{ method: "POST", status: 201, operation: "createNote" }],
    })
    await fetch(`${simulator.url}/__lab/reset`, { method: "POST" })
    expect(await get("books")).toEqual({ notes: [] })
  })
})

describe("webhooks", () => {
  async function receiver(statuses: number[]): Promise<{ url: string; seen: () => number; close: () => void }> {
    let seen = 0
    const server = createServer((request, response) => {
      request.resume()
      response.writeHead(statuses[seen++] ?? 200).end()
    })
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    // A TCP listener's address is always an AddressInfo.
    const { port } = server.address() as AddressInfo
    return { url: `http://127.0.0.1:${port}`, seen: () => seen, close: () => server.close() }
  }

  test.each([
    ["a refused delivery is tried again", {}, [500, 503], { attempts: 3, delivered: 1, gaveUp: 0 }],
    ["after the last retry the sender gives up", {}, [500, 500, 500], { attempts: 3, delivered: 0, gaveUp: 1 }],
    ["a duplicate arrives twice", { duplicateWebhook: 1 }, [], { attempts: 2, delivered: 2, duplicated: 1 }],
    ["a dropped one never arrives and is listed", { dropWebhook: 1 }, [], { attempts: 0, dropped: 1 }],
    ["a reordered one arrives late", { reorderWebhook: 1 }, [], { attempts: 1, delivered: 1, reordered: 1 }],
  ])("%s", async (...[, faults, statuses, expected]) => {
    const target = await receiver(statuses)
    const simulator = await startNotes(faults)
    simulator.setWebhookTarget(target.url)
    await outcome(simulator)
    await simulator.webhooks()?.idle()
    expect(simulator.webhooks()?.report()).toMatchObject(expected)
    expect(target.seen()).toBe(expected.attempts)
    target.close()
  })
})

test("streams of different purposes are independent and repeatable", () => {
  const draw = (purpose: string): number[] => {
    const random = randomStream(7, purpose)
    return Array.from({ length: 1000 }, () => random.next())
  }
  expect(draw("a")).toEqual(draw("a"))
  expect(draw("a")).not.toEqual(draw("b"))
  const mean = draw("a").reduce((sum, value) => sum + value, 0) / 1000
  expect(mean).toBeGreaterThan(0.45)
  expect(mean).toBeLessThan(0.55)
})
