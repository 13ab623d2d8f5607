import { expect, test } from "vitest"
import { startMail } from "../../lab/mail/mail.ts"
import { createLog } from "../../src/base/log.ts"
import { systemClock } from "../../src/base/time.ts"
import { smtp } from "../../src/connectors/smtp/connector.ts"

test("P-50: a mail server's name that stands for a private address is never connected to, unless that is allowed", async () => {
  const simulator = await startMail({ seed: 7 })
  const port = Number(new URL(simulator.smtpUrl).port)
  const settings = {
    port,
    tls: "none",
    from: "Shop <orders@shop.example>",
    shopName: "Shop",
    contact: "help@shop.example",
    messageIdDomain: "shop.example",
    timeoutMs: 2000,
  } as const
  const context = { connectionId: "mail", clock: systemClock, log: createLog("test", "silent") }
  const codeOf = async (host: string, more: { allowPrivateNetwork?: boolean } = {}) => {
    const connected = smtp.connect({ ...settings, host, ...more }, context)
    try {
      return await connected.check().then(
        () => "reached",
        (error: { code: string }) => error.code,
      )
    } finally {
      connected.close()
    }
  }
  try {
    // Spellings that only a resolver understands; an address or `localhost` as such is refused at start.
    for (const host of ["LOCALHOST", "localhost.", "127.1", "0x7f.1", "2130706433"])
      expect([host, await codeOf(host)]).toEqual([host, "VENDOR_UNAVAILABLE"])
    expect(await codeOf("localhost", { allowPrivateNetwork: true })).toBe("reached")
  } finally {
    await simulator.stop()
  }
})
