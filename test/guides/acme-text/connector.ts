import { Type } from "typebox"
import { AppError } from "../../../src/base/errors.ts"
import { answerJson, createHttpClient, retryAfterMs, type HttpAnswer } from "../../../src/base/http.ts"
import { validator } from "../../../src/canonical/validate.ts"
import type { NotifiesCustomers } from "../../../src/ports/capabilities/service.ts"
import { defineConnector } from "../../../src/ports/connector.ts"
import { reference } from "../../../src/ports/write.ts"

const timeoutMs = 10_000

const messages = validator(
  Type.Object({ messages: Type.Array(Type.Object({ messageId: Type.String(), reference: Type.String() })) }),
  "list of messages",
)

/** Acme Text, which sends text messages. */
export const acmeText = defineConnector({
  name: "acme-text",
  apiVersion: "2026-10",
  apiDocs: "https://example.com/acme-text",
  connection: Type.Object({
    baseUrl: Type.String({ format: "uri", description: "where Acme answers" }),
    apiKey: Type.String({ minLength: 1, description: "key of the account" }),
    allowPrivateNetwork: Type.Optional(Type.Boolean({ description: "only for a simulator" })),
  }),
  // 20 messages a second and account: https://example.com/acme-text/limits, read 2026-11-20.
  rate: { concurrencyMax: 8, perSecond: 20 },
  timeoutMs,
  connect({ baseUrl, apiKey, allowPrivateNetwork = false }, { connectionId, clock }) {
    const headers = { authorization: `Bearer ${apiKey}`, "content-type": "application/json" }
    const http = createHttpClient({ baseUrl, timeoutMs, headers, allowPrivateNetwork })
    const find = async (key: string, signal: AbortSignal) => {
      const answer = await http.send({ method: "GET", path: `/messages?reference=${encodeURIComponent(key)}`, signal })
      if (answer.status !== 200) throw refusal(answer, { isRead: true, nowMs: clock.now() })
      return messages.parse(answerJson(answer)).messages[0]
    }
    const notifiesCustomers: NotifiesCustomers = {
      sendMessage: {
        async send({ order, kind }, { key, signal }) {
          const to = order.customer.phone
          // A buyer who left no number cannot be written to; that is no reason to stop an order.
          if (to === undefined) return {}
          // Our key is their reference: a second message with it is not sent, and by it we find the first.
          const body = JSON.stringify({ reference: key, to, text: `Order ${order.number}: ${kind}` })
          const answer = await http.send({ method: "POST", path: "/messages", body, signal })
          if (answer.status !== 201 && answer.status !== 200)
            throw refusal(answer, { isRead: false, nowMs: clock.now() })
          return { reference: reference(connectionId, "message", key) }
        },
        async probe(_input, { key, signal }) {
          return (await find(key, signal)) && { reference: reference(connectionId, "message", key) }
        },
      },
    }
    return {
      notifiesCustomers,
      check: async () => void (await find("check", AbortSignal.timeout(timeoutMs))),
      close: http.close,
    }
  },
})

/** What a status that is no success means. The kind must be true: it decides whether a message may be sent twice. */
function refusal(answer: HttpAnswer, { isRead, nowMs }: { isRead: boolean; nowMs: number }): AppError {
  const words = `${answer.status} ${answer.text.slice(0, 200)}`
  const waitMs = retryAfterMs(answer, nowMs)
  if (answer.status === 429)
    return new AppError("VENDOR_UNAVAILABLE", words, waitMs === undefined ? {} : { retryAfterMs: waitMs })
  // Also a 503 may come from something between, after Acme sent the message.
  if (answer.status >= 500) return new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", words)
  return new AppError("VENDOR_REJECTED", words)
}
