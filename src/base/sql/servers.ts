import { readFileSync } from "node:fs"
import { connect as connectTcp, isIP, type Socket } from "node:net"
import { connect as connectTls, type ConnectionOptions } from "node:tls"
import type { DatabaseAddress, Encryption, Server } from "./database-url.ts"

/** A socket to one of the servers, ready for PostgreSQL's start-up message. */
export interface ServerConnection {
  server: Server
  socket: Socket
}

/** Longest time for connecting to a server, and for its start-up. */
export const connectTimeoutMs = 5000
// Detects idle connections to a machine that vanished: probes start after this silence, and libuv sends ten, one second
// apart.
const keepAliveAfterMs = 5000

/** The servers of one address, in the order to try them. Shared by all connections of a pool. */
export class Servers {
  readonly #address: DatabaseAddress
  /** Sockets that are connecting; destroyed when the pool ends. */
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

  /** From now on this server is tried first. */
  prefer(server: Server): void {
    this.#preferred = this.#address.servers.indexOf(server)
  }

  /** From now on this server is no longer tried first, because it is unusable at the moment. */
  avoid(server: Server): void {
    const { servers } = this.#address
    if (servers[this.#preferred] === server) this.#preferred = (this.#preferred + 1) % servers.length
  }

  /** Connects to a server, encrypted when the address requires it. Errors: the system's, with their codes. */
  async connect(server: Server): Promise<ServerConnection> {
    const plain = await this.#connected(connectTcp({ host: server.host, port: server.port, noDelay: true }))
    plain.setKeepAlive(true, keepAliveAfterMs)
    const { encryption } = this.#address
    const socket = encryption === undefined ? plain : await this.#encrypted(plain, { server, encryption })
    return { server, socket: named(socket, server) }
  }

  /** Whether a server that has been silent still accepts connections. */
  async isReachable(server: Server): Promise<boolean> {
    try {
      const socket = await this.#connected(connectTcp({ host: server.host, port: server.port }), silenceProbeMs)
      socket.destroy()
      return true
    } catch {
      return false
    }
  }

  /** Destroys sockets that are still connecting. */
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
      socket.once("close", () =>
        reject(failure("CONNECTION_CLOSED", "the server closed the connection after SSLRequest")),
      )
      socket.once("error", reject)
      socket.setTimeout(connectTimeoutMs, () => socket.destroy(failure("CONNECT_TIMEOUT", "no reply to SSLRequest")))
    })
    closed.catch(() => undefined)
    this.#connecting.add(socket)
    try {
      // Exactly one byte: an attacker in between could have added more (CVE-2021-23222).
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
      // Check pending I/O first: this process itself may have been paused meanwhile.
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

/** A silent server that does not accept a connection within this time counts as gone. */
const silenceProbeMs = 3000

/** An error with a code, in the form that the system and the driver use. */
export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}

function tlsOptions(server: Server, encryption: Encryption): ConnectionOptions {
  const name = isIP(server.host) ? {} : { servername: server.host }
  if (encryption.mode === "prefer" || encryption.mode === "require") return { ...name, rejectUnauthorized: false }
  return {
    ...name,
    ...(encryption.rootCertificates === undefined ? {} : { ca: readFileSync(encryption.rootCertificates) }),
    // verify-ca checks who signed the certificate, not its host name.
    ...(encryption.mode === "verify-ca" ? { checkServerIdentity: () => undefined } : {}),
  }
}

/** Adds host and port, which the driver names in its errors. Until the driver listens, an error must not end the process. */
function named(socket: Socket, server: Server): Socket {
  socket.on("error", () => undefined)
  return Object.assign(socket, server)
}
