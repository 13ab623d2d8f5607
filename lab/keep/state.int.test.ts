import { spawn } from "node:child_process"
import type { ChildProcess } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { createConnection } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, expect, test } from "vitest"
import { fraudToken, startFraud } from "../fraud/fraud.ts"
import type { Receiver } from "../receiver.ts"
import { startReceiver } from "../receiver.ts"
import { consumerAccount } from "../sap-s4hana/demo-company.ts"
import { sapDefaults } from "../sap-s4hana/sap-s4hana.ts"
import { shopifyDefaults } from "../shopify/shopify.ts"
import { stripeSecretKey } from "../stripe/stripe.ts"
import type { LabState } from "./state.ts"
import { openLabState } from "./state.ts"
import { warehouseToken } from "../warehouse/warehouse.ts"

// oxlint-disable-next-line typescript/no-explicit-any -- the test reads deep JSON of seven vendors
type Json = any
type RunningLab = { child: ChildProcess; url(name: string): string; state: { run: number }; smtpPort: number }

const program = fileURLToPath(new URL("../main.ts", import.meta.url))
const root = fileURLToPath(new URL("../..", import.meta.url))
const ends: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

function stateFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lab-state-"))
  ends.push(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function startLab(folder: string, ...more: string[]): Promise<RunningLab> {
  const child = spawn(process.execPath, [program, "--state", folder, "--die-with-parent", ...more], { cwd: root })
  ends.push(() => kill9(child))
  const line = await new Promise<string>((resolve, reject) => {
    let errors = ""
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString("utf8")))
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString("utf8")))
    child.once("exit", () => reject(new Error(errors)))
  })
  const { simulators, state } = JSON.parse(line) as { simulators: Json; state: { run: number } }
  const smtpPort = Number(new URL(simulators.mail?.smtpUrl ?? "smtp://none:1").port)
  return { child, url: (name) => simulators[name].url, state, smtpPort }
}

function kill9(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve()
  return new Promise((resolve) => {
    child.once("exit", () => resolve())
    child.kill("SIGKILL")
  })
}

async function send(url: string, body?: unknown, options: { method?: string; headers?: Record<string, string> } = {}) {
  const response = await fetch(url, {
    method: options.method ?? (body === undefined ? "GET" : "POST"),
    headers: { "content-type": "application/json", ...options.headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith("{") ? (JSON.parse(text) as Json) : text,
  }
}

const vendors = ["shopify", "sap-s4hana", "stripe", "warehouse", "fraud", "mail"]

async function booksOf(lab: RunningLab): Promise<Json> {
  const books: Json = {}
  for (const name of vendors) books[name] = (await send(`${lab.url(name)}/__lab/books`)).body
  return books
}

const place = async (lab: RunningLab, count = 1): Promise<{ id: number; name: string }[]> =>
  (await send(`${lab.url("shopify")}/__lab/orders`, { count, payment: "authorised", odd: false })).body.orders

/** Points a vendor's webhooks at the receiver. */
const aim = (lab: RunningLab, name: string, receiver: Receiver) =>
  send(`${lab.url(name)}/__lab/webhook-target`, { url: receiver.url }, { method: "PUT" })

/** Books an order, delivers it and posts the goods issue, as a connector does; returns the numbers given. */
async function bookInErp(
  lab: RunningLab,
  reference: string,
  sku: string,
): Promise<{ order: string; delivery: string }> {
  const service = `${lab.url("sap-s4hana")}/sap/opu/odata/sap`
  const authorization = `Basic ${Buffer.from(`${sapDefaults.user}:${sapDefaults.password}`).toString("base64")}`
  const sales = `${service}/API_SALES_ORDER_SRV`
  const outbound = `${service}/API_OUTBOUND_DELIVERY_SRV;v=0002`
  const fetched = await send(`${sales}/`, undefined, { headers: { authorization, "x-csrf-token": "Fetch" } })
  const cookie = fetched.headers
    .getSetCookie()
    .map((line) => line.split(";")[0])
    .join("; ")
  const headers = { authorization, cookie, "x-csrf-token": fetched.headers.get("x-csrf-token") ?? "" }
  const booked = await send(
    `${sales}/A_SalesOrder`,
    {
      SalesOrderType: "OR",
      SalesOrganization: "1010",
      DistributionChannel: "10",
      OrganizationDivision: "00",
      SoldToParty: consumerAccount,
      PurchaseOrderByCustomer: reference,
      to_Item: [{ Material: sku, RequestedQuantity: "1", ProductionPlant: "W001" }],
    },
    { headers },
  )
  expect(booked.status).toBe(201)
  const order = booked.body.d.SalesOrder as string
  const delivered = await send(
    `${outbound}/A_OutbDeliveryHeader`,
    { to_DeliveryDocumentItem: [{ ReferenceSDDocument: order, ReferenceSDDocumentItem: "10" }] },
    { headers },
  )
  expect(delivered.status).toBe(201)
  const delivery = delivered.body.d.DeliveryDocument as string
  for (const step of ["PickAllItems", "PostGoodsIssue"]) {
    const read = await send(`${outbound}/A_OutbDeliveryHeader('${delivery}')`, undefined, { method: "GET", headers })
    const versioned = { ...headers, "if-match": read.body.d.__metadata.etag as string }
    expect(
      (await send(`${outbound}/${step}?DeliveryDocument='${delivery}'`, "", { method: "POST", headers: versioned }))
        .status,
    ).toBe(200)
  }
  return { order, delivery }
}

const shipTo = { name: "Ada", line1: "Coolsingel 40", postalCode: "3011 AD", city: "Rotterdam", countryCode: "NL" }
const warehouseHeaders = { authorization: `Bearer ${warehouseToken}` }

function requestShipment(lab: RunningLab, requestId: string, sku: string) {
  const line = { lineId: "1", sku, quantityMilli: 1_000, unit: "ea" }
  const request = {
    requestId,
    orderId: `ord-${requestId}`,
    orderNumber: "#1",
    locationId: "wh-rotterdam",
    method: "ship",
  }
  return send(
    `${lab.url("warehouse")}/shipment-requests`,
    { ...request, shipTo, lines: [line] },
    { headers: warehouseHeaders },
  )
}

const holdOf = (orders: Json[], id: number): string =>
  orders.find((order) => order.id === id).transactions[0].payment_id as string

function capture(lab: RunningLab, intent: string, key: string) {
  const headers = {
    authorization: `Bearer ${stripeSecretKey}`,
    "idempotency-key": key,
    "content-type": "application/x-www-form-urlencoded",
  }
  return send(`${lab.url("stripe")}/v1/payment_intents/${intent}/capture`, "", { method: "POST", headers })
}

function mail(lab: RunningLab): Promise<void> {
  const lines = [
    "EHLO x",
    "MAIL FROM:<a@shop.example>",
    "RCPT TO:<b@shop.example>",
    "DATA",
    "Message-ID: <1@x>\r\n\r\nHello\r\n.",
    "QUIT",
  ]
  return new Promise((resolve, reject) => {
    const socket = createConnection(lab.smtpPort, "127.0.0.1")
    socket.on("error", reject)
    socket.on("close", () => resolve())
    socket.on("data", (chunk) => {
      if (/^\d{3} /m.test(chunk.toString("utf8"))) socket.write(`${lines.shift() ?? "QUIT"}\r\n`)
    })
  })
}

test("after a kill -9 every vendor holds what it held, numbers go on, and what was under way ends", async () => {
  const folder = stateFolder()
  const receiver = await startReceiver()
  ends.push(receiver.stop)
  receiver.answerWith(503)
  const first = await startLab(folder)
  const estate = (await send(`${first.url("estate")}/__lab/estate`)).body
  const stocked = new Set(
    estate.stock
      .filter((row: Json) => row.locationId === "wh-rotterdam" && row.onHandMilli > 5_000)
      .map((row: Json) => row.sku),
  )
  const { sku } = estate.skus.find((item: Json) => item.kind === "plain" && item.unit === "ea" && stocked.has(item.sku))
  await send(`${first.url("warehouse")}/__lab/habits`, { isPaused: true }, { method: "PUT" })
  for (const name of ["warehouse", "fraud"]) await aim(first, name, receiver)
  await aim(first, "shopify", receiver)
  const placed = await place(first, 5)
  const erp = await bookInErp(first, "SHOP-1", sku)
  expect((await requestShipment(first, "req-2", sku)).status).toBe(201)
  const intent = holdOf((await booksOf(first)).shopify.orders, placed[0]?.id ?? 0)
  const captured = await capture(first, intent, "key-1")
  expect(captured.body.status).toBe("succeeded")
  const screening = {
    reference: "ord-1",
    amount: { amountMinor: 100, currency: "EUR" },
    email: "a+accept@shop.example",
    shipTo,
  }
  const line = { sku, quantityMilli: 1_000, unit: "ea", amountMinor: 100 }
  await send(
    `${first.url("fraud")}/screenings`,
    { ...screening, lines: [line] },
    { headers: { authorization: `Bearer ${fraudToken}` } },
  )
  await mail(first)
  const level = { sku, locationId: "wh-rotterdam", available: 7 }
  expect((await send(`${first.url("shopify")}/__lab/stock`, level, { method: "PUT" })).status).toBe(200)
  const before = await booksOf(first)
  expect(before.mail.messages).toHaveLength(1)
  expect(before.shopify.levelChanges).toContainEqual(expect.objectContaining({ sku, to: 7, reason: "correction" }))
  await kill9(first.child)

  const second = await startLab(folder)
  expect(second.state.run).toBe(2)
  const after = await booksOf(second)
  // The warehouse's people work again, so its books may already have progressed.
  expect(after.warehouse.shipmentRequests.map((request: Json) => request.requestId)).toEqual(["req-2"])
  expect({ ...after, warehouse: {} }).toEqual({ ...before, warehouse: {} })

  const again = await capture(second, intent, "key-1")
  expect(again.headers.get("idempotent-replayed")).toBe("true")
  expect(again.body.id).toBe(captured.body.id)
  const [next] = await place(second)
  expect(next?.name).toBe("#1006")
  expect(placed.map(({ id }) => id)).not.toContain(next?.id)
  const erpAgain = await bookInErp(second, "SHOP-2", sku)
  expect(Number(erpAgain.order)).toBe(Number(erp.order) + 1)
  expect(Number(erpAgain.delivery)).toBe(Number(erp.delivery) + 1)

  receiver.answerWith(200)
  receiver.received.length = 0
  for (const name of ["shopify", "warehouse"]) await aim(second, name, receiver)
  const told = (test: (delivery: Receiver["received"][number]) => boolean) => receiver.received.some(test)
  await expect
    .poll(() => told(({ body }) => body.includes('"shipment.shipped"') && body.includes('"req-2"')), {
      timeout: 10_000,
    })
    .toBe(true)
  // The first lab could not deliver these, because no endpoint accepted them.
  await expect
    .poll(
      () => told(({ headers, body }) => headers["x-shopify-topic"] === "orders/create" && body.includes('"#1005"')),
      { timeout: 10_000 },
    )
    .toBe(true)
})

test("webhooks of two starts never share an id, and the shop pages its orders in the old order", async () => {
  const folder = stateFolder()
  const receiver = await startReceiver()
  ends.push(receiver.stop)
  const pages: Json[] = []
  for (const count of [3, 2]) {
    const lab = await startLab(folder, "--only", "shopify")
    await aim(lab, "shopify", receiver)
    const placed = (await send(`${lab.url("shopify")}/__lab/orders`, { count, odd: false })).body.orders
    expect(placed).toHaveLength(count)
    await expect.poll(async () => (await send(`${lab.url("shopify")}/__lab/webhooks`)).body.pending).toBe(0)
    const query = "{ orders(first: 10, sortKey: UPDATED_AT) { nodes { name } } }"
    const headers = { "x-shopify-access-token": shopifyDefaults.accessToken }
    const answer = await send(
      `${lab.url("shopify")}/admin/api/${shopifyDefaults.apiVersion}/graphql.json`,
      { query },
      { headers },
    )
    pages.push(answer.body.data.orders.nodes.map((node: Json) => node.name))
    await kill9(lab.child)
  }
  expect(pages).toEqual([
    ["#1001", "#1002", "#1003"],
    ["#1001", "#1002", "#1003", "#1004", "#1005"],
  ])
  const ids = receiver.received.map(({ headers }) => headers["x-shopify-webhook-id"])
  expect(new Set(ids).size).toBe(ids.length)
})

test("a lab killed while it trades has every order that it told of", async () => {
  const folder = stateFolder()
  const receiver = await startReceiver()
  ends.push(receiver.stop)
  const told = new Set<string>()
  for (let round = 0; round < 3; round++) {
    const lab = await startLab(folder, "--only", "shopify,stripe")
    const before = (await send(`${lab.url("shopify")}/__lab/books`)).body.orders.map((order: Json) => order.name)
    for (const name of told) expect(before).toContain(name)
    expect(new Set(before).size).toBe(before.length)
    receiver.received.length = 0
    await aim(lab, "shopify", receiver)
    await send(`${lab.url("shopify")}/__lab/trading`, { ordersPerSecond: 300 })
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBeGreaterThan(100)
    await kill9(lab.child)
    for (const { headers, body } of receiver.received)
      if (headers["x-shopify-topic"] === "orders/create") told.add((JSON.parse(body) as Json).name)
  }
  expect(told.size).toBeGreaterThan(30)
})

test("neither an answer nor a webhook leaves before the change it tells of is kept", async () => {
  const receiver = await startReceiver()
  const kept = openLabState(stateFolder(), 7)
  const gate = Promise.withResolvers<void>()
  const state = { ...methodsOf(kept), saved: () => gate.promise }
  const fraud = await startFraud({ seed: 7, webhookTarget: receiver.url, reviewMs: { min: 1, max: 2 }, state })
  ends.push(receiver.stop, kept.close.bind(kept), fraud.stop)
  const asked = {
    reference: "ord-1",
    amount: { amountMinor: 100, currency: "EUR" },
    email: "a+review-accept@shop.example",
    shipTo,
    lines: [{ sku: "SKU-1", quantityMilli: 1_000, unit: "ea", amountMinor: 100 }],
  }
  const headers = { authorization: `Bearer ${fraudToken}` }
  let isAnswered = false
  const answer = send(`${fraud.url}/screenings`, asked, { headers }).then(({ status }) => {
    isAnswered = true
    return status
  })
  await expect.poll(() => fraud.books()["screenings"]).toMatchObject([{ final: "accept" }])
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect({ isAnswered, webhooks: receiver.received.length }).toEqual({ isAnswered: false, webhooks: 0 })
  gate.resolve()
  expect(await answer).toBe(201)
  await expect.poll(() => receiver.received.length).toBe(1)
})

/** The state's own methods, so that a test can replace one of them. */
function methodsOf(state: LabState): LabState {
  return {
    run: 1,
    found: {},
    drawer: (simulator, kind) => state.drawer(simulator, kind),
    saved: () => state.saved(),
    close: () => state.close(),
  }
}

test("a state made with another seed, a folder in use and an unknown simulator are refused in words", async () => {
  const folder = stateFolder()
  const lab = await startLab(folder, "--only", "tax")
  await expect(startLab(folder, "--only", "tax")).rejects.toThrow(/another lab uses .*lab\.sqlite/)
  await kill9(lab.child)
  await expect(startLab(folder, "--seed", "8", "--only", "tax")).rejects.toThrow(/made with seed 7.*has seed 8/)
  await expect(startLab(folder, "--only", "tax,bank")).rejects.toThrow(/has no bank: its simulators are shopify, sap/)
})
