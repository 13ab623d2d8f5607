import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { connect, createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { afterEach, describe, expect, it } from "vitest"
import { AppError } from "./errors.ts"
import {
  answerJson,
  createHttpClient,
  headerText,
  isPrivateAddress,
  retryAfterMs,
  type HttpCall,
  type HttpClientOptions,
} from "./http.ts"
import { sleep } from "./time.ts"

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

async function listening(server: Server): Promise<string> {
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Starts an HTTP server on this machine. */
const serve = (handle: (request: IncomingMessage, response: ServerResponse) => void) => listening(createServer(handle))

/** Starts a TCP server whose handler gets the raw bytes of each connection. */
const serveBytes = (handle: (socket: Socket) => void) =>
  listening(createTcpServer((socket) => handle(socket.on("error", () => undefined))))

function clientOf(baseUrl: string, more: Partial<HttpClientOptions> = {}) {
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

const okAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

describe("calling another system", () => {
  it("nobody there: nothing was sent, a write may be repeated", async () => {
    const url = await serve(() => undefined)
    for (const one of open.splice(0)) one.close()
    expect(await codeOf(clientOf(url).send(post))).toBe("VENDOR_UNAVAILABLE")
    expect(await codeOf(clientOf("http://name.invalid").send(post))).toBe("VENDOR_UNAVAILABLE")
  })

  const losses: [what: string, why: RegExp, handle: (request: IncomingMessage, response: ServerResponse) => void][] = [
    [
      "the connection is reset after the request",
      /ECONNRESET/,
      (request) => void request.on("end", () => request.socket.resetAndDestroy()).resume(),
    ],
    [
      "the connection is closed after the request",
      /other side closed/,
      (request) => void request.on("end", () => request.socket.end()).resume(),
    ],
    ["no answer comes in time", /timed out/, () => undefined],
    [
      "the answer breaks off",
      /other side closed|match|terminated|closed|length/,
      (_, response) =>
        void response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy()),
    ],
    [
      "the connection is reset after the answer's headers",
      /ECONNRESET/,
      (_, response) =>
        void response
          .writeHead(200, { "content-length": "100" })
          .write("", () => setTimeout(() => response.socket?.resetAndDestroy(), 20)),
    ],
    [
      "an answer of unknown length is reset in its middle",
      /cut off|ECONNRESET/,
      (request) => {
        request.socket.write("HTTP/1.1 200 OK\r\n\r\nhalf")
        setTimeout(() => request.socket.resetAndDestroy(), 20)
      },
    ],
    ["the answer's body never ends", /timed out/, (_, response) => void response.writeHead(200).write("half")],
    [
      "the answer drips in for longer than the call may take",
      /timed out/,
      (_, response) => {
        response.writeHead(200)
        const drip = setInterval(() => response.write("."), 30)
        response.on("close", () => clearInterval(drip))
      },
    ],
    [
      "what comes first is 100 Continue",
      /bad response/,
      (request) => void request.socket.write(`HTTP/1.1 100 Continue\r\n\r\n${okAnswer}`),
    ],
    [
      "what comes is no HTTP",
      /HTTP\/1.1 protocol|Expected HTTP/,
      (request) => void request.socket.end("220 mail.example.com ESMTP\r\n"),
    ],
  ]

  it.each(losses)("when %s, a write is uncertain and a read is unavailable", async (_what, why, handle) => {
    const client = clientOf(await serve(handle), { timeoutMs: 500 })
    const error = (code: string) => expect.objectContaining({ code, message: expect.stringMatching(why) })
    await expect(client.send(post)).rejects.toEqual(error("VENDOR_UNCERTAIN"))
    await expect(client.send({ ...post, isRead: true })).rejects.toEqual(error("VENDOR_UNAVAILABLE"))
    await expect(client.send(get)).rejects.toEqual(error("VENDOR_UNAVAILABLE"))
  })

  it("of an answer not more bytes are read than the client takes: the call fails, or the answer is cut and its status counts", async () => {
    const answer = Buffer.alloc(16 * 1024 * 1024, 97)
    const url = await serve((_, response) => void response.writeHead(422).end(answer))
    const limits = { answerBytesMax: 100_000, timeoutMs: 30_000 }
    expect(await codeOf(clientOf(url, limits).send(post))).toBe("VENDOR_UNCERTAIN")
    const cut = await clientOf(url, { ...limits, cutsAnswers: true }).send(post)
    expect(cut.status).toBe(422)
    expect(cut.text.length).toBeLessThanOrEqual(100_000)
  })

  it("an answer that is too large is not read to its end", async () => {
    const url = await serve((_, response) => void response.end(Buffer.alloc(32 * 1024 * 1024 + 1)))
    const error = expect.objectContaining({ code: "VENDOR_UNCERTAIN", message: expect.stringMatching(/max size/) })
    await expect(clientOf(url, { timeoutMs: 30_000 }).send(post)).rejects.toEqual(error)
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
    for (const host of ["169.254.169.254", "[::1]", "[::ffff:10.0.0.1]", "0x7f.1", "2130706433"])
      expect(() => createHttpClient({ baseUrl: `http://${host}:9`, timeoutMs: 300 })).toThrow("private address")
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
      "::ffff:7f00:1",
      "64:ff9b::7f00:1",
      "64:ff9b::10.1.2.3",
      "2002:7f00:1::",
      "198.18.0.1",
      "224.0.0.1",
      "255.255.255.255",
      "ff02::1",
    ]
    expect(inside.filter((address) => !isPrivateAddress(address))).toEqual([])
    expect(
      ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"].filter(isPrivateAddress),
    ).toEqual([])
  })
})

describe("what certainly never reached the other side is unavailable", () => {
  it("a connection that is never accepted ends with the call's own time", async () => {
    const client = clientOf(await fullBacklog(), { timeoutMs: 400 })
    const begun = performance.now()
    expect(await codeOf(client.send(post))).toBe("VENDOR_UNAVAILABLE")
    expect(performance.now() - begun).toBeGreaterThan(350)
    expect(performance.now() - begun).toBeLessThan(3000)
    expect(await codeOf(client.send({ ...post, signal: AbortSignal.timeout(50) }))).toBe("VENDOR_UNAVAILABLE")
  })

  it("closing ends a call that is still connecting", async () => {
    const client = clientOf(await fullBacklog(), { timeoutMs: 30_000 })
    const connecting = () => process.getActiveResourcesInfo().filter((name) => name === "TCPSocketWrap").length
    const before = connecting()
    const sent = codeOf(client.send(post))
    await sleep(50)
    expect(connecting()).toBe(before + 1)
    client.close()
    expect(await sent).toBe("VENDOR_UNAVAILABLE")
    await sleep(50)
    expect(connecting()).toBe(before)
  })

  it.each([
    ["never ends", () => undefined],
    ["is reset", (socket: Socket) => void socket.once("data", () => socket.resetAndDestroy())],
    ["is closed", (socket: Socket) => void socket.once("data", () => socket.end())],
    ["is answered with something else", (socket: Socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
  ])("a TLS handshake that %s", async (_what, handle) => {
    const url = await serveBytes((socket) => handle(socket.resume()))
    expect(await codeOf(clientOf(url.replace("http:", "https:")).send(post))).toBe("VENDOR_UNAVAILABLE")
  })

  it("a call that waits for a socket until its time is up is never sent, and costs no connection", async () => {
    const seen: string[] = []
    let connections = 0
    const server = createServer((request, response) => {
      seen.push(request.url ?? "")
      setTimeout(() => response.end("ok"), request.url === "/slow" ? 200 : 0)
    }).on("connection", () => (connections += 1))
    const client = clientOf(await listening(server), { socketsMax: 1, timeoutMs: 5000 })
    const slow = client.send({ ...post, path: "/slow" })
    const aborted = client.send({ ...post, path: "/aborted", signal: AbortSignal.timeout(50) })
    expect(await codeOf(aborted)).toBe("VENDOR_UNAVAILABLE")
    expect((await slow).text).toBe("ok")
    expect((await client.send({ ...post, path: "/next" })).text).toBe("ok")
    expect({ seen, connections }).toEqual({ seen: ["/slow", "/next"], connections: 1 })
  })

  it("a call whose signal was aborted before it began", async () => {
    let requests = 0
    const client = clientOf(await serve(() => (requests += 1)))
    expect(await codeOf(client.send({ ...post, signal: AbortSignal.abort() }))).toBe("VENDOR_UNAVAILABLE")
    await sleep(30)
    expect(requests).toBe(0)
  })

  it("closing tells calls that wait from calls that were sent, and ends both", async () => {
    const arrived = Promise.withResolvers<void>()
    const client = clientOf(await serve(() => arrived.resolve()), { socketsMax: 1, timeoutMs: 30_000 })
    const [sent, waiting] = [codeOf(client.send(post)), codeOf(client.send(post))]
    await arrived.promise
    client.close()
    expect([await sent, await waiting]).toEqual(["VENDOR_UNCERTAIN", "VENDOR_UNAVAILABLE"])
    expect(await codeOf(client.send(post))).toBe("VENDOR_UNAVAILABLE")
  })

  it("a call behind one whose connection was reset is sent once, on another connection", async () => {
    const seen: string[] = []
    const url = await serveBytes((socket) =>
      socket.on("data", (bytes) => {
        const path = String(bytes).split(" ", 2)[1] ?? ""
        seen.push(path)
        if (path === "/reset") socket.resetAndDestroy()
        else socket.write(okAnswer)
      }),
    )
    const client = clientOf(url, { socketsMax: 1 })
    const paths = ["/reset", "/a", "/reset", "/b"]
    const codes = await Promise.all(paths.map((path) => codeOf(client.send({ ...post, path }))))
    expect(codes).toEqual(["VENDOR_UNCERTAIN", "answered", "VENDOR_UNCERTAIN", "answered"])
    expect(seen).toEqual(paths)
  })

  it("a call that HTTP cannot carry is our defect, and nothing of it is sent", async () => {
    let requests = 0
    const client = clientOf(await serve(() => (requests += 1)))
    const injected = { ...post, headers: { "x-key": "a\r\nx-other: b" } }
    expect(await codeOf(client.send(injected))).toBe("INVARIANT_BROKEN")
    expect(await codeOf(client.send({ ...post, path: "/a b" }))).toBe("INVARIANT_BROKEN")
    expect(requests).toBe(0)
  })
})

describe("sockets", () => {
  /** Counts the connections `server` accepted: in all, and at the same time. */
  function counted(handle: (request: IncomingMessage, response: ServerResponse) => void) {
    const count = { all: 0, open: 0, most: 0 }
    const server = createServer(handle).on("connection", (socket) => {
      count.all += 1
      count.open += 1
      count.most = Math.max(count.most, count.open)
      socket.on("close", () => (count.open -= 1))
    })
    return { server, count }
  }

  it("are kept for the calls that follow, and there are never more than allowed", async () => {
    const { server, count } = counted((_, response) => void setTimeout(() => response.end("ok"), 5))
    const client = clientOf(await listening(server), { socketsMax: 3, timeoutMs: 5000 })
    await Promise.all(Array.from({ length: 30 }, () => client.send(post)))
    for (let number = 0; number < 10; number += 1) await client.send(post)
    expect(count.most).toBe(3)
    expect(count.all).toBe(3)
  })

  it("are used for one call only, and say so, when the other side closes kept ones unannounced", async () => {
    const said: unknown[] = []
    const { server, count } = counted((request, response) => {
      said.push(request.headers.connection)
      response.end("ok")
    })
    const client = clientOf(await listening(server), { keepAlive: false })
    for (let number = 0; number < 5; number += 1) await client.send(number % 2 === 0 ? post : get)
    expect(said).toEqual(Array(5).fill("close"))
    expect(count.all).toBe(5)
  })

  it("an answer's early hints are skipped, repeated headers are one list, and cookies stay apart", async () => {
    const url = await serveBytes((socket) =>
      socket.on("data", () => {
        socket.write("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n")
        socket.write("Via: a\r\nvia: b\r\nset-cookie: c=1\r\nset-cookie: d=2\r\n\r\nok")
      }),
    )
    const answer = await clientOf(url).send(get)
    expect(answer).toMatchObject({ status: 200, text: "ok" })
    expect(answer.headers).toMatchObject({ via: "a, b", "set-cookie": ["c=1", "d=2"] })
    expect(answer.headers["link"]).toBeUndefined()
  })

  // The server closes an idle connection at about the moment the next call is written: before, between and after.
  it("a kept connection closed at any moment never doubles a call and never calls a seen one unavailable", async () => {
    const rounds = 240
    const times = new Map<string, number>()
    let closing: (() => void) | undefined
    const url = await serveBytes((socket) => {
      socket.on("data", (bytes) => {
        const path = String(bytes).split(" ", 2)[1] ?? ""
        times.set(path, (times.get(path) ?? 0) + 1)
        if (!socket.writableEnded) socket.write(okAnswer)
      })
      const ways = [() => socket.end(), () => socket.destroy(), () => socket.resetAndDestroy()]
      let way = 0
      closing = () => ways[way++ % ways.length]?.()
    })
    const client = clientOf(url, { socketsMax: 1, timeoutMs: 5000 })
    const outcomes = new Map<string, number>()
    for (let round = 0; round < rounds; round += 1) {
      expect(await codeOf(client.send({ ...post, path: `/warm-${round}` }))).toBe("answered")
      const sent = codeOf(client.send({ ...post, path: `/${round}` }))
      await raceFor(round, () => closing?.())
      const code = await sent
      outcomes.set(code, (outcomes.get(code) ?? 0) + 1)
      await sleep(1)
      const seen = times.get(`/${round}`) ?? 0
      expect(seen).toBeLessThanOrEqual(1)
      if (code === "VENDOR_UNAVAILABLE") expect(seen).toBe(0)
      if (code === "answered") expect(seen).toBe(1)
      times.delete(`/${round}`)
    }
    // Both outcomes of the race occurred.
    expect(outcomes.get("answered")).toBeGreaterThan(0)
    expect(outcomes.get("VENDOR_UNCERTAIN")).toBeGreaterThan(0)
  })
})

/** Waits a short time that differs from round to round, from none to a few turns of the event loop. */
async function raceFor(round: number, then: () => void): Promise<void> {
  const turns = round % 8
  for (let turn = 0; turn < turns; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve))
  then()
}

/** An address where connecting never completes: its listener accepts no connection and its backlog is full. */
async function fullBacklog(): Promise<string> {
  const program = `require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, function () {
    require("node:fs").writeSync(1, this.address().port + "\\n")
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] })
  open.push({ close: () => child.kill("SIGKILL") })
  const [port] = (await once(createInterface(child.stdout), "line")) as [string]
  for (;;) {
    const socket = connect(Number(port), "127.0.0.1").on("error", () => undefined)
    open.push({ close: () => socket.destroy() })
    const isConnected = await Promise.race([once(socket, "connect").then(() => true), sleep(300).then(() => false)])
    if (!isConnected) return `http://127.0.0.1:${port}`
  }
}
