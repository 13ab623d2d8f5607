import type { FastifyRequest } from "fastify"
import { afterEach, describe, expect, test } from "vitest"
import type { Grant } from "../../../governance/access.ts"
import type { Changes } from "../../../operations/stream/changes.ts"
import { Exchange } from "../../exchange.ts"
import { positionCursor } from "../../requests/position-cursor.ts"
import type { Answer } from "../../route.ts"
import { streamRoutes, type Hints } from "./stream.ts"

// What happens around the beginning and the end of a stream: with so many consoles and restarts, somebody meets each of these moments.

const position = { xid: "7", seq: 1 }
const ofOrder = (id: string): Changes => ({ changes: [{ topic: "orders", id }], position })
const grant = { consumer: { id: "person-lena" }, scopes: new Set(["operations:read"]), keyId: "k" } as unknown as Grant

/** Hints whose listeners a test tells itself. */
function byHand(during: { position?: () => void; since?: () => void } = {}) {
  const listeners = new Set<(heard: Changes) => void>()
  const hints: Hints = {
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    position: async () => (during.position?.(), position),
    since: async () => (during.since?.(), ofOrder("missed")),
  }
  const tell = (heard: Changes) => {
    for (const listener of listeners) listener(heard)
  }
  return { hints, listeners, tell }
}

const answers: Answer[] = []
afterEach(() => {
  for (const { stream } of answers.splice(0)) stream?.destroy()
})

function begin(hints: Hints, { method = "GET", headers = {} }: { method?: string; headers?: object } = {}) {
  const [route] = streamRoutes({ access: { authenticate: () => grant } as never }, hints)
  if (!route) throw new Error("there is no stream")
  const closing = new AbortController()
  const request = { method, headers: { authorization: "Bearer cdk_x", ...headers } } as unknown as FastifyRequest
  const exchange = new Exchange(request, route, { startedMs: 0, closing: closing.signal })
  exchange.grant = grant
  exchange.query = {}
  const ask = async () => {
    const answer = await route.handle(exchange as Exchange)
    answers.push(answer)
    return answer
  }
  return { exchange, closing, ask }
}

const turn = () => new Promise((done) => setTimeout(done, 5))
const said = ({ stream }: Answer) => String(stream?.read() ?? "")

describe("a stream", () => {
  test("loses nothing that changes while its caller's past is read", async () => {
    const { hints, tell } = byHand({ since: () => tell(ofOrder("meanwhile")) })
    const answer = await begin(hints, { headers: { "last-event-id": positionCursor(position) } }).ask()
    tell(ofOrder("later"))
    await turn()
    expect(said(answer)).toContain('"ids":["meanwhile","missed","later"]')
  })

  test("begins now for an id that is garbage", async () => {
    const { hints, tell } = byHand()
    const answer = await begin(hints, { headers: { "last-event-id": "'; drop table events" } }).ask()
    tell(ofOrder("later"))
    await turn()
    expect(said(answer)).toContain('"ids":["later"]')
  })

  test("that is ended while it begins says so once, and nothing after it", async () => {
    const { hints, listeners } = byHand({ position: () => closing.abort() })
    const { closing, ask } = begin(hints)
    const answer = await ask()
    const errors: unknown[] = []
    answer.stream?.on("error", (error) => errors.push(error))
    await turn()
    expect({ said: said(answer), errors, listeners: listeners.size }).toEqual({
      said: "event: ended\ndata: {}\n\n",
      errors: [],
      listeners: 0,
    })
  })

  test("whose caller has been told that it took too long is closed: nobody else would", async () => {
    const { hints, listeners } = byHand({ position: () => (exchange.isLate = true) })
    const { exchange, ask } = begin(hints)
    await ask()
    await turn()
    expect(listeners.size).toBe(0)
  })

  test("is not opened for HEAD, which has no body to read", async () => {
    const { hints, listeners } = byHand()
    expect(await begin(hints, { method: "HEAD" }).ask()).toMatchObject({ status: 200 })
    expect(listeners.size).toBe(0)
  })

  test("asks proxies to pass each message on at once", async () => {
    const { headers } = await begin(byHand().hints).ask()
    expect(headers).toEqual({ "x-accel-buffering": "no", "cache-control": "no-store, no-transform" })
  })
})
