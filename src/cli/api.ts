import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { dataFolder, setting } from "../base/config.ts"
import { AppError } from "../base/errors.ts"
import { createHttpClient } from "../base/http.ts"
import { refused } from "./failure.ts"

type Method = "GET" | "POST" | "PUT" | "DELETE"

/** The public API as the commands use it: the same routes, keys and errors as everybody else's. */
export interface Api {
  readonly baseUrl: string
  get<Answer>(path: string, query?: Record<string, string | undefined>): Promise<Answer>
  post<Answer>(path: string, body: unknown): Promise<Answer>
  put<Answer>(path: string, body: unknown): Promise<Answer>
  delete<Answer>(path: string): Promise<Answer>
  /** Sends a CSV file. */
  postFile<Answer>(path: string, text: string): Promise<Answer>
  /** Reads a CSV file. */
  getFile(path: string): Promise<string>
  close(): void
}

/** Connects to the gateway named by CROSSDOCK_URL, or the one that `npm start` left an address and key of. */
export function connectApi(): Api {
  const folder = dataFolder()
  const baseUrl = setting("CROSSDOCK_URL") ?? readIfThere(join(folder, "gateway.url")) ?? "http://127.0.0.1:4400"
  const key = setting("CROSSDOCK_KEY") ?? readIfThere(join(folder, "operator.key"))
  if (key === undefined)
    throw new AppError(
      "AUTHENTICATION_FAILED",
      `no API key: set CROSSDOCK_KEY, or run where \`npm start\` keeps its data (looked in ${folder})`,
    )
  const client = createHttpClient({ baseUrl, timeoutMs: 60_000, allowPrivateNetwork: true })
  const send = async (method: Method, path: string, content?: { type: string; body: string }) => {
    const answer = await client.send({
      method,
      path,
      isRead: method === "GET",
      headers: {
        authorization: `Bearer ${key}`,
        ...(content ? { "content-type": content.type } : {}),
      },
      ...(content ? { body: content.body } : {}),
    })
    if (answer.status >= 400) throw refused(answer.status, answer.text)
    return answer.text
  }
  const call = async (method: Method, path: string, body?: unknown) => {
    const content = body === undefined ? undefined : { type: "application/json", body: JSON.stringify(body) }
    const text = await send(method, path, content)
    return JSON.parse(text === "" ? "null" : text) as unknown
  }
  return {
    baseUrl,
    // The answer's shape is the route's; commands name the parts they print.
    get: async <Answer>(path: string, query: Record<string, string | undefined> = {}) =>
      (await call("GET", path + queryText(query))) as Answer,
    post: async <Answer>(path: string, body: unknown) => (await call("POST", path, body)) as Answer,
    put: async <Answer>(path: string, body: unknown) => (await call("PUT", path, body)) as Answer,
    delete: async <Answer>(path: string) => (await call("DELETE", path)) as Answer,
    postFile: async <Answer>(path: string, text: string) =>
      JSON.parse(await send("POST", path, { type: "text/csv; charset=utf-8", body: text })) as Answer,
    getFile: (path) => send("GET", path),
    close: () => client.close(),
  }
}

function queryText(query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return given.length > 0 ? `?${new URLSearchParams(Object.fromEntries(given)).toString()}` : ""
}

function readIfThere(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").trim() : undefined
}
