import type { Agent } from "node:http"
import { request as httpRequest } from "node:http"

type Sending = { body: string; headers: Record<string, string>; agent: Agent; timeoutMs: number }

/** Sends JSON and returns whether a 2xx came in time. The response body is ignored. */
export function post(url: string, options: Sending): Promise<boolean> {
  return new Promise((resolve) => {
    const body = Buffer.from(options.body)
    const request = httpRequest(url, {
      method: "POST",
      agent: options.agent,
      timeout: options.timeoutMs,
      headers: {
        "content-type": "application/json",
        "content-length": String(body.length),
        ...options.headers,
      },
    })
    // A response may stop in the middle, so the whole exchange has one deadline.
    const deadline = setTimeout(() => request.destroy(new Error("webhook timeout")), options.timeoutMs)
    const finish = (isDelivered: boolean): void => {
      clearTimeout(deadline)
      resolve(isDelivered)
    }
    request.on("response", (response) => {
      const status = response.statusCode ?? 0
      response.resume()
      response.on("end", () => finish(status >= 200 && status < 300))
      response.on("error", () => finish(false))
      response.on("aborted", () => finish(false))
    })
    request.on("error", () => finish(false))
    request.end(body)
  })
}
