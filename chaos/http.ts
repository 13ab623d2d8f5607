import { setTimeout as sleep } from "node:timers/promises"

export interface HttpAnswer {
  status: number
  body: unknown
}

interface HttpRequest {
  method?: string
  body?: unknown
  headers?: Record<string, string>
}

/** Sends one request; throws when there is no response. */
export async function call(url: string, request: HttpRequest = {}): Promise<HttpAnswer> {
  const answer = await fetch(url, {
    method: request.method ?? "GET",
    headers: { ...(request.body === undefined ? {} : { "content-type": "application/json" }), ...request.headers },
    signal: AbortSignal.timeout(30_000),
    ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
  })
  const text = await answer.text()
  const isJson = text.startsWith("{") || text.startsWith("[")
  return { status: answer.status, body: isJson ? (JSON.parse(text) as unknown) : text }
}

/**
 * Repeats a request until it gets a 2xx; for reads and idempotent writes only. `url` may return another address at each
 * attempt.
 */
export async function callUntilAnswered(
  url: string | (() => string),
  request: HttpRequest = {},
  patienceMs = 60_000,
): Promise<unknown> {
  const deadline = Date.now() + patienceMs
  const next = () => (typeof url === "string" ? url : url())
  let last = "no answer"
  let address = ""
  while (Date.now() < deadline) {
    address = next()
    try {
      const answer = await call(address, request)
      if (answer.status < 300) return answer.body
      last = `${answer.status}: ${JSON.stringify(answer.body).slice(0, 500)}`
      if (answer.status >= 400 && answer.status < 500 && answer.status !== 429) break
    } catch (error) {
      last = String(error)
    }
    await sleep(250)
  }
  throw new Error(`${request.method ?? "GET"} ${address} was not answered: ${last}`)
}
