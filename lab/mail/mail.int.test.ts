import { createTransport } from "nodemailer"
import { afterEach, expect, test } from "vitest"
import type { MailSimulator, MailSimulatorOptions } from "./mail.ts"
import { startMail } from "./mail.ts"

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

async function start(options: Partial<MailSimulatorOptions> = {}): Promise<MailSimulator> {
  const mail = await startMail({ seed: 7, ...options })
  closers.push(() => mail.stop())
  return mail
}

async function send(mail: MailSimulator, message: { to?: string; subject?: string; messageId?: string } = {}) {
  const transport = createTransport({ url: mail.smtpUrl, connectionTimeout: 2_000, greetingTimeout: 2_000 })
  closers.push(() => transport.close())
  const defaults = {
    from: "shop@shop.example",
    to: "ada@shop.example",
    subject: "Order #1001",
    messageId: "<m-1@shop>",
  }
  return transport.sendMail({ ...defaults, text: "It is on its way.", ...message })
}

test("a message is in the books under its Message-ID", async () => {
  const mail = await start()
  await send(mail, { subject: "Your order\u2026 is on its way" })
  expect(mail.books()["messages"]).toMatchObject([
    { messageId: "<m-1@shop>", from: "shop@shop.example", recipients: ["ada@shop.example"], deliveries: 1 },
  ])
})

test("a message sent twice is one message with two deliveries", async () => {
  const mail = await start()
  await send(mail)
  await send(mail)
  expect(mail.books()["messages"]).toMatchObject([{ deliveries: 2 }])
})

test("a greylisting server turns a new pair away once with 451 and takes it later", async () => {
  const mail = await start({ greylistMs: 20 })
  await expect(send(mail)).rejects.toMatchObject({ responseCode: 451 })
  await expect.poll(() => send(mail).then(() => "taken")).toBe("taken")
  expect(mail.books()["messages"]).toMatchObject([{ deliveries: 1 }])
})

test("an address may ask to be greylisted or refused", async () => {
  const mail = await start()
  await expect(send(mail, { to: "ada+greylist@shop.example" })).rejects.toMatchObject({ responseCode: 451 })
  await send(mail, { to: "ada+greylist@shop.example" })
  await expect(send(mail, { to: "ada+reject@shop.example" })).rejects.toMatchObject({ responseCode: 550 })
})

test("a line cut before the final 250 leaves the message taken and the sender in doubt", async () => {
  const mail = await start({ faults: { commitThenReset: 1 } })
  await expect(send(mail)).rejects.toThrow()
  expect(mail.books()["messages"]).toMatchObject([{ deliveries: 1 }])
  mail.setFaults({})
  await send(mail)
  expect(mail.books()["messages"]).toMatchObject([{ deliveries: 2 }])
})

test("a line cut before the message was taken leaves nothing", async () => {
  const mail = await start({ faults: { resetBeforeCommit: 1 } })
  await expect(send(mail)).rejects.toThrow()
  expect(mail.books()["messages"]).toEqual([])
})

test("a subject may ask for a fault, which strikes once", async () => {
  const mail = await start()
  await expect(send(mail, { subject: "lab:commit-then-5xx" })).rejects.toMatchObject({ responseCode: 451 })
  await send(mail, { subject: "lab:commit-then-5xx" })
  expect(mail.books()["messages"]).toMatchObject([{ deliveries: 2 }])
})

test("a server that is down takes no connection", async () => {
  const mail = await start({ faults: { outage: true } })
  await expect(send(mail)).rejects.toThrow()
  expect(mail.books()["messages"]).toEqual([])
})

test("a connection kept open when the server goes down is refused at its next message", async () => {
  const mail = await start()
  const transport = createTransport({ url: mail.smtpUrl, pool: true, maxConnections: 1 })
  closers.push(() => transport.close())
  const message = { from: "shop@shop.example", to: "ada@shop.example", subject: "Order", text: "." }
  await transport.sendMail(message)
  mail.setFaults({ outage: true })
  await expect(transport.sendMail(message)).rejects.toMatchObject({ responseCode: 421 })
  expect(mail.books()["messages"]).toHaveLength(1)
})
