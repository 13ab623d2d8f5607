import { createRequire } from "node:module"
import { isIP } from "node:net"
import type { Dispatcher, Pool as PoolOf } from "undici"
import { AppError } from "./errors.ts"
import { isPrivateAddress, Sockets } from "./http/sockets.ts"

export { isPrivateAddress, publicOnlyLookup } from "./http/sockets.ts"

// Imported by path: undici's main file costs 13 MB more per process and replaces the dispatcher behind Node's own
// `fetch`. undici publishes types for the main file only, hence the cast.
const Pool = createRequire(import.meta.url)("undici/lib/dispatcher/pool.js") as typeof PoolOf

/** Settings of a client for one other system. */
export interface HttpClientOptions {
  baseUrl: string
  /** Longest time for one call, from connect to last byte. */
  timeoutMs: number
  /** Most sockets at a time. */
  socketsMax?: number
  /**
   * Whether sockets are reused. Set it to false for servers that close idle sockets unannounced (uwsgi did so to 1-2 %
   * of POSTs).
   */
  keepAlive?: boolean
  /**
   * Whether private and loopback addresses may be called. Default false, so that a configured URL cannot reach internal
   * hosts.
   */
  allowPrivateNetwork?: boolean
  /** Most bytes of an answer's body. Nothing is read beyond it, and the call fails. Default 32 MiB. */
  answerBytesMax?: number
  /** Whether a longer answer is cut there instead: status and headers count, and its connection is closed. Default false. */
  cutsAnswers?: boolean
  /** Headers sent with every call. */
  headers?: Record<string, string>
}

/** One call. `path` is joined to the base address as it is. */
export interface HttpCall {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Aborts the call early, e.g. when its lease ends. */
  signal?: AbortSignal
  /** Set for a POST that only reads: a failure is then `unavailable`, not `uncertain`. */
  isRead?: boolean
}

/** A complete response of the other system, whatever its status. */
export interface HttpAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
}

/** Calls one other system. */
export interface HttpClient {
  readonly baseUrl: string
  send(call: HttpCall): Promise<HttpAnswer>
  close(): void
}

const usualAnswerBytesMax = 32 * 1024 * 1024

/**
 * Makes a client. Redirects are never followed, and a call is never repeated.
 *
 * Errors: VENDOR_UNAVAILABLE when the request cannot have been sent, or when the call only reads; VENDOR_UNCERTAIN when a write may
 * have been sent and no whole answer came (reset, time-out, abort); INVARIANT_BROKEN when the call cannot be written as HTTP.
 * Any status code is returned, not thrown. Only `100 Continue`, which Crossdock never requests, does not count as a
 * response.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.baseUrl)
  if (base.protocol !== "http:" && base.protocol !== "https:")
    throw new AppError("CONFIG_INVALID", `${options.baseUrl} is not an http or https address`)
  // A URL has brackets around an IPv6 address.
  const host = base.hostname.replace(/^\[|\]$/g, "")
  if (!options.allowPrivateNetwork && isIP(host) !== 0 && isPrivateAddress(host))
    throw new AppError("CONFIG_INVALID", `${options.baseUrl} is a private address; set allowPrivateNetwork to call it`)
  const sockets = new Sockets(options)
  const pool = new Pool(base.origin, {
    connections: options.socketsMax ?? 64,
    connect: sockets.connect,
    // 0 makes undici send `connection: close`. With more than 1 undici may send a call again that it pipelined behind
    // another.
    pipelining: options.keepAlive === false ? 0 : 1,
    // With HTTP/2 undici would repeat calls that the other side reports as not processed.
    allowH2: false,
    // The call's own deadline covers these.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: options.answerBytesMax ?? usualAnswerBytesMax,
  })
  const prefix = base.pathname.replace(/\/$/, "")
  const send = (call: HttpCall) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const path = `${prefix}${call.path}`
      const isRead = call.isRead ?? call.method === "GET"
      const fail = (error: Error, mayBeSeen: boolean) => {
        const code =
          mayBeSeen && !isRead ? "VENDOR_UNCERTAIN" : isUnwritable(error) ? "INVARIANT_BROKEN" : "VENDOR_UNAVAILABLE"
        reject(
          new AppError(code, `${call.method} ${base.host}${path.split("?", 1)[0]}: ${wordsOf(error)}`, {
            cause: error,
          }),
        )
      }
      const exchange = new Exchange({
        resolve,
        fail,
        sockets,
        signal: call.signal,
        cutsAnswers: options.cutsAnswers ?? false,
      })
      if (!exchange.begin(options.timeoutMs)) return
      pool.dispatch(
        { method: call.method, path, headers: { ...options.headers, ...call.headers }, body: call.body ?? null },
        exchange,
      )
    })
  const close = () => {
    void pool.destroy()
    sockets.close()
  }
  return { baseUrl: options.baseUrl, send, close }
}

interface ExchangeOptions {
  resolve(answer: HttpAnswer): void
  fail(error: Error, mayBeSeen: boolean): void
  sockets: Sockets
  signal: AbortSignal | undefined
  cutsAnswers: boolean
}

/** One call in progress. undici reports its events here, and the call is settled once. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions
  /** True from right before the first byte is written. Until then the other side cannot know of the call. */
  #mayBeSeen = false
  #isOver = false
  #deadline: NodeJS.Timeout | undefined
  #controller: Dispatcher.DispatchController | undefined
  #answer = { status: 0, headers: {} as HttpAnswer["headers"] }
  readonly #chunks: Buffer[] = []

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** Starts the deadline. Returns false when the caller aborted before the call began. */
  begin(timeoutMs: number): boolean {
    const { signal } = this.#options
    if (signal?.aborted) {
      this.handleEvent()
      return false
    }
    this.#deadline = setTimeout(giveUp, timeoutMs, this)
    signal?.addEventListener("abort", this)
    return true
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // When this throws, undici writes nothing and keeps the connection for the next call.
    // After a paused process wakes, the abort may be due but not yet delivered as an event, so check the signal itself.
    if (this.#isOver || this.#options.signal?.aborted) throw new Error("aborted while waiting for a connection")
    if (this.#mayBeSeen) throw new Error("the call would have been sent a second time")
    this.#mayBeSeen = true
    this.#controller = controller
  }

  onResponseStart(_: unknown, status: number, headers: HttpAnswer["headers"]): void {
    // Interim responses (1xx, RFC 9110 §15.2) are reported here too; the last one is the final response.
    this.#answer = { status, headers }
  }

  onResponseData(_: unknown, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#options.sockets.isBreaking) return this.#fail(new Error("the response was cut off"))
    this.#resolve()
  }

  onResponseError(_: unknown, error: Error): void {
    const isCut = this.#options.cutsAnswers && "code" in error && error.code === "UND_ERR_RES_EXCEEDED_MAX_SIZE"
    if (isCut) this.#resolve()
    else this.#fail(error)
  }

  #resolve(): void {
    if (!this.#end()) return
    const { status, headers } = this.#answer
    this.#options.resolve({ status, headers: joined(headers), text: Buffer.concat(this.#chunks).toString("utf8") })
  }

  /** The caller's signal was aborted. */
  handleEvent(): void {
    const reason: unknown = this.#options.signal?.reason
    this.giveUp(reason instanceof Error ? reason : new Error("aborted"))
  }

  giveUp(reason: Error): void {
    this.#fail(reason)
    this.#controller?.abort(reason)
  }

  #fail(error: Error): void {
    if (this.#end()) this.#options.fail(error, this.#mayBeSeen)
  }

  /** Ends the call. Returns false when it had ended before. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    clearTimeout(this.#deadline)
    this.#options.signal?.removeEventListener("abort", this)
    return true
  }
}

function giveUp(exchange: Exchange): void {
  exchange.giveUp(new Error("timed out"))
}

/** Joins the values of a repeated header (RFC 9110 §5.3), except cookies, which contain commas. */
function joined(headers: HttpAnswer["headers"]): HttpAnswer["headers"] {
  for (const name in headers) {
    const value = headers[name]
    if (Array.isArray(value) && name !== "set-cookie") headers[name] = value.join(", ")
  }
  return headers
}

/** Whether a header, path or method cannot be sent over HTTP. That is our own mistake and fails on every attempt. */
function isUnwritable(error: Error): boolean {
  return "code" in error && error.code === "UND_ERR_INVALID_ARG"
}

/** Text of an error. The error of a host with several addresses has an empty message and one error per address. */
function wordsOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(String).join("; ")
  return error.message
}

/** First value of a header, or undefined. */
export function headerText(answer: HttpAnswer, name: string): string | undefined {
  const value = answer.headers[name.toLowerCase()]
  return Array.isArray(value) ? value[0] : value
}

/** `Retry-After` (RFC 9110 §10.2.3: seconds or HTTP date) in milliseconds; undefined when absent or unreadable. */
export function retryAfterMs(answer: HttpAnswer, nowMs: number): number | undefined {
  const value = headerText(answer, "retry-after")
  if (value === undefined) return undefined
  if (/^\d+(\.\d+)?$/.test(value)) return Math.ceil(Number(value) * 1000)
  const at = Date.parse(value)
  return Number.isNaN(at) ? undefined : Math.max(0, at - nowMs)
}

/** Parses a response as JSON. Throws VENDOR_MISBEHAVED with its first characters when it is not JSON. */
export function answerJson(answer: HttpAnswer): unknown {
  try {
    return JSON.parse(answer.text)
  } catch {
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `status ${answer.status} with a body that is not JSON: ${answer.text.slice(0, 200)}`,
    )
  }
}
