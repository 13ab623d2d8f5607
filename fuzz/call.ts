import { Agent, request } from "node:http"

/** One request, its path as it goes over the wire. */
export interface Call {
  method: string
  path: string
  headers: Record<string, string>
  body?: Buffer | string | undefined
}

/** What came back; status 0 when nothing did. */
export interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

const waitMaxMs = 15_000

/** Sends requests that tidy clients refuse to send, over kept connections. */
export class Caller {
  readonly #base: URL
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 16 })

  constructor(baseUrl: string) {
    this.#base = new URL(baseUrl)
  }

  send({ method, path, headers, body }: Call): Promise<Answer> {
    return new Promise((resolve) => {
      const none = (error: Error) => resolve({ status: 0, headers: {}, text: error.message })
      const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) }
      const sent = request(
        {
          host: this.#base.hostname,
          port: this.#base.port,
          method,
          path,
          headers: { ...headers, ...length },
          agent: this.#agent,
          timeout: waitMaxMs,
        },
        (response) => {
          const chunks: Buffer[] = []
          // A stream of hints has no end: that it began is its answer.
          if (response.headers["content-type"]?.startsWith("text/event-stream")) {
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text: "" })
            response.destroy()
            return
          }
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("error", none)
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString("utf8"),
            }),
          )
        },
      )
      sent.on("timeout", () => sent.destroy(new Error(`no answer within ${waitMaxMs} ms`)))
      sent.on("error", none)
      sent.end(body)
    })
  }

  close(): void {
    this.#agent.destroy()
  }
}
