import { Type } from "typebox"
import { defineConnector } from "../../ports/connector.ts"
import type { NotifiesCustomers } from "../../ports/capabilities/service.ts"
import { reference } from "../../ports/write.ts"
import { createSmtpClient, smtpTimeoutMs, type SmtpClient } from "./client.ts"
import { mailFor, type Shop } from "./from-canonical.ts"

/** Any mail server that accepts submissions by SMTP. */
export const smtp = defineConnector({
  name: "smtp",
  apiVersion: "RFC 5321",
  apiDocs: "https://www.rfc-editor.org/rfc/rfc5321",
  connection: Type.Object({
    host: Type.String({ minLength: 1, description: "name or address of the mail server" }),
    port: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 65_535, description: "default 587, or 465 with implicit TLS" }),
    ),
    tls: Type.Optional(
      Type.Union([Type.Literal("implicit"), Type.Literal("required"), Type.Literal("none")], {
        description: "TLS from the first byte, by STARTTLS (default), or not at all",
      }),
    ),
    user: Type.Optional(Type.String({ description: "name to log in with; no login without" })),
    password: Type.Optional(Type.String({ description: "password to log in with" })),
    from: Type.String({ minLength: 3, description: "sender, e.g. `Crossdock Shop <orders@shop.example>`" }),
    shopName: Type.String({ minLength: 1, description: "the shop's name as buyers know it" }),
    contact: Type.String({ minLength: 3, description: "mail address buyers are told to write to" }),
    messageIdDomain: Type.String({
      pattern: "^[a-z0-9.-]+$",
      description: "right half of every Message-ID, e.g. shop.example",
    }),
    timeoutMs: Type.Optional(
      Type.Integer({ minimum: 100, description: "longest time for each step of a mail; default 30,000" }),
    ),
    allowPrivateNetwork: Type.Optional(
      Type.Boolean({ description: "whether the server may be in a private network; off by default" }),
    ),
  }),
  // Submission services publish very different limits. Ten connections are few for any of them, and a waiting mail
  // delays no other work.
  rate: { concurrencyMax: 10 },
  timeoutMs: smtpTimeoutMs,
  connect(settings, { connectionId }) {
    const client = createSmtpClient(settings)
    const shop: Shop = { name: settings.shopName, contact: settings.contact }
    return {
      notifiesCustomers: notifiesCustomers(client, { connectionId, shop, domain: settings.messageIdDomain }),
      mailsStaff: {
        mail: ({ key, ...mail }, signal) =>
          client.send({ ...mail, messageId: `<${key}@${settings.messageIdDomain}>` }, signal),
      },
      check: client.check,
      close: client.close,
    }
  },
})

function notifiesCustomers(
  client: SmtpClient,
  options: { connectionId: string; shop: Shop; domain: string },
): NotifiesCustomers {
  return {
    sendMessage: {
      async send({ kind, ...message }, call) {
        const mail = mailFor(kind, message, options.shop)
        // Without an address no mail can be sent; the order continues.
        if (mail === undefined) return {}
        const messageId = `<${call.key}@${options.domain}>`
        await client.send({ ...mail, messageId }, call.signal)
        return { reference: reference(options.connectionId, "mail", messageId) }
      },
      // A mail server cannot be asked which mails it accepted. "Not there" makes the caller send again under the same
      // Message-ID, by which the buyer's mail program recognises a repeat.
      probe: () => Promise.resolve(undefined),
    },
  }
}
