import { Socket } from "node:net"
import postgres from "postgres"
import { AppError } from "../errors.ts"
import { arrayTypes, readArray, writeArray } from "./arrays.ts"
import type { DatabaseAddress } from "./database-url.ts"
import { connectTimeoutMs, failure, type ServerConnection, type Servers } from "./servers.ts"

/** Types of values beyond the driver's own. */
export type SqlTypes = { bigint: number; xid8: string }

/** What writes statements: tagged templates, so that values are always parameters. */
export type Statements = postgres.ISql<SqlTypes>

type Driver = postgres.Sql<SqlTypes>

/** A statement of the driver that waits to be run; it is run when somebody waits for its result. */
export interface Statement extends Promise<unknown> {
  handler: (statement: Statement) => void
  canceller: null
  reject(reason: unknown): void
}

/** What a connection is opened with. */
export interface LaneOptions {
  address: DatabaseAddress
  servers: Servers
  /** Settings of the session, `application_name` among them. */
  session: Record<string, string | number>
  onNotify?: (channel: string, payload: string) => void
  onLost: (lane: Lane) => void
}

/**
 * One connection, used until it is lost and never again after that. The driver (postgres 3.4.9) would connect again by
 * itself, and then goes wrong in ways of its own: what was half written before is sent first or stays for ever
 * (nothing is flushed any more), an error of the dead session is thrown for a statement of the new one, a server that hangs
 * up during the start is dialled without a pause (github.com/porsager/postgres issues 1133, 1193, 1208, 1216). So each lane
 * is a driver of its own with one connection, and gets one socket.
 */
export class Lane {
  readonly #connection: ServerConnection
  readonly #options: LaneOptions
  readonly #driver: Driver
  readonly #run: (statement: Statement) => void
  #hasSocket = false
  #isLost = false
  #isEnding = false
  #isAccepted = false
  /** Statements that were sent, or are about to be, and have no result yet. */
  outstanding = 0

  constructor(connection: ServerConnection, options: LaneOptions) {
    this.#connection = connection
    this.#options = options
    this.#driver = openDriver({
      ...driverOptions(options),
      socket: () => this.#nextSocket(),
      onclose: () => this.#lose(),
      onnotify: (channel: string, payload: string) => options.onNotify?.(channel, payload),
      onparameter: (name: string, value: string) => this.#onParameter(name, value),
    })
    // The driver hands its handler to every statement it makes; we make them elsewhere (see statementsFor) and run them here.
    this.#run = (this.#driver`` as unknown as Statement).handler
  }

  get isLost(): boolean {
    return this.#isLost
  }

  get server() {
    return this.#connection.server
  }

  get bytesRead(): number {
    return this.#connection.socket.bytesRead
  }

  run(statement: Statement, onSettled?: () => void): void {
    if (this.#isLost || this.#isEnding) {
      statement.reject(failure("CONNECTION_CLOSED", "the connection was lost"))
      return onSettled?.()
    }
    this.outstanding += 1
    const settle = () => {
      this.outstanding -= 1
      onSettled?.()
    }
    // The statement's own `then` would run it a second time.
    void Promise.prototype.then.call(statement, settle, settle)
    this.#run(statement)
  }

  /** From now on a server that turns read-only loses the connection. */
  accept(): void {
    this.#isAccepted = true
  }

  /** Ends the connection at once; statements under way fail. */
  async end(): Promise<void> {
    this.#isEnding = true
    const { socket } = this.#connection
    const closed = new Promise<void>((resolve) =>
      socket.destroyed ? resolve() : socket.prependOnceListener("close", resolve),
    )
    await this.#driver.end({ timeout: 0 })
    const timer = setTimeout(() => socket.destroy(), 1000)
    // A socket the driver never got has said nothing to the server, which would wait for it.
    if (!this.#hasSocket) socket.destroy()
    await closed
    clearTimeout(timer)
    this.#lose()
  }

  /** Gives up a connection whose server is not, or no longer, what we need. */
  abandon(): void {
    this.#connection.socket.destroy()
  }

  async #nextSocket(): Promise<Socket> {
    const { socket } = this.#connection
    if (!this.#hasSocket && !socket.destroyed && !this.#isEnding) {
      this.#hasSocket = true
      return socket
    }
    // A turn later, so that its error comes when the driver listens: Node tells errors before it goes on with promises.
    await Promise.resolve()
    return new Socket().destroy(failure("CONNECTION_CLOSED", "the connection was lost"))
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    // Rejects what the driver still holds for this connection, before it asks for another socket.
    void this.#driver.end({ timeout: 0 })
    this.#options.onLost(this)
  }

  // The server reports both of its own accord (PostgreSQL 18 documentation, 54.2.7): an old primary that was made read-only
  // without ending its sessions would otherwise keep refusing our writes for ever.
  #onParameter(name: string, value: string): void {
    const isReadOnly = (name === "default_transaction_read_only" || name === "in_hot_standby") && value === "on"
    if (!isReadOnly || !this.#isAccepted || !this.#options.address.needsWritable) return
    this.#options.servers.avoid(this.server)
    // Later, so that the statement that met it gets the server's own error.
    setImmediate(() => this.abandon())
  }
}

/** A connection that is let in, and whose server takes writes when the address asks for that. Errors: of the driver or system. */
export async function openLane(connection: ServerConnection, options: LaneOptions): Promise<Lane> {
  const lane = new Lane(connection, options)
  try {
    const [row] = await statementsFor((statement) => lane.run(statement))<{ isReadOnly: boolean }[]>`
      SELECT current_setting('transaction_read_only')::boolean AS "isReadOnly"`
    if (options.address.needsWritable && row?.isReadOnly !== false)
      throw failure("READ_ONLY_SERVER", `${lane.server.host}:${lane.server.port} only reads`)
    lane.accept()
    return lane
  } catch (thrown) {
    void lane.end()
    throw thrown
  }
}

const types = {
  bigint: { to: 20, from: [20], serialize: (value: number) => String(value), parse: parseSafeInteger },
  xid8: { to: 5069, from: [5069], serialize: (value: string) => value, parse: (value: string) => value },
}

function driverOptions(options: LaneOptions): object {
  const { address, session } = options
  return {
    host: "127.0.0.1",
    user: address.user,
    pass: address.password,
    database: address.database,
    ssl: false,
    max: 1,
    idle_timeout: 0,
    connect_timeout: connectTimeoutMs / 1000,
    max_lifetime: null,
    backoff: 0,
    onnotice: () => undefined,
    connection: { ...address.parameters, ...session },
    // Asking for them costs a round trip, and a connection lost meanwhile rejects a promise that nobody holds, which ends
    // the process (`fetchArrayTypes` of the driver). They never change: see arrayTypes.
    fetch_types: false,
    types,
  }
}

// The driver's own types lack options it has (socket, pass); they are those of its `parseOptions`.
function openDriver(options: object): Driver {
  const driver = postgres(options as postgres.Options<{ bigint: postgres.PostgresType; xid8: postgres.PostgresType }>)
  const { parsers, serializers, shared } = driver.options as unknown as {
    parsers: Record<number, (text: string) => unknown>
    serializers: Record<number, (value: unknown) => string>
    shared: { typeArrayMap: Record<number, number> }
  }
  for (const { element, array } of Object.values(arrayTypes)) {
    const readElement = parsers[element] ?? String
    const writeElement = serializers[element] ?? String
    parsers[array] = (text) => readArray(text, readElement)
    serializers[array] = (values) => writeArray(values, writeElement)
    shared.typeArrayMap[element] = array
  }
  return driver as unknown as Driver
}

// Never connects; it only makes statements.
const maker = openDriver({ host: "127.0.0.1", max: 1, fetch_types: false, types })

/** What writes statements and has them run by `handler`. */
export function statementsFor(handler: (statement: Statement) => void): Statements {
  const handOver = <Made>(made: Made): Made => {
    // Fragments, identifiers and lists of values are no statements and run as part of one.
    if (made instanceof Promise) Object.assign(made, { handler, canceller: null })
    return made
  }
  const { unsafe: fromText } = maker
  const make = maker as unknown as (...args: unknown[]) => unknown
  const write = (...args: unknown[]) => handOver(make(...args))
  return Object.assign(write, {
    types: maker.types,
    typed: maker.typed,
    json: maker.json,
    array: maker.array,
    unsafe: (...args: Parameters<typeof fromText>) => handOver(fromText(...args)),
  }) as unknown as Statements
}

function parseSafeInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new AppError("INVARIANT_BROKEN", `${text} does not fit a safe integer`)
  return value
}
