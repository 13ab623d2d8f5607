import { readFileSync } from "node:fs"
import { connect as connectTcp, isIP, type Socket } from "node:net"
import { connect as connectTls, type ConnectionOptions } from "node:tls"
import type { DatabaseAddress, Encryption, Server } from "./database-url.ts"

/** A socket to one of the servers, ready for PostgreSQL's start-up message. */
export interface ServerConnection {
  server: Server
  socket: Socket
}

/** Longest time to reach a server, and to be let in. */
export const connectTimeoutMs = 5000
// Keeps a machine that vanished from holding idle connections: probes begin after this silence, and libuv sends ten, a second apart.
const keepAliveAfterMs = 5000

/** The servers of one address: which of them to speak to now. Shared by all connections of a pool. */
export class Servers {
  readonly #address: DatabaseAddress
  /** Sockets that are being connected; destroyed when the pool ends. */
  readonly #connecting = new Set<Socket>()
  #preferred = 0

  constructor(address: DatabaseAddress) {
    this.#address = address
  }

  /** Servers to try for a new connection, the one that worked last first. */
  inOrder(): Server[] {
    const { servers } = this.#address
    return [...servers.slice(this.#preferred), ...servers.slice(0, this.#preferred)]
  }

  /** Remembers that a server takes our writes. */
  prefer(server: Server): void {
    this.#preferred = this.#address.servers.indexOf(server)
  }

  /** Remembers that a server cannot be used at the moment, so that the next connection begins with another. */
  avoid(server: Server): void {
    const { servers } = this.#address
    if (servers[this.#preferred] === server) this.#preferred = (this.#preferred + 1) % servers.length
  }

  /** Connects to a server, encrypted when the address says so. Errors: those of the system, with their codes. */
  async connect(server: Server): Promise<ServerConnection> {
    const plain = await this.#connected(connectTcp({ host: server.host, port: server.port, noDelay: true }))
    plain.setKeepAlive(true, keepAliveAfterMs)
    const { encryption } = this.#address
    const socket = encryption === undefined ? plain : await this.#encrypted(plain, { server, encryption })
    return { server, socket: named(socket, server) }
  }

  /** Whether somebody still accepts connections at a server that has been silent. */
  async isReachable(server: Server): Promise<boolean> {
    try {
      const socket = await this.#connected(connectTcp({ host: server.host, port: server.port }), silenceProbeMs)
      socket.destroy()
      return true
    } catch {
      return false
    }
  }

  /** Breaks off what is being connected. */
  abandon(): void {
    for (const socket of this.#connecting) socket.destroy(failure("CONNECTION_ENDED", "the pool was ended"))
  }

  async #encrypted(socket: Socket, how: { server: Server; encryption: Encryption }): Promise<Socket> {
    const { server, encryption } = how
    if (!(await this.#agreesToEncrypt(socket))) {
      if (encryption.mode === "prefer") return socket.resume()
      socket.destroy()
      throw failure("TLS_REFUSED", `${server.host}:${server.port} does not encrypt, and sslmode=${encryption.mode}`)
    }
    return this.#connected(connectTls({ socket, ...tlsOptions(server, encryption) }), connectTimeoutMs, "secureConnect")
  }

  // PostgreSQL 18 documentation, 54.2.11: SSLRequest, to which the server replies with one byte.
  async #agreesToEncrypt(socket: Socket): Promise<boolean> {
    const request = Buffer.alloc(8)
    request.writeInt32BE(8, 0)
    request.writeInt32BE(80_877_103, 4)
    const reply = new Promise<string>((resolve) =>
      socket.once("data", (bytes: Buffer) => {
        socket.pause()
        resolve(bytes.toString("latin1"))
      }),
    )
    socket.write(request)
    const closed = new Promise<never>((_resolve, reject) => {
      socket.once("close", () => reject(failure("CONNECTION_CLOSED", "the server hung up on SSLRequest")))
      socket.once("error", reject)
      socket.setTimeout(connectTimeoutMs, () => socket.destroy(failure("CONNECT_TIMEOUT", "no reply to SSLRequest")))
    })
    closed.catch(() => undefined)
    this.#connecting.add(socket)
    try {
      // One byte exactly: anything behind it was put there by somebody in between (CVE-2021-23222).
      return (await Promise.race([reply, closed])) === "S"
    } finally {
      this.#connecting.delete(socket)
      socket.setTimeout(0)
      socket.removeAllListeners("close").removeAllListeners("error").removeAllListeners("timeout")
    }
  }

  #connected(socket: Socket, timeoutMs = connectTimeoutMs, event = "connect"): Promise<Socket> {
    this.#connecting.add(socket)
    return new Promise<Socket>((resolve, reject) => {
      const settle = () => {
        clearTimeout(timer)
        this.#connecting.delete(socket)
      }
      const onError = (error: Error) => {
        settle()
        reject(error)
      }
      // After a look at what has come: this process itself may have stood still meanwhile.
      const timer = setTimeout(
        () => setImmediate(() => this.#connecting.has(socket) && socket.destroy(tooLate(timeoutMs))),
        timeoutMs,
      )
      socket.once("error", onError)
      socket.once(event, () => {
        settle()
        socket.off("error", onError)
        resolve(socket)
      })
    })
  }
}

function tooLate(timeoutMs: number): Error {
  return failure("CONNECT_TIMEOUT", `not connected after ${timeoutMs} ms`)
}

/** How long a silent server is given to accept a connection before it counts as gone. */
const silenceProbeMs = 3000

/** An error with a code, as the system and the driver make them. */
export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

function tlsOptions(server: Server, encryption: Encryption): ConnectionOptions {
  const name = isIP(server.host) ? {} : { servername: server.host }
  if (encryption.mode === "prefer" || encryption.mode === "require") return { ...name, rejectUnauthorized: false }
  return {
    ...name,
    ...(encryption.rootCertificates === undefined ? {} : { ca: readFileSync(encryption.rootCertificates) }),
    // verify-ca asks who signed the certificate and not whose it is.
    ...(encryption.mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** The driver names a socket's host and port in its errors. Until it listens an error must not end the process. */
function named(socket: Socket, server: Server): Socket {
  socket.on("error", () => undefined)
  return Object.assign(socket, server)
}
