import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTcpServer, type AddressInfo, type Server } from "node:net"
import { afterEach, describe, expect, it } from "vitest"
import { AppError } from "./errors.ts"
import { answerJson, createHttpClient, headerText, isPrivateAddress, retryAfterMs, type HttpCall } from "./http.ts"

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function listening(server: Server): Promise<string> {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** A real server on this machine. */
const serve = (handle: (request: IncomingMessage, response: ServerResponse) => void) => listening(createServer(handle))

function clientOf(baseUrl: string, more: { timeoutMs?: number; keepAlive?: boolean } = {}) {
  const client = createHttpClient({ baseUrl, timeoutMs: 300, allowPrivateNetwork: true, ...more })
  open.push(client)
  return client
}

const get: HttpCall = { method: "GET", path: "/thing" }
const post: HttpCall = { method: "POST", path: "/thing", body: "{}" }
const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => "answered",
    (thrown: unknown) => (thrown instanceof AppError ? thrown.code : String(thrown)),
  )

describe("calling another system", () => {
  it("nobody there: nothing was sent, a write may be repeated", async () => {
    const url = await serve(() => undefined)
    for (const one of open.splice(0)) one.close()
    expect(await codeOf(clientOf(url).send(post))).toBe("VENDOR_UNAVAILABLE")
    expect(await codeOf(clientOf("http://name.invalid").send(post))).toBe("VENDOR_UNAVAILABLE")
  })

  const losses: [what: string, handle: (request: IncomingMessage, response: ServerResponse) => void][] = [
    [
      "the connection is reset after the request",
      (request) => void request.on("end", () => request.socket.resetAndDestroy()).resume(),
    ],
    [
      "the connection is closed after the request",
      (request) => void request.on("end", () => request.socket.end()).resume(),
    ],
    ["no answer comes in time", () => undefined],
    [
      "the answer breaks off",
      (_, response) =>
        void response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy()),
    ],
    ["the answer's body never ends", (_, response) => void response.writeHead(200).write("half")],
    ["what comes is no HTTP", (request) => void request.socket.end("220 mail.example.com ESMTP\r\n")],
  ]

  it.each(losses)("when %s, a write is uncertain and a read is unavailable", async (_what, handle) => {
    const client = clientOf(await serve(handle))
    expect(await codeOf(client.send(post))).toBe("VENDOR_UNCERTAIN")
    expect(await codeOf(client.send({ ...post, isRead: true }))).toBe("VENDOR_UNAVAILABLE")
    expect(await codeOf(client.send(get))).toBe("VENDOR_UNAVAILABLE")
  })

  it("a write aborted by the end of its lease is uncertain", async () => {
    const client = clientOf(await serve(() => undefined), { timeoutMs: 5000 })
    expect(await codeOf(client.send({ ...post, signal: AbortSignal.timeout(50) }))).toBe("VENDOR_UNCERTAIN")
  })

  it("a kept connection that the other side closed meanwhile makes a write uncertain, never silently repeated", async () => {
    let requests = 0
    const url = await listening(
      createTcpServer((socket) => {
        socket.on("error", () => undefined)
        socket.on("data", () => {
          requests += 1
          if (requests === 1) socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
          else socket.resetAndDestroy()
        })
      }),
    )
    const client = clientOf(url)
    expect((await client.send(post)).text).toBe("ok")
    expect(await codeOf(client.send(post))).toBe("VENDOR_UNCERTAIN")
    expect(requests).toBe(2)
  })

  it("any status is an answer, and redirects are not followed", async () => {
    const client = clientOf(
      await serve((request, response) => {
        const status = Number(request.url?.slice(1))
        response.writeHead(status, status === 302 ? { location: "/200" } : {}).end(`status ${status}`)
      }),
    )
    for (const status of [200, 204, 302, 404, 429, 500, 503]) {
      const answer = await client.send({ method: "POST", path: `/${status}`, body: "x" })
      expect(answer.status).toBe(status)
    }
  })

  it("headers, body and the base address's own path reach the other side as given", async () => {
    const url = await serve((request, response) => {
      const chunks: Buffer[] = []
      request.on("data", (chunk: Buffer) => chunks.push(chunk))
      request.on("end", () => {
        const { method, url: path, headers } = request
        response.end(
          JSON.stringify({
            method,
            path,
            key: headers["x-key"],
            of: headers["x-all"],
            body: Buffer.concat(chunks).toString(),
          }),
        )
      })
    })
    const client = createHttpClient({
      baseUrl: `${url}/api/`,
      timeoutMs: 300,
      allowPrivateNetwork: true,
      headers: { "x-all": "a" },
    })
    open.push(client)
    const answer = await client.send({ method: "PUT", path: "/p?q=1", headers: { "x-key": "k" }, body: "zoë ✓" })
    expect(answerJson(answer)).toEqual({ method: "PUT", path: "/api/p?q=1", key: "k", of: "a", body: "zoë ✓" })
  })

  it("an answer that is not JSON is the other system's misbehaviour", () => {
    const answer = { status: 200, headers: {}, text: "<html>" }
    expect(() => answerJson(answer)).toThrow(expect.objectContaining({ code: "VENDOR_MISBEHAVED" }))
  })

  it("Retry-After is read as seconds and as a date", () => {
    const after = (value?: string) =>
      retryAfterMs({ status: 429, headers: value ? { "retry-after": value } : {}, text: "" }, 1000)
    expect([after("2"), after("1.5"), after("Thu, 01 Jan 1970 00:00:11 GMT")]).toEqual([2000, 1500, 10_000])
    expect([after("Wed, 31 Dec 1969 23:59:59 GMT"), after("soon"), after()]).toEqual([0, undefined, undefined])
    expect(headerText({ status: 200, headers: { link: ["a", "b"] }, text: "" }, "Link")).toBe("a")
  })

  it("a configured address cannot reach into the private network unless it is allowed to", async () => {
    expect(() => createHttpClient({ baseUrl: "http://127.0.0.1:9", timeoutMs: 300 })).toThrow("private address")
    expect(() => createHttpClient({ baseUrl: "http://169.254.169.254", timeoutMs: 300 })).toThrow("private address")
    expect(() => createHttpClient({ baseUrl: "file:///etc/passwd", timeoutMs: 300 })).toThrow("not an http")
    const url = await serve((_, response) => response.end("inside"))
    const byName = createHttpClient({ baseUrl: url.replace("127.0.0.1", "localhost"), timeoutMs: 300 })
    open.push(byName)
    expect(await codeOf(byName.send(post))).toBe("VENDOR_UNAVAILABLE")
  })

  it("private addresses are told from public ones, in both families", () => {
    const inside = [
      "10.1.2.3",
      "172.31.0.1",
      "192.168.0.1",
      "127.0.0.1",
      "100.64.1.1",
      "169.254.169.254",
      "::1",
      "fd00::1",
      "fe80::1",
      "::ffff:10.0.0.1",
    ]
    expect(inside.filter((address) => !isPrivateAddress(address))).toEqual([])
    expect(["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8"].filter(isPrivateAddress)).toEqual([])
  })
})
