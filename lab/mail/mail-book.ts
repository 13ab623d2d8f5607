import type { KeptMap } from "../keep/kept.ts"

/** One message as its recipient sees it, however often it arrived. */
export type StoredMessage = {
  messageId: string
  from: string
  recipients: string[]
  subject: string
  /** How often a message with this Message-ID was accepted; more than once means that the sender repeated it. */
  deliveries: number
  firstAt: string
  text: string
}

export type MailBook = {
  add(message: { raw: string; from: string; recipients: string[] }): string
  messages(): StoredMessage[]
  reset(): void
}

const textCharactersMax = 8_192

export function createMailBook(messages: KeptMap<string, StoredMessage>): MailBook {
  let nameless = messages.size
  return {
    add: ({ raw, from, recipients }) => {
      const headers = headersOf(raw)
      nameless += headers.has("message-id") ? 0 : 1
      const messageId = headers.get("message-id") ?? `nameless-${nameless}`
      const known = messages.get(messageId)
      if (known !== undefined) {
        known.deliveries += 1
        messages.changed(messageId)
      } else
        messages.set(messageId, {
          messageId,
          from,
          recipients,
          subject: headers.get("subject") ?? "",
          deliveries: 1,
          firstAt: new Date().toISOString(),
          text: bodyOf(raw).slice(0, textCharactersMax),
        })
      return messageId
    },
    messages: () => [...messages.values()],
    reset: () => messages.clear(),
  }
}

/** Header names in lower case, folded lines joined (RFC 5322, section 2.2.3); the first of a name wins. */
export function headersOf(raw: string): Map<string, string> {
  const headers = new Map<string, string>()
  const [head = ""] = raw.split(/\r?\n\r?\n/, 1)
  for (const line of head.replaceAll(/\r?\n[ \t]+/g, " ").split(/\r?\n/)) {
    const colon = line.indexOf(":")
    const name = line.slice(0, colon).trim().toLowerCase()
    if (colon > 0 && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim())
  }
  return headers
}

function bodyOf(raw: string): string {
  const end = /\r?\n\r?\n/.exec(raw)
  return end === null ? "" : raw.slice(end.index + end[0].length)
}
