import type { AddressInfo, Socket } from "node:net"
import type { SMTPServerDataStream, SMTPServerSession } from "smtp-server"
import { SMTPServer } from "smtp-server"
import type { FaultName, Faults } from "../faults.ts"
import type { VendorState } from "../books.ts"
import type { Simulator, VendorOptions } from "../simulator.ts"
import { startSimulator } from "../simulator.ts"
import type { MailBook } from "./mail-book.ts"
import { createMailBook, headersOf } from "./mail-book.ts"

export type MailSimulatorOptions = VendorOptions & {
  smtpPort?: number
  /** Rejects every new pair of sender and recipient for this long (RFC 6647); absent: no greylisting. */
  greylistMs?: number
}

export type MailSimulator = Simulator & { readonly smtpUrl: string }

/**
 * Starts an SMTP sink. Its control endpoints are on `url`, its mail server on `smtpUrl`. Faults by name: `rate429` and
 * `rate5xx` return 4xx before the message is accepted. `commitThenReset` keeps the message and closes the connection
 * before the final 250; if the sender repeats, that Message-ID is delivered twice, which the books count.
 */
export async function startMail(options: MailSimulatorOptions): Promise<MailSimulator> {
  let smtpUrl = ""
  const simulator = await startSimulator({
    ...options,
    name: "mail",
    routes: async (_app, context): Promise<VendorState> => {
      const book = createMailBook(context.keep("messages"))
      const { faults, saved } = context
      const sink = createSink({ faults, book, saved, greylistMs: options.greylistMs })
      const port = await sink.listen(options.smtpPort ?? 0)
      smtpUrl = `smtp://127.0.0.1:${port}`
      return {
        books: () => ({ messages: book.messages() }),
        reset: () => {
          book.reset()
          sink.reset()
        },
        stop: sink.stop,
      }
    },
  })
  return { ...simulator, smtpUrl }
}

type SinkParts = { faults: Faults; book: MailBook; greylistMs: number | undefined; saved(): Promise<void> }
type Sink = { listen(port: number): Promise<number>; reset(): void; stop(): void }

function createSink(parts: SinkParts): Sink {
  const sockets = new Map<number, Socket>()
  const greylist = new Map<string, number>()
  const server = new SMTPServer({
    authOptional: true,
    // Plain text on the loopback interface: there is no certificate to check and no one can listen.
    disabledCommands: ["STARTTLS"],
    allowInsecureAuth: true,
    logger: false,
    size: 10 * 1024 * 1024,
    onAuth: (auth, _session, done) => done(null, { user: auth.username }),
    onConnect: (_session, done) => {
      if (parts.faults.settings().outage !== true) return done()
      parts.faults.record("outage", "connect")
      done(smtpError(421, "4.3.2 closing down"))
    },
    onRcptTo: ({ address }, session, done) => {
      done(recipientRefusal(address, { session, parts, greylist }))
    },
    onData: (stream, session, done) => {
      const drop = (): void => void sockets.get(session.remotePort ?? -1)?.destroy()
      void takeMessage(stream, { session, parts, done, drop })
    },
  })
  server.on("error", () => undefined)
  server.server.on("connection", (socket: Socket) => {
    const port = socket.remotePort ?? -1
    sockets.set(port, socket)
    socket.on("close", () => sockets.delete(port))
  })
  return {
    listen: (port) =>
      new Promise((resolve, reject) => {
        server.server.once("error", reject)
        // A TCP server's address is an object, never a pipe name.
        server.listen(port, "127.0.0.1", () => resolve((server.server.address() as AddressInfo).port))
      }),
    reset: () => greylist.clear(),
    stop: () => {
      server.close(() => undefined)
      for (const socket of sockets.values()) socket.destroy()
    },
  }
}

type RecipientParts = { session: SMTPServerSession; parts: SinkParts; greylist: Map<string, number> }

/** Addresses with `+reject@` are refused for good, with `+greylist@` once: visible inputs with a meaning. */
function recipientRefusal(address: string, { session, parts, greylist }: RecipientParts): Error | undefined {
  // Ends connections from before the outage; new ones are refused when they connect.
  if (parts.faults.settings().outage === true) {
    parts.faults.record("outage", "recipient")
    return smtpError(421, "4.3.2 closing down")
  }
  if (address.includes("+reject@")) return smtpError(550, "5.1.1 no such mailbox")
  const plan = parts.faults.plan("recipient")
  if (plan.refusal !== undefined) {
    parts.faults.record(plan.refusal, "recipient")
    return smtpError(451, "4.7.1 try again later")
  }
  const delayMs = parts.greylistMs ?? (address.includes("+greylist@") ? 0 : undefined)
  if (delayMs === undefined) return undefined
  const sender = session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address
  const pair = `${sender} ${address}`
  const acceptsFromMs = greylist.get(pair)
  if (acceptsFromMs !== undefined && Date.now() >= acceptsFromMs) return undefined
  if (acceptsFromMs === undefined) greylist.set(pair, Date.now() + delayMs)
  return smtpError(451, "4.7.1 greylisted, try again later")
}

type MessageParts = {
  session: SMTPServerSession
  parts: SinkParts
  done(error?: Error | null, message?: string): void
  /** Cuts the line. */
  drop(): void
}

async function takeMessage(stream: SMTPServerDataStream, { session, parts, done, drop }: MessageParts): Promise<void> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of stream) chunks.push(Buffer.from(chunk as Uint8Array))
  } catch {
    return done(smtpError(451, "4.3.0 message broken off"))
  }
  if (stream.sizeExceeded) return done(smtpError(552, "5.3.4 message too large"))
  const raw = Buffer.concat(chunks).toString("utf8")
  const plan = parts.faults.plan("message", headersOf(raw).get("subject") ?? "")
  const strike = (fault: FaultName): void => parts.faults.record(fault, "message", plan.bySentinel)
  const fault = plan.refusal ?? plan.atCommit
  if (fault !== undefined) strike(fault)
  if (plan.refusal !== undefined) return done(smtpError(451, "4.3.0 try again later"))
  if (fault === "resetBeforeCommit") return drop()
  const recipients = session.envelope.rcptTo.map((recipient) => recipient.address)
  const from = session.envelope.mailFrom === false ? "" : session.envelope.mailFrom.address
  const messageId = parts.book.add({ raw, from, recipients })
  await parts.saved()
  if (fault === "commitThenReset") return drop()
  if (fault === "commitThen5xx") return done(smtpError(451, "4.3.0 local error"))
  if (plan.hangMs === 0) return done(null, `2.0.0 taken as ${messageId}`)
  strike("hangRate")
  setTimeout(() => done(null, "2.0.0 taken late"), plan.hangMs).unref()
}

function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}
