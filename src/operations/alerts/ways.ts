import { AppError, asAppError, type Problem } from "../../base/errors.ts"
import { createHttpClient, type HttpClient } from "../../base/http.ts"
import type { Clock } from "../../base/time.ts"
import type { MailsStaff } from "../../ports/capabilities/service.ts"
import { signStandardWebhook } from "../../protocols/standard-webhooks.ts"
import { plainText, slackBody, type Message } from "../../rules/alerts/message.ts"
import type { AlertReceiver } from "./policies.ts"

/** One way to people. */
export interface Way {
  /** Resolves when the other side has it. Throws `rejected` when it will never take this message. */
  send(message: Message, signal: AbortSignal): Promise<void>
  close(): void
}

const timeoutMs = 15_000

/** Opens the way that a receiver declares. CONFIG_INVALID: an address in a private network that is not allowed. */
export function wayOf(
  receiver: AlertReceiver,
  { clock, mails }: { clock: Clock; mails: (connection: string) => MailsStaff | undefined },
): Way {
  if (receiver.kind === "mail") return mailWay(receiver, mails(receiver.connection))
  const { url, allowPrivateNetwork = false } = receiver
  const { origin, pathname, search } = new URL(url)
  const client = createHttpClient({ baseUrl: origin, timeoutMs, socketsMax: 2, keepAlive: false, allowPrivateNetwork })
  const path = pathname + search
  const bodyOf = (message: Message) => JSON.stringify(receiver.kind === "slack" ? slackBody(message) : message)
  return {
    async send(message, signal) {
      const body = bodyOf(message)
      const signed =
        receiver.kind === "webhook"
          ? signStandardWebhook({ id: message.id, body }, { secret: receiver.secret, nowMs: clock.now() })
          : {}
      const call = { path, body, headers: { "content-type": "application/json", ...signed }, signal }
      const said = await post(client, call)
      if (receiver.kind === "slack") checkTaken(said)
    },
    close: () => client.close(),
  }
}

/** The other side never takes this one, whatever is done there. */
const neverTaken = new Set([400, 413, 415, 422])

async function post(
  client: HttpClient,
  { path, body, headers, signal }: { path: string; body: string; headers: Record<string, string>; signal: AbortSignal },
): Promise<string> {
  const { status, text } = await client
    .send({ method: "POST", path, body, headers, signal })
    .catch((thrown: unknown) => {
      // The path of such an address is its secret; errors are shown.
      const { code, message } = asAppError(thrown)
      throw new AppError(code, message.replaceAll(path.split("?", 1)[0] ?? path, "/…"))
    })
  if (status >= 200 && status < 300) return text
  const isMoved = status >= 300 && status < 400
  const more = isMoved ? "redirects are not followed, set the new address" : reasonIn(text)
  throw new AppError(
    neverTaken.has(status) ? "VENDOR_REJECTED" : "VENDOR_UNAVAILABLE",
    `it answers with status ${status}${more === undefined ? "" : `: ${more}`}`,
  )
}

/** The reason that Slack gives, as its incoming webhooks do (`channel_is_archived`) or as its API does (`{"ok":false,"error":"no_text"}`). */
function reasonIn(text: string): string | undefined {
  return /^[a-z]+(?:_[a-z]+)+$/.exec(text.trim())?.[0] ?? /"error"\s*:\s*"([a-z_]+)"/.exec(text)?.[1]
}

/** Reasons for which Slack never takes a message. */
const wrongMessage = new Set(["no_text", "invalid_payload", "too_many_attachments"])

/** Slack's API, and gateways before its webhooks, answer 200 to a message that was refused. */
function checkTaken(text: string): void {
  const reason = reasonIn(text)
  if (reason === undefined) return
  throw new AppError(wrongMessage.has(reason) ? "VENDOR_REJECTED" : "VENDOR_UNAVAILABLE", `it answers: ${reason}`)
}

function mailWay({ to, connection }: Extract<AlertReceiver, { kind: "mail" }>, mails: MailsStaff | undefined): Way {
  if (!mails) throw new AppError("CONFIG_INVALID", `connection "${connection}" sends no mail`)
  return {
    async send(message, signal) {
      const text = plainText(message)
      for (const [place, address] of to.entries())
        await mails.mail({ to: address, subject: message.title, text, key: `${message.id}.${place}` }, signal)
    },
    close: () => undefined,
  }
}

/** Addresses that may not be called: of no system outside, and nobody allowed it. */
export function addressProblems(receivers: Readonly<Record<string, AlertReceiver>> = {}): Problem[] {
  return Object.entries(receivers).flatMap(([name, receiver]) => {
    if (receiver.kind === "mail") return []
    try {
      wayOf(receiver, { clock: { now: () => 0 }, mails: () => undefined }).close()
      return []
    } catch (thrown) {
      const isPrivate = asAppError(thrown).message.includes("private address")
      const message = isPrivate
        ? "is a private address; set allowPrivateNetwork to call it"
        : "is no address to send to"
      return [{ pointer: `/receivers/${name}/url`, message }]
    }
  })
}
