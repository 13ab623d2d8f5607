import { connect, type Socket } from "node:net"
import { Latencies } from "../latencies.ts"

/** A request as bytes, and the text that a correct response contains. */
export interface Prepared {
  bytes: string | Buffer
  expects: string
}

export interface LoadResult {
  answered: number
  perSecond: number
  tookMs: number
  p50Ms: number
  p99Ms: number
  wrongCount: number
  wrong: string[]
}

interface Load {
  url: string
  connections: number
  /** The next request of a connection; undefined when there is no more. */
  next: (connection: number) => Prepared | undefined
  /** Open loop: requests are due at this rate, wait for a free connection, and their time counts from when they were due. */
  perSecond?: number
  /** No new request after this. */
  untilMs?: number
}

const answerMax = 1_000_000

/**
 * Kept-alive connections that each send a request, wait for its response, check it, and send the next (closed loop). It
 * parses only status, length and body, because on two cores every cycle of the client is taken from the server.
 */
export async function runLoad(load: Load): Promise<LoadResult> {
  const latencies = new Latencies()
  const wrong: string[] = []
  let answered = 0
  let wrongCount = 0
  let begun = 0
  const started = performance.now()
  const endsAt = started + (load.untilMs ?? Number.POSITIVE_INFINITY)
  await Promise.all(
    Array.from({ length: load.connections }, async (_, connection) => {
      const socket = await open(load.url)
      await new Promise<void>((resolve, reject) => {
        let asked: Prepared | undefined
        let askedAt = 0
        const send = () => {
          asked = askedAt < endsAt ? load.next(connection) : undefined
          if (asked) return void socket.write(asked.bytes)
          socket.end()
          resolve()
        }
        const ask = () => {
          const now = performance.now()
          askedAt = load.perSecond === undefined ? now : started + (begun++ / load.perSecond) * 1000
          if (askedAt > now + 1) setTimeout(send, askedAt - now)
          else send()
        }
        readAnswers(socket, (answer) => {
          latencies.add(performance.now() - askedAt)
          answered += 1
          if (!answer.includes(asked?.expects ?? "\0")) {
            wrongCount += 1
            if (wrong.length < 5) wrong.push(answer.slice(0, 400))
          }
          ask()
        })
        socket.once("error", reject)
        socket.once("close", () => (asked ? reject(new Error("the server closed a connection")) : resolve()))
        ask()
      })
    }),
  )
  const tookMs = performance.now() - started
  return { answered, perSecond: answered / (tookMs / 1000), tookMs, ...latencies.summary(), wrongCount, wrong }
}

function open(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), noDelay: true })
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
  })
}

/**
 * Calls back with each complete response as text: with Content-Length, or in chunks up to the empty one (RFC 9112, 6
 * and 7.1).
 */
function readAnswers(socket: Socket, onAnswer: (answer: string) => void): void {
  let text = ""
  socket.setEncoding("latin1")
  socket.on("data", (chunk: string) => {
    text += chunk
    const end = answerEnd(text)
    if (end < 0 || text.length < end) {
      if (text.length > answerMax) socket.destroy(new Error("an answer has no end"))
      return
    }
    const answer = text.slice(0, end)
    text = text.slice(end)
    onAnswer(answer)
  })
}

function answerEnd(text: string): number {
  const headEnd = text.indexOf("\r\n\r\n")
  if (headEnd < 0) return -1
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)
  if (length && length.index < headEnd) return headEnd + 4 + Number(length[1])
  const last = text.indexOf("0\r\n\r\n", headEnd + 4)
  return last < 0 ? -1 : last + 5
}

/** The bytes of a POST. */
export function post(path: string, headers: Readonly<Record<string, string>>, body: string): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `POST ${path} HTTP/1.1\r\nhost: bench\r\n${lines.join("")}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
}
