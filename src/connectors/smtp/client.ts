import { connect, isIP, type Socket } from "node:net"
import { createTransport } from "nodemailer"
import { AppError } from "../../base/errors.ts"
import { isPrivateAddress, publicOnlyLookup } from "../../base/http.ts"
import type { Mail } from "./payloads.ts"

export interface SmtpSettings {
  host: string
  port?: number
  tls?: "implicit" | "required" | "none"
  user?: string
  password?: string
  from: string
  timeoutMs?: number
  allowPrivateNetwork?: boolean
}

export interface SmtpClient {
  send(mail: Mail & { messageId: string }, signal: AbortSignal): Promise<void>
  check(): Promise<void>
  close(): void
}

/** Default of `timeoutMs`. */
export const smtpTimeoutMs = 30_000

/** A pool of connections that never repeats a mail by itself; the caller decides that. */
export function createSmtpClient(settings: SmtpSettings): SmtpClient {
  const { host, allowPrivateNetwork = false } = settings
  const isInside = host === "localhost" || (isIP(host) !== 0 && isPrivateAddress(host))
  if (isInside && !allowPrivateNetwork)
    throw new AppError("CONFIG_INVALID", `${host} is a private address; set allowPrivateNetwork to call it`)
  const tls = settings.tls ?? "required"
  const timeoutMs = settings.timeoutMs ?? smtpTimeoutMs
  const transport = createTransport({
    pool: true,
    maxConnections: 10,
    // nodemailer would queue a mail again when a connection closes, even when the server had accepted it.
    maxRequeues: 0,
    host,
    // RFC 8314: 465 for TLS from the first byte, 587 for submission.
    port: settings.port ?? (tls === "implicit" ? 465 : 587),
    secure: tls === "implicit",
    requireTLS: tls === "required",
    ignoreTLS: tls === "none",
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    ...(settings.user === undefined ? {} : { auth: { user: settings.user, pass: settings.password ?? "" } }),
    // nodemailer resolves names itself and would connect to whatever address they have.
    ...(allowPrivateNetwork ? {} : { getSocket: openPublicly }),
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return {
    async send(mail, signal) {
      try {
        await untilAborted(
          transport.sendMail({ from: settings.from, ...mail, to: { name: "", address: mail.to } }),
          signal,
        )
      } catch (error) {
        throw smtpError(error)
      }
    },
    async check() {
      try {
        await transport.verify()
      } catch (error) {
        throw smtpError(error)
      }
    },
    close: () => transport.close(),
  }
}

type GiveSocket = (error: Error | null, socketOptions?: { connection: Socket }) => void

/** Opens the connection to a mail server, unless its name stands for a private address. */
function openPublicly({ host = "", port = 587, connectionTimeout }: Partial<SocketTarget>, done: GiveSocket): void {
  const socket = connect({ host, port: Number(port), lookup: publicOnlyLookup })
  socket.setTimeout(connectionTimeout ?? smtpTimeoutMs, () => socket.destroy(notReached(`${host} does not answer`)))
  // RFC 5321: nothing of a mail is sent before the greeting, so a failure here is one before sending.
  socket.once("error", (error) => done(notReached(error.message)))
  socket.once("connect", () => {
    socket.setTimeout(0).removeAllListeners("error")
    done(null, { connection: socket })
  })
}

interface SocketTarget {
  host: string
  port: number | string
  connectionTimeout: number
}

function notReached(message: string): Error {
  return Object.assign(new Error(message), { code: "ECONNECTION", syscall: "connect" })
}

function untilAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const abort = () =>
      reject(new AppError("VENDOR_UNCERTAIN", "the call's lease ended before the mail server responded"))
    if (signal.aborted) return abort()
    signal.addEventListener("abort", abort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort))
  })
}

/**
 * Converts a failure. RFC 5321 §4.2.1: 4yz means that the server did not accept the mail but may later, 5yz that it
 * never will. A connection that ends without a reply may have ended after the mail was accepted (§4.5.3.2.6 describes
 * this case).
 */
function smtpError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  const { responseCode, code, syscall, message } = readFailure(thrown)
  if (code === "EAUTH") return new AppError("VENDOR_KEY_REFUSED", `the mail server refuses the credentials: ${message}`)
  if (responseCode !== undefined && responseCode >= 500) return new AppError("VENDOR_REJECTED", message)
  if (responseCode !== undefined && responseCode >= 400) return new AppError("VENDOR_UNAVAILABLE", message)
  // Nodemailer's own checks before sending: an address without an @, no recipient.
  if (code === "EENVELOPE") return new AppError("VENDOR_REJECTED", message)
  const isBeforeSending = syscall === "connect" || syscall === "getaddrinfo" || code === "EDNS" || code === "ETLS"
  return new AppError(isBeforeSending ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", message, { cause: thrown })
}

interface Failure {
  responseCode: number | undefined
  code: string | undefined
  syscall: string | undefined
  message: string
}

function readFailure(thrown: unknown): Failure {
  const fields: Record<string, unknown> = typeof thrown === "object" && thrown !== null ? { ...thrown } : {}
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined)
  return {
    responseCode: typeof fields["responseCode"] === "number" ? fields["responseCode"] : undefined,
    code: text("code"),
    syscall: text("syscall"),
    message: thrown instanceof Error ? thrown.message : String(thrown),
  }
}
