import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net"
import { afterAll, beforeAll, expect, it } from "vitest"
import { apiOrder } from "../../test/fixtures/api-order.ts"
import { signatureOf, testGateway, type TestGateway } from "../../test/fixtures/gateway.ts"
import { openSql } from "../base/sql.ts"

// PostgreSQL behind a proxy that can cut the connection or lose the server's responses.
let wire: Server
const sockets = new Set<Socket>()
let mode: "whole" | "cut" | "answers lost" = "whole"
let target: URL
let gateway: TestGateway
let headers: Record<string, string>

beforeAll(async () => {
  wire = createServer((client) => {
    if (mode === "cut") {
      client.destroy()
      return
    }
    const server = connect(Number(target.port), target.hostname)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on("error", () => undefined).on("close", () => cut(client, server))
    }
    client.on("data", (data) => server.write(data))
    server.on("data", (data) => {
      if (mode === "answers lost") cut(client, server)
      else client.write(data)
    })
  })
  await new Promise<void>((resolve) => wire.listen(0, "127.0.0.1", resolve))
  const { port } = wire.address() as AddressInfo
  gateway = await testGateway({
    openSql(url) {
      target = new URL(url)
      const through = new URL(url)
      through.hostname = "127.0.0.1"
      through.port = String(port)
      return openSql(through.href, { connectionsMax: 2, name: "test through a wire" })
    },
  })
  headers = { authorization: `Bearer ${await gateway.consumer({ id: "tester" })}`, "content-type": "application/json" }
})
afterAll(async () => {
  await gateway?.close()
  wire?.close()
})

function cut(...ends: Socket[]): void {
  for (const socket of ends) {
    socket.destroy()
    sockets.delete(socket)
  }
}

const hook = (body: string) =>
  gateway.app.inject({
    method: "POST",
    url: "/hooks/shop",
    headers: { "x-signature": signatureOf(body) },
    payload: body,
  })
const order = (externalId: string) =>
  gateway.app.inject({ method: "POST", url: "/v1/orders", headers, payload: JSON.stringify(apiOrder(externalId)) })
const reserve = () =>
  gateway.app.inject({
    method: "POST",
    url: "/v1/reservations",
    headers,
    payload: { key: "k", owner: "o", kind: "hard", lines: [{ sku: "A", milli: 1000 }] },
  })
const inboxCount = async () => {
  const rows = await gateway.database.sql<{ count: number }[]>`select count(*) as count from inbox`
  return rows[0]?.count
}

it("with storage away nothing is acknowledged: 503 with Retry-After, and nothing is kept", async () => {
  expect((await hook("before")).statusCode).toBe(200)
  expect(await inboxCount()).toBe(1)
  mode = "cut"
  cut(...sockets)
  for (const answer of await Promise.all([hook("1"), order("1"), reserve(), hook("2")])) {
    expect(answer.statusCode).toBe(503)
    expect(answer.json()).toMatchObject({ code: "STORAGE_UNAVAILABLE" })
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0)
  }
  expect((await gateway.app.inject({ url: "/healthz" })).statusCode).toBe(200)
  expect((await gateway.app.inject({ url: "/readyz" })).json()).toMatchObject({ isReady: false })
  expect(await inboxCount()).toBe(1)
  mode = "whole"
  await expect.poll(async () => (await hook("after")).statusCode, { timeout: 10_000, interval: 100 }).toBe(200)
  expect((await order("1")).statusCode).toBe(202)
})

it("a commit whose answer is lost is not acknowledged either; the sender's repeat is one more delivery of the same fact", async () => {
  mode = "answers lost"
  expect((await order("lost")).statusCode).toBe(503)
  mode = "whole"
  await expect.poll(async () => (await order("lost")).statusCode, { timeout: 10_000, interval: 100 }).toBe(202)
  const placed = await gateway.database.sql<{ count: number }[]>`
    select count(*) as count from events where fact = 'shop-de:order:lost:placed'`
  expect(placed[0]?.count).toBe(1)
})

it("what is known of consumers stays good for a minute without storage, and no longer", async () => {
  mode = "cut"
  cut(...sockets)
  const list = () => gateway.app.inject({ url: "/v1/orders", headers })
  expect((await list()).statusCode).toBe(200)
  gateway.clock.moveMs(30_000)
  expect((await list()).statusCode).toBe(200)
  gateway.clock.moveMs(40_000)
  expect((await list()).json()).toMatchObject({ code: "STORAGE_UNAVAILABLE" })
  mode = "whole"
  await expect.poll(async () => (await list()).statusCode, { timeout: 10_000, interval: 100 }).toBe(200)
})
