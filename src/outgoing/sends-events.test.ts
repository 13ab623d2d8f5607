import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import type { AppError } from "../base/errors.ts"
import { newEvent } from "../canonical/events.ts"
import type { StoredEvent } from "../eventlog/event-log.ts"
import {
  failedAgain,
  placeOf,
  usualPace,
  verdictOf,
  waitAfter,
  waitOfOne,
  whatIsLeft,
  type Pace,
  type Trial,
} from "./pace.ts"
import { SendsEvents } from "./sends-events.ts"

const time = "2026-11-30T06:00:00.000Z"
let seq = 0
/** An event of the log about an article; `sku#2` is another one about it. */
function eventOf(name: string): StoredEvent {
  const [sku = ""] = name.split("#")
  const data = { movement: "receipt" as const, sku, locationId: "dc", milli: 1000, unit: "ea", movedAt: time }
  const event = newEvent({ type: "stock.moved", fact: name, source: "test", time, data })
  const more = { position: { xid: "7", seq: (seq += 1) }, key: `stock/dc/${sku}`, correlation: name, recordedAt: time }
  return { schemaversion: 1, ...event, ...more } as unknown as StoredEvent
}
const eventsOf = (...names: string[]) => names.map(eventOf)

let server: Server
let url = ""
/** What the receiver was sent, and what it took, by fact. */
let sent: string[] = []
let taken: string[] = []
type Answer = { status: number; headers?: Record<string, string>; body?: string | Buffer }
let answer: (fact: string) => number | Answer | "none" = () => 204
beforeEach(async () => {
  sent = []
  taken = []
  answer = () => 204
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      const { fact } = JSON.parse(Buffer.concat(chunks).toString()) as { fact: string }
      sent.push(fact)
      const given = answer(fact)
      if (given === "none") return void request.socket.destroy()
      const { status, headers, body }: Answer = typeof given === "number" ? { status: given } : given
      if (status < 300) taken.push(fact)
      response.writeHead(status, headers).end(body)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/in`
})
let stop = new AbortController()
afterEach(() => {
  stop.abort()
  server.closeAllConnections()
  server.close()
})

/** A sender that needs no waiting, and what it noted. */
function senderOf({ now = () => Date.parse(time), pace = { waitsMs: [], waitMsMax: 0, triesMax: 4 } as Pace } = {}) {
  stop = new AbortController()
  const noted = { sent: 0, failing: [] as string[], stopped: [] as string[] }
  const notes = {
    sent: (count: number) => void (noted.sent += count),
    failing: async (error: AppError) => (noted.failing.push(error.message), time),
    stopped: async (why: string) => void noted.stopped.push(why),
  }
  const receiver = { name: "events to one", url, types: [], secrets: ["whsec_AAAA"], allowPrivateNetwork: true }
  return { sender: new SendsEvents(receiver, { clock: { now }, notes, stop: stop.signal, pace }), noted }
}
const kindsOf = (failures: { event: StoredEvent; error: unknown }[]) =>
  failures.map(({ event, error }) => [event.fact, (error as AppError).kind])
const retry = { isRetry: true }

describe("a receiver that fails at one event and takes others", () => {
  it.each([
    ["answers 500", 500],
    ["cuts the connection", "none"],
  ] as const)("%s: the others are taken at once, and after four tries a person has the event", async (_, failure) => {
    const { sender, noted } = senderOf()
    answer = (fact) => (fact === "BAD" ? failure : 204)
    const [bad, ...others] = eventsOf("BAD", "A", "B", "C")
    expect(kindsOf(await sender.handle([bad!, ...others]))).toEqual([["BAD", "unavailable"]]) // oxlint-disable-line typescript/no-non-null-assertion -- made above
    expect(taken.sort()).toEqual(["A", "B", "C"])
    const kinds: unknown[] = []
    for (const name of ["D", "E", "F"]) {
      await sender.handle(eventsOf(name))
      kinds.push(...kindsOf(await sender.handle([bad!], retry))) // oxlint-disable-line typescript/no-non-null-assertion -- made above
    }
    expect(kinds).toEqual([
      ["BAD", "unavailable"],
      ["BAD", "unavailable"],
      ["BAD", "rejected"],
    ])
    expect(sent.filter((fact) => fact === "BAD")).toHaveLength(4)
    expect(noted).toEqual({ sent: 6, failing: [], stopped: [] })
  })

  it("does not get later events of the same object before it", async () => {
    const { sender } = senderOf()
    answer = (fact) => (fact === "BAD" ? 500 : 204)
    const batch = eventsOf("BAD", "BAD#2", "A", "A#2", "BAD#3")
    expect(kindsOf(await sender.handle(batch))).toEqual([["BAD", "unavailable"]])
    expect(sent).toEqual(expect.not.arrayContaining(["BAD#2"]))
    expect(taken).toEqual(["A", "A#2"])
    answer = () => 204
    const chain = batch.filter(({ key }) => key.endsWith("BAD"))
    expect(await sender.handle(chain, retry)).toEqual([])
    expect(taken).toEqual(["A", "A#2", "BAD", "BAD#2", "BAD#3"])
  })

  it("keeps it waiting while it takes nothing else: nothing shows that it is the event", async () => {
    const { sender, noted } = senderOf()
    answer = (fact) => (fact === "BAD" ? 500 : 204)
    const [bad] = eventsOf("BAD")
    await sender.handle([...(bad ? [bad] : []), ...eventsOf("A")])
    for (let tries = 0; tries < 10; tries += 1)
      expect(kindsOf(await sender.handle(bad ? [bad] : [], retry))).toEqual([["BAD", "unavailable"]])
    expect(noted.failing.length).toBeGreaterThan(0)
    expect(sender.takesNothing).toBe(true)
    await sender.handle(eventsOf("B"))
    expect(sender.takesNothing).toBe(false)
  })
})

describe("a receiver that takes nothing", () => {
  it("is away: the batch fails as a whole, and comes again until it is taken, in order", async () => {
    const { sender, noted } = senderOf()
    answer = () => 503
    const batch = eventsOf("A", "B", "A#2", "B#2")
    for (let tries = 0; tries < 3; tries += 1)
      await expect(sender.handle(batch)).rejects.toMatchObject({ code: "VENDOR_UNAVAILABLE" })
    expect(noted.failing).toHaveLength(3)
    answer = () => 204
    expect(await sender.handle(batch)).toEqual([])
    expect(taken.filter((fact) => fact.startsWith("A"))).toEqual(["A", "A#2"])
    expect(taken).toHaveLength(4)
  })

  it("is asked with a few messages, each time other ones first, and not with what waits alone", async () => {
    const { sender } = senderOf()
    answer = () => 500
    const batch = eventsOf(...Array.from({ length: 60 }, (_, n) => `N${n}`))
    await expect(sender.handle(batch)).rejects.toThrow("500")
    const first = sent.splice(0)
    // Eight are under way when the eighth fails.
    expect(first.length).toBeLessThan(16)
    await expect(sender.handle(batch)).rejects.toThrow("500")
    const second = sent.splice(0)
    expect(first.filter((fact) => second.includes(fact))).toEqual([])
    expect(kindsOf(await sender.handle(eventsOf("WAITS"), retry))).toEqual([["WAITS", "unavailable"]])
    expect(sent).toEqual([])
  })

  it("goes away in the middle of a batch: what was taken or refused before is not sent again", async () => {
    const { sender } = senderOf()
    let left = 20
    answer = (fact) => (fact === "NO" ? 422 : (left -= 1) < 0 ? "none" : 204)
    const batch = eventsOf("NO", "NO#2", ...Array.from({ length: 40 }, (_, n) => `N${n}`))
    await expect(sender.handle(batch)).rejects.toMatchObject({ kind: "unavailable" })
    expect(taken).toHaveLength(20)
    answer = () => 204
    const later = eventsOf("NO#3", "N0#2")
    expect(kindsOf(await sender.handle([...batch, ...later]))).toEqual([["NO", "rejected"]])
    expect(taken).toHaveLength(41)
    expect(new Set(taken).size).toBe(41)
    expect(sent.filter((fact) => fact.startsWith("NO"))).toEqual(["NO"])
    // The next batch begins with an empty memory: a replay is sent.
    await sender.handle(batch.slice(2, 3))
    expect(taken).toHaveLength(42)
  })

  it("that is asked for one event only: after four tries it waits alone, and the log behind it shows whether the receiver is away", async () => {
    const { sender } = senderOf()
    answer = (fact) => (fact === "BAD" ? 500 : 204)
    const batch = eventsOf("BAD")
    for (let tries = 0; tries < 3; tries += 1) await expect(sender.handle(batch)).rejects.toThrow("500")
    expect(kindsOf(await sender.handle(batch))).toEqual([["BAD", "unavailable"]])
    expect(await sender.handle(eventsOf("A"))).toEqual([])
  })

  it("for five days, or for good (410), is stopped", async () => {
    let nowMs = Date.parse(time) + 4 * 86_400_000
    const { sender, noted } = senderOf({ now: () => nowMs })
    answer = () => 503
    await expect(sender.handle(eventsOf("A"))).rejects.toThrow("503")
    expect(noted.stopped).toEqual([])
    nowMs += 2 * 86_400_000
    await expect(sender.handle(eventsOf("A"))).rejects.toThrow("503")
    await expect(sender.handle(eventsOf("A"))).rejects.toThrow("stops")
    const other = senderOf()
    answer = (fact) => (fact === "GONE" ? 410 : 204)
    await expect(other.sender.handle(eventsOf("A", "GONE"))).rejects.toThrow("410")
    expect([...noted.stopped, ...other.noted.stopped]).toEqual([
      "its receiver took nothing for five days",
      "its receiver says that it is gone for good (410)",
    ])
  })

  it("asks for a wait (429, or Retry-After): that is never said of an event", async () => {
    const { sender, noted } = senderOf()
    let left = 2
    answer = () => ((left -= 1) < 0 ? { status: 429, headers: { "retry-after": "0" } } : 204)
    const batch = eventsOf("A", "B", "C", "D")
    await expect(sender.handle(batch)).rejects.toThrow("429")
    for (let tries = 0; tries < 6; tries += 1) await expect(sender.handle(batch)).rejects.toThrow("429")
    answer = () => 204
    expect(await sender.handle(batch)).toEqual([])
    expect(taken.sort()).toEqual(["A", "B", "C", "D"])
    expect(noted.failing.length).toBe(6)
  })
})

it("an event that is refused waits with the pace's wait, and its message is one of the refusal", async () => {
  const { sender } = senderOf({ pace: { waitsMs: [70, 80], waitMsMax: 90, triesMax: 4 } })
  answer = () => 400
  const [failure] = await sender.handle(eventsOf("A"))
  expect(failure?.error).toMatchObject({
    code: "VENDOR_REJECTED",
    retryAfterMs: 70,
    message: expect.stringContaining("400"),
  })
})

it("of an answer the status counts, and not more than 64 KiB are read", async () => {
  const { sender } = senderOf()
  answer = () => ({ status: 200, body: Buffer.alloc(64 * 1024 * 1024, 97) })
  expect(await sender.handle(eventsOf("A"))).toEqual([])
  answer = () => ({ status: 422, body: Buffer.alloc(1024 * 1024, 97) })
  expect(kindsOf(await sender.handle(eventsOf("A")))).toEqual([["A", "rejected"]])
})

describe("the pure parts", () => {
  it("a status is about the message, or about its receiver", () => {
    const of = (...statuses: number[]) => statuses.map((status) => verdictOf(status, false))
    expect(of(200, 202, 299)).toEqual(["taken", "taken", "taken"])
    expect(of(400, 409, 413, 415, 422)).toEqual(Array(5).fill("refused"))
    expect(of(301, 401, 403, 404, 500, 503)).toEqual(Array(6).fill("failed"))
    expect(of(410, 429)).toEqual(["gone", "busy"])
    expect([verdictOf(503, true), verdictOf(204, true)]).toEqual(["busy", "taken"])
  })

  it("waits grow to an hour, those of a single event to half a minute; a named one is kept if it is longer", () => {
    expect([1, 2, 3, 7, 50].map((failures) => waitAfter(usualPace, failures))).toEqual([1e3, 5e3, 3e4, 36e5, 36e5])
    expect([1, 2, 3, 7, 50].map((failures) => waitOfOne(usualPace, failures))).toEqual([1e3, 5e3, 3e4, 3e4, 3e4])
    expect([waitAfter(usualPace, 1, 9e3), waitAfter(usualPace, 3, 9e3), waitAfter(usualPace, 1, 9e9)]).toEqual([
      9e3, 3e4, 36e5,
    ])
  })

  it("a failure counts against an event when something else was taken since the one before", () => {
    const counts = [0, 0, 3, 3, 4].reduce<Trial[]>((all, taken) => [...all, failedAgain(all.at(-1), taken)], [])
    expect(counts.map(({ counted }) => counted)).toEqual([1, 1, 2, 2, 3])
  })

  it("what is left of a batch is what is not settled; those that failed least come first", () => {
    const batch = eventsOf("A", "A#2", "B", "B#2", "C")
    const at = (name: string) => placeOf(batch.find(({ fact }) => fact === name) as StoredEvent)
    const left = (settled: [string, "taken" | AppError][], trials: [string, Trial][]) =>
      whatIsLeft(batch, new Map(settled), new Map(trials)).map((chain) => chain.map(({ fact }) => fact))
    expect(left([], [])).toEqual([["A", "A#2"], ["B", "B#2"], ["C"]])
    expect(
      left(
        [
          [at("A"), "taken"],
          [at("B"), {} as AppError],
        ],
        [],
      ),
    ).toEqual([["A#2"], ["C"]]) // oxlint-disable-line typescript/no-unsafe-type-assertion -- only its presence counts
    expect(left([], [[at("A"), { failures: 2, counted: 1, takenBefore: 0 }]])[2]).toEqual(["A", "A#2"])
  })
})
