import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** One call as it went past: what was asked, and what the vendor answered where that was JSON. */
export interface Exchange {
  method: string
  /** Path and query, decoded. */
  path: string
  headers: Readonly<Record<string, string>>
  /** The body as JSON where it is JSON, and as it was sent. */
  body: unknown
  text: string
  answer: unknown
}

/** Stands between a connector and a simulator: notes every call, and changes answers as a test wishes. */
export interface Recorder {
  url: string
  /** Calls since it was last emptied. */
  exchanges: Exchange[]
  /** Makes another answer, as JSON; undefined, here or as its result, leaves an answer as it is. */
  alter: ((exchange: Exchange) => unknown) | undefined
  stop(): Promise<void>
}

export async function startRecorder(target: string): Promise<Recorder> {
  const server = createServer((request, response) => {
    void pass(request, response).catch(() => response.destroy())
  })
  const recorder: Recorder = {
    url: "",
    exchanges: [],
    alter: undefined,
    stop: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  }

  async function pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const bytes = Buffer.concat(chunks)
    const { method = "GET", url = "/" } = request
    const headers = Object.fromEntries(
      Object.entries(request.headers).flatMap(([name, value]) =>
        ["host", "connection", "content-length", "transfer-encoding"].includes(name) ? [] : [[name, String(value)]],
      ),
    )
    const sent = bytes.length > 0 ? { body: bytes } : {}
    const answer = await fetch(target + url, { method, headers, redirect: "manual", ...sent })
    const text = await answer.text()
    const exchange: Exchange = {
      method,
      path: decodeURIComponent(url),
      headers,
      body: json(bytes.toString("utf8")),
      text: bytes.toString("utf8"),
      answer: json(text),
    }
    recorder.exchanges.push(exchange)
    const altered = recorder.alter?.(exchange)
    const out = altered === undefined ? text : JSON.stringify(altered)
    response.writeHead(answer.status, headersOf(answer))
    response.end(out)
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  recorder.url = `http://127.0.0.1:${port}`
  return recorder
}

function headersOf(answer: Response): Record<string, string | string[]> {
  const dropped = ["content-length", "content-encoding", "transfer-encoding", "connection", "set-cookie"]
  const headers = [...answer.headers].filter(([name]) => !dropped.includes(name))
  const cookies = answer.headers.getSetCookie()
  return { ...Object.fromEntries(headers), ...(cookies.length > 0 ? { "set-cookie": cookies } : {}) }
}

function json(text: string): unknown {
  try {
    return text.startsWith("{") || text.startsWith("[") ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
