import { request } from "node:http"
import type { TrytonServer } from "./tryton.ts"

/** A refusal inside an HTTP 200 answer: Tryton's exception name and its words. */
class TrytonFault extends Error {
  readonly kind: string
  readonly detail: unknown

  constructor(kind: string, detail: unknown) {
    super(`${kind}: ${JSON.stringify(detail)}`)
    this.name = "TrytonFault"
    this.kind = kind
    this.detail = detail
  }
}

/** Calls a model method; the user's context goes in as the last parameter. */
export type TrytonClient = {
  call: <Result>(method: string, ...params: unknown[]) => Promise<Result>
  /** The same, with entries added to the context (`stock_date_end`, `locations`, `_timestamp` …). */
  callIn: <Result>(extra: Record<string, unknown>, method: string, ...params: unknown[]) => Promise<Result>
}

/** A decimal as Tryton's JSON wants it: text, never a float. */
export function decimal(text: string): object {
  return { __class__: "Decimal", decimal: text }
}

/** A calendar day as Tryton's JSON wants it, from `YYYY-MM-DD`. */
export function date(day: string): object {
  const [year, month, dayOfMonth] = day.split("-").map(Number)
  return { __class__: "date", year, month, day: dayOfMonth }
}

/** Logs in and fetches the context. Independent of Crossdock's connector on purpose: it checks what that one did. */
export async function openTrytonClient(
  server: Pick<TrytonServer, "url" | "database" | "user" | "password">,
): Promise<TrytonClient> {
  const endpoint = `${server.url}/${server.database}/`
  const credentials = [server.user, { password: server.password, device_cookie: null }, "en"]
  const [userId, key] = await post<[number, string]>(endpoint, { method: "common.db.login", params: credentials })
  const authorization = `Session ${Buffer.from(`${server.user}:${userId}:${key}`).toString("base64")}`
  const send = <Result>(method: string, params: unknown[]): Promise<Result> =>
    post<Result>(endpoint, { method, params, authorization })
  const context = await send<Record<string, unknown>>("model.res.user.get_preferences", [true, {}])
  return {
    call: (method, ...params) => send(method, [...params, context]),
    callIn: (extra, method, ...params) => send(method, [...params, { ...context, ...extra }]),
  }
}

type Call = { method: string; params: unknown[]; authorization?: string }

async function post<Result>(endpoint: string, call: Call): Promise<Result> {
  const body = JSON.stringify({ id: 1, method: call.method, params: call.params })
  const { status, text } = await exchange(endpoint, body, call.authorization)
  if (status !== 200) throw new TrytonFault(`HTTP ${status}`, text.slice(0, 300))
  // The cast: the caller knows the shape of the method it names.
  const answer = JSON.parse(text) as { result?: Result; error?: [string, unknown] }
  if (answer.error !== undefined) throw new TrytonFault(answer.error[0], answer.error[1])
  return answer.result as Result
}

/** One request per connection: uwsgi closes kept connections without saying so (seen on 1-2 % of calls). */
function exchange(endpoint: string, body: string, authorization?: string): Promise<{ status: number; text: string }> {
  const headers: Record<string, string> = { "content-type": "application/json", connection: "close" }
  if (authorization !== undefined) headers["authorization"] = authorization
  return new Promise((resolve, reject) => {
    const sent = request(endpoint, { method: "POST", headers, agent: false, timeout: 60_000 }, (response) => {
      const chunks: Buffer[] = []
      response.on("data", (chunk: Buffer) => chunks.push(chunk))
      response.on("error", reject)
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
      )
    })
    sent.on("timeout", () => sent.destroy(new Error("Tryton did not answer within 60 s")))
    sent.on("error", reject)
    sent.end(body)
  })
}
