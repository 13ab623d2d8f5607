import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { eventually, startTestCrossdock, type TestCrossdock } from "../fixtures/crossdock.ts"
import { placeOrder, plentifulSkus } from "../fixtures/order-flow.ts"

// What programs and people hear by `GET /v1/stream`: hints of what changed, limited as everything else is.

let t: TestCrossdock
let sku: string
const open: Stream[] = []
beforeAll(async () => {
  t = await startTestCrossdock({ seed: 91 })
  ;[sku = ""] = plentifulSkus(t, 1)
})
afterEach(() => {
  for (const stream of open.splice(0)) stream.leave()
})
afterAll(() => t?.stop())

interface Said {
  event: string
  id: string
  data: { hints?: { topic: string; ids: string[]; count: number }[] }
}

interface Stream {
  status: number
  said: Said[]
  isOver: boolean
  overAtMs: number
  leave(): void
}

async function listen(headers: Record<string, string>, topics?: string): Promise<Stream> {
  const leaving = new AbortController()
  const query = topics === undefined ? "" : `?topics=${topics}`
  const answer = await fetch(`${t.gatewayUrl}/v1/stream${query}`, { headers, signal: leaving.signal })
  const stream: Stream = { status: answer.status, said: [], isOver: false, overAtMs: 0, leave: () => leaving.abort() }
  open.push(stream)
  void read(answer, stream)
  return stream
}

async function read(answer: Response, stream: Stream): Promise<void> {
  let text = ""
  try {
    for await (const bytes of answer.body ?? []) {
      text += Buffer.from(bytes).toString()
      const messages = text.split("\n\n")
      text = messages.pop() ?? ""
      for (const message of messages) {
        const field = (name: string) => new RegExp(`^${name}: (.*)$`, "m").exec(message)?.[1] ?? ""
        if (field("event") !== "")
          stream.said.push({ event: field("event"), id: field("id"), data: JSON.parse(field("data")) as Said["data"] })
      }
    }
  } catch {
    // The test has left.
  }
  stream.isOver = true
  stream.overAtMs = Date.now()
}

const idsOf = ({ said }: Stream, topic: string) =>
  said.flatMap(({ data }) => data.hints ?? []).flatMap((hint) => (hint.topic === topic ? hint.ids : []))
const soon = (what: string, isSo: () => boolean) => eventually(what, () => Promise.resolve(isSo() || undefined))

async function keyOf(id: string, channels?: string[]): Promise<Record<string, string>> {
  const { consumers, access } = t.crossdock
  await consumers.put({
    id,
    name: id,
    owner: "tests",
    scopes: ["*"],
    ratePerSecond: 500,
    burst: 500,
    apiVersion: "2026-11-01",
    ...(channels ? { channels } : {}),
  })
  const { key } = await consumers.addKey(id)
  await access.refresh()
  return { authorization: `Bearer ${key}` }
}

const draft = (externalId: string, channel = "till") => ({
  externalId,
  channel,
  lines: [{ sku, count: 1, totalMinor: 2499 }],
})

describe("the stream of changes", () => {
  test("names an order that changes, and at most once a second", async () => {
    const stream = await listen(await keyOf("listener"))
    await soon("the beginning", () => stream.said[0]?.event === "ready")
    const orderId = await placeOrder(t, draft("st-1"))
    await soon("the order", () => idsOf(stream, "orders").includes(orderId))
    const startedMs = Date.now()
    const before = stream.said.length
    await placeOrder(t, draft("st-2"))
    await new Promise((done) => setTimeout(done, 2000))
    expect(stream.said.length - before).toBeLessThanOrEqual((Date.now() - startedMs) / 1000 + 1)
    expect(JSON.stringify(stream.said)).not.toMatch(/Ada|Coolsingel|2499/)
  })

  test("tells each of two consumers of two channels of its own channel alone", async () => {
    const tills = await listen(await keyOf("till-listener", ["till"]))
    const kiosks = await listen(await keyOf("kiosk-listener", ["kiosk"]))
    const ofTill = await placeOrder(t, draft("st-3"))
    const ofKiosk = await placeOrder(t, draft("st-4", "kiosk"))
    await soon("both", () => idsOf(tills, "orders").includes(ofTill) && idsOf(kiosks, "orders").includes(ofKiosk))
    expect(JSON.stringify(tills.said)).not.toContain(ofKiosk)
    expect(JSON.stringify(kiosks.said)).not.toContain(ofTill)
  })

  test("tells of the topics asked for, and of what was missed since the last one heard", async () => {
    const headers = await keyOf("goes-away")
    const first = await listen(headers, "orders")
    await soon("the beginning", () => first.said.length > 0)
    const { id } = first.said.at(-1) ?? { id: "" }
    first.leave()
    const orderId = await placeOrder(t, draft("st-5"))
    await new Promise((done) => setTimeout(done, 300))
    const second = await listen({ ...headers, "last-event-id": id }, "orders")
    await soon("what was missed", () => idsOf(second, "orders").includes(orderId))
    const stock = await listen(headers, "connections")
    await t.api("POST", "/v1/connections/tax/pause", { reason: "a test" })
    await soon("the pause", () => idsOf(stock, "connections").includes("tax"))
    await t.api("POST", "/v1/connections/tax/resume", {})
    expect(idsOf(stock, "orders")).toEqual([])
    expect((await listen(headers, "everything")).status).toBe(422)
  })

  test("is refused to a consumer that has ten already, and given again when one has ended", async () => {
    const headers = await keyOf("greedy")
    const ten = await Promise.all(Array.from({ length: 10 }, () => listen(headers)))
    expect((await listen(headers)).status).toBe(429)
    ten[0]?.leave()
    await eventually("a free place", async () => ((await listen(headers)).status === 200 ? true : undefined))
  })

  test("ends with the session, by its cookie", async () => {
    await t.api("PUT", "/v1/people/lena", { fullName: "Lena", roles: ["viewer"] })
    const { body } = await t.api("POST", "/v1/people/lena/link")
    const headers = { "crossdock-console": "1", "content-type": "application/json" }
    const signedIn = await fetch(`${t.gatewayUrl}/v1/session`, {
      method: "POST",
      headers,
      body: JSON.stringify({ token: body["token"] }),
    })
    const cookie = signedIn.headers.get("set-cookie")?.split(";")[0] ?? ""
    const stream = await listen({ cookie })
    await soon("the beginning", () => stream.said[0]?.event === "ready")
    await fetch(`${t.gatewayUrl}/v1/session`, { method: "DELETE", headers: { ...headers, cookie } })
    await soon("its end", () => stream.isOver)
    expect(stream.said.at(-1)?.event).toBe("ended")
  })

  test("ends within three seconds when Crossdock stops", async () => {
    const stream = await listen(await keyOf("to-the-end"))
    await soon("the beginning", () => stream.said[0]?.event === "ready")
    const startedMs = Date.now()
    await t.restart()
    await soon("its end", () => stream.isOver)
    expect(stream.overAtMs - startedMs).toBeLessThan(3000)
    expect(stream.said.at(-1)?.event).toBe("ended")
  })
})
