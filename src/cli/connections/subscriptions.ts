import { AppError } from "../../base/errors.ts"
import type { Api } from "../api.ts"
import { table } from "../table.ts"
import { needed, withApi, word } from "../with-api.ts"

interface Subscription {
  id: string
  url: string
  types: string[]
  state: string
  why?: string
  sent: number
  lastSentAt?: string
  failingSince?: string
  lastError?: string
  waitingKeys: number
}

const options = { for: { type: "string" }, types: { type: "string" }, since: { type: "string" } } as const
const usage = "crossdock subscriptions add <id> <url> --for TEXT [--types order.*,stock.moved] [--since T]"

type Values = Record<string, string | boolean | undefined>

/** `crossdock subscriptions`: other teams' systems that the events of the log are sent to. */
export function runSubscriptions(args: string[]): Promise<number> {
  return withApi(args, options, async (api, { values, positionals: [act, ...rest] }) => {
    if (act === undefined) {
      const list = await api.get<{ items: Subscription[] }>("/v1/subscriptions")
      const none = `events are sent to nobody; ${usage}`
      return { data: list, text: () => (list.items.length === 0 ? none : subscriptionsText(list.items)) }
    }
    if (act === "add") return add(api, rest, values)
    const path = `/v1/subscriptions/${encodeURIComponent(needed(rest, `crossdock subscriptions ${act} <id>`))}`
    if (act === "remove") {
      const data = await api.delete<object>(path)
      return { data, text: () => `${rest[0]} is sent nothing more` }
    }
    if (act === "test") {
      const data = await api.post<{ isTaken: boolean; error?: string }>(`${path}/test`, {})
      return { data, text: () => (data.isTaken ? "the receiver took it" : `it was not taken: ${data.error}`) }
    }
    if (act === "rotate") {
      const data = await api.post<{ secret: string }>(`${path}/rotate`, {})
      return { data, text: () => secretText(data, "for a day messages are signed with the former one too") }
    }
    const since = word(values["since"])
    if (!["pause", "resume", "replay"].includes(act) || (act === "replay" && since === undefined))
      throw new AppError(
        "REQUEST_INVALID",
        `say: ${usage}, pause|resume|test|rotate|remove <id>, or replay <id> --since T`,
      )
    const data = await api.post<Subscription>(`${path}/${act}`, act === "replay" ? { since } : {})
    return { data, text: () => subscriptionsText([data]) }
  })
}

async function add(api: Api, [id, url]: string[], values: Values) {
  const description = word(values["for"])
  const since = word(values["since"])
  const types = word(values["types"])?.split(",")
  if (id === undefined || url === undefined || description === undefined)
    throw new AppError("REQUEST_INVALID", `say: ${usage}`)
  const wanted = { id, url, description, ...(types ? { types } : {}), ...(since ? { since } : {}) }
  const data = await api.post<Subscription & { secret: string }>("/v1/subscriptions", wanted)
  return { data, text: () => secretText(data, `crossdock subscriptions test ${id} sends a first message`) }
}

const secretText = ({ secret }: { secret: string }, more: string) => `the secret, for its receiver: ${secret}\n${more}`

function subscriptionsText(items: readonly Subscription[]): string {
  const rows = items.map((one) => [
    one.id,
    one.failingSince === undefined ? one.state : `failing since ${one.failingSince.slice(0, 16)}`,
    String(one.sent),
    one.lastSentAt?.slice(0, 19) ?? "never",
    String(one.waitingKeys),
    new URL(one.url).host,
    one.types.length === 0 ? "all" : one.types.join(" "),
    one.why ?? one.lastError ?? "",
  ])
  return table(["subscription", "state", "sent", "last", "refused", "to", "types", "why"], rows)
}
