import type { FastifyRequest } from "fastify"

/** One request as the vendor saw it; secrets keep only their last four characters. */
export type RequestEntry = {
  at: string
  method: string
  url: string
  headers: Record<string, string>
  body: string
  operation?: string
  status?: number
  fault?: string
}

export type RequestLog = {
  add(request: FastifyRequest, body: Buffer): RequestEntry
  last(limit: number): RequestEntry[]
  clear(): void
}

const entriesMax = 1_000
const bodyBytesMax = 16_384
const secretHeaders = new Set(["authorization", "cookie", "x-csrf-token", "x-shopify-access-token"])

/** The last thousand requests, for tests that must see what a connector really sent. */
export function createRequestLog(): RequestLog {
  let entries: RequestEntry[] = []
  return {
    add: (request, body) => {
      const entry = new LazyEntry(request, body)
      entries.push(entry)
      if (entries.length > entriesMax * 2) entries = entries.slice(-entriesMax)
      return entry
    },
    last: (limit) => entries.slice(-Math.min(limit, entriesMax)).map((entry) => ({ ...entry, ...viewOf(entry) })),
    clear: () => {
      entries = []
    },
  }
}

/** Keeps references and builds text only on request, because every request passes through the log. */
class LazyEntry implements RequestEntry {
  readonly #request: { headers: FastifyRequest["headers"]; body: Buffer; atMs: number }
  method: string
  url: string
  operation?: string
  status?: number
  fault?: string
  constructor(request: FastifyRequest, body: Buffer) {
    this.#request = { headers: request.headers, body: body.subarray(0, bodyBytesMax), atMs: Date.now() }
    this.method = request.method
    this.url = request.url
  }
  get at(): string {
    return new Date(this.#request.atMs).toISOString()
  }
  get headers(): Record<string, string> {
    return redacted(this.#request.headers)
  }
  get body(): string {
    return this.#request.body.toString("utf8")
  }
}

function viewOf(entry: RequestEntry): Pick<RequestEntry, "at" | "headers" | "body"> {
  return { at: entry.at, headers: entry.headers, body: entry.body }
}

function redacted(headers: FastifyRequest["headers"]): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const text = Array.isArray(value) ? value.join(", ") : (value ?? "")
    shown[name] = secretHeaders.has(name) ? `…${text.slice(-4)}` : text
  }
  return shown
}
