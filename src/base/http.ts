import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from "node:http"
import { Agent as HttpsAgent, request as httpsRequest } from "node:https"
import { lookup as systemLookup } from "node:dns"
import { BlockList, isIP, type LookupFunction } from "node:net"
import { AppError } from "./errors.ts"

/** How a client reaches one other system. */
export interface HttpClientOptions {
  baseUrl: string
  /** Longest time for one call, from connect to last byte. */
  timeoutMs: number
  /** Sockets at most. */
  socketsMax?: number
  /** Whether sockets are reused. Off for servers that close them unannounced (uwsgi did so to 1-2 % of POSTs). */
  keepAlive?: boolean
  /** Whether addresses of private and loopback networks may be called. Off by default, so that a configured URL cannot reach inside. */
  allowPrivateNetwork?: boolean
  /** Sent with every call. */
  headers?: Record<string, string>
}

/** One call. `path` is joined to the base address as it is. */
export interface HttpCall {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  path: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  /** Ends the call early, e.g. when a lease runs out. */
  signal?: AbortSignal
  /** A POST that only reads may say so: a failure is then `unavailable`, not `uncertain`. */
  isRead?: boolean
}

/** Whatever the other side answered, whole; any status is an answer. */
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

const answerBytesMax = 32 * 1024 * 1024

const privateNetworks = new BlockList()
// Loopback, private, link-local (cloud metadata), carrier NAT and their IPv6 kin: RFC 6890 registry.
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  privateNetworks.addSubnet(network, prefix, "ipv4")
for (const [network, prefix] of [
  ["::", 128],
  ["::1", 128],
  ["fc00::", 7],
  ["fe80::", 10],
] as const)
  privateNetworks.addSubnet(network, prefix, "ipv6")

/** Whether an IP address belongs to a private, loopback or link-local network; IPv4 inside IPv6 is unwrapped. */
export function isPrivateAddress(address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1]
  if (mapped) return privateNetworks.check(mapped, "ipv4")
  return privateNetworks.check(address, isIP(address) === 6 ? "ipv6" : "ipv4")
}

// The check sits in the resolver of the socket itself, so the address that was checked is the address that is called.
const publicOnlyLookup: LookupFunction = (hostname, options, callback) => {
  systemLookup(hostname, options, (error, address, family) => {
    const addresses = Array.isArray(address) ? address.map((entry) => entry.address) : [address]
    if (!error && addresses.some(isPrivateAddress))
      return callback(Object.assign(new Error(`${hostname} is a private address`), { code: "EPRIVATE" }), "", 4)
    callback(error, address, family)
  })
}

/**
 * Makes a client. Redirects are never followed.
 *
 * Errors: VENDOR_UNAVAILABLE when nothing can have been sent, or when the call only reads; VENDOR_UNCERTAIN when a write was
 * sent and no whole answer came (reset, time-out, abort). Any status code is an answer and is returned, not thrown.
 */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const base = new URL(options.baseUrl)
  if (base.protocol !== "http:" && base.protocol !== "https:")
    throw new AppError("CONFIG_INVALID", `${options.baseUrl} is not an http or https address`)
  const isSecure = base.protocol === "https:"
  if (!options.allowPrivateNetwork && isIP(base.hostname) !== 0 && isPrivateAddress(base.hostname))
    throw new AppError("CONFIG_INVALID", `${options.baseUrl} is a private address; allow it by allowPrivateNetwork`)
  const agentOptions = {
    keepAlive: options.keepAlive ?? true,
    maxSockets: options.socketsMax ?? 64,
    ...(options.allowPrivateNetwork ? {} : { lookup: publicOnlyLookup }),
  }
  const agent = isSecure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions)
  const prefix = base.pathname.replace(/\/$/, "")
  const send = (call: HttpCall) =>
    new Promise<HttpAnswer>((resolve, reject) => {
      const isRead = call.isRead ?? call.method === "GET"
      let wasConnected = false
      const outgoing = (isSecure ? httpsRequest : httpRequest)({
        agent,
        protocol: base.protocol,
        hostname: base.hostname,
        port: base.port,
        method: call.method,
        path: `${prefix}${call.path}`,
        headers: {
          ...options.headers,
          ...call.headers,
          ...(call.body === undefined ? {} : { "content-length": Buffer.byteLength(call.body) }),
          ...(options.keepAlive === false ? { connection: "close" } : {}),
        },
        timeout: options.timeoutMs,
        ...(call.signal ? { signal: call.signal } : {}),
      })
      const deadline = setTimeout(() => outgoing.destroy(new Error("timed out")), options.timeoutMs)
      const fail = (error: Error) => {
        clearTimeout(deadline)
        reject(
          new AppError(
            !wasConnected || isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN",
            `${call.method} ${base.host}${prefix}${call.path.split("?")[0]}: ${error.message}`,
            { cause: error },
          ),
        )
      }
      outgoing.on("socket", (socket) => {
        if (socket.connecting) socket.once(isSecure ? "secureConnect" : "connect", () => (wasConnected = true))
        else wasConnected = true
      })
      outgoing.on("error", fail)
      outgoing.on("timeout", () => outgoing.destroy(new Error("timed out")))
      outgoing.on("response", (incoming) => {
        readAll(incoming).then((text) => {
          clearTimeout(deadline)
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })
        }, fail)
      })
      outgoing.end(call.body)
    })
  return { baseUrl: options.baseUrl, send, close: () => agent.destroy() }
}

function readAll(incoming: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    incoming.on("data", (chunk: Buffer) => {
      size += chunk.length
      if (size > answerBytesMax) incoming.destroy(new Error("the answer is too large"))
      else chunks.push(chunk)
    })
    incoming.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")))
    incoming.on("error", reject)
    incoming.on("aborted", () => reject(new Error("the answer broke off")))
  })
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

/** JSON of an answer; VENDOR_MISBEHAVED with the first characters when it is none. */
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
