import { Socket } from "node:net"
import postgres from "postgres"
import { AppError } from "../errors.ts"
import { arrayTypes, readArray, writeArray } from "./arrays.ts"
import type { DatabaseAddress } from "./database-url.ts"
import { connectTimeoutMs, failure, type ServerConnection, type Servers } from "./servers.ts"

/** Types that the driver does not map itself. */
export type SqlTypes = { bigint: number; xid8: string }

/** Makes statements from tagged templates, so that values are always parameters. */
export type Statements = postgres.ISql<SqlTypes>

type Driver = postgres.Sql<SqlTypes>

/** A statement of the driver. It runs when its result is first awaited. */
export interface Statement extends Promise<unknown> {
  handler: (statement: Statement) => void
  canceller: null
  /** Called by the driver with the result; of several statements in one text, with theirs. */
  resolve(result: unknown): void
  reject(reason: unknown): void
}

/** Settings of a connection. */
export interface LaneOptions {
  address: DatabaseAddress
  servers: Servers
  /** Settings of the session, `application_name` among them. */
  session: Record<string, string | number>
  onNotify?: (channel: string, payload: string) => void
  onLost: (lane: Lane) => void
}

/**
 * One connection, never used again once it is lost. The driver (postgres 3.4.9) reconnects by itself, with faults: a
 * half-written message is sent first or blocks all later ones, an error of the old session rejects a statement of the
 * new one, and a server that closes during start-up is dialled again without a pause (github.com/porsager/postgres
 * issues 1133, 1193, 1208, 1216). So each lane has its own driver instance, limited to one connection and one socket.
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
  /** Statements sent or about to be sent that have no result yet. */
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
    // The driver attaches its handler to every statement it makes. Statements are made elsewhere (see statementsFor),
    // so take the handler from one of its own.
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
    // The statement's own `then` would run it again.
    void Promise.prototype.then.call(statement, settle, settle)
    const { resolve } = statement
    statement.resolve = (result) => resolve(withoutHoles(result))
    this.#run(statement)
  }

  /** From now on the connection is dropped when its server turns read-only. */
  accept(): void {
    this.#isAccepted = true
  }

  /** Ends the connection at once; running statements fail. */
  async end(): Promise<void> {
    this.#isEnding = true
    const { socket } = this.#connection
    const closed = new Promise<void>((resolve) =>
      socket.destroyed ? resolve() : socket.prependOnceListener("close", resolve),
    )
    await this.#driver.end({ timeout: 0 })
    const timer = setTimeout(() => socket.destroy(), 1000)
    // The driver cannot close a socket it never got, and the server would go on waiting for it.
    if (!this.#hasSocket) socket.destroy()
    await closed
    clearTimeout(timer)
    this.#lose()
  }

  /** Drops a connection whose server is not, or no longer, usable. */
  abandon(): void {
    this.#connection.socket.destroy()
  }

  async #nextSocket(): Promise<Socket> {
    const { socket } = this.#connection
    if (!this.#hasSocket && !socket.destroyed && !this.#isEnding) {
      this.#hasSocket = true
      return socket
    }
    // One turn later, when the driver listens for errors: Node emits them before it continues with promises.
    await Promise.resolve()
    return new Socket().destroy(failure("CONNECTION_CLOSED", "the connection was lost"))
  }

  #lose(): void {
    if (this.#isLost) return
    this.#isLost = true
    // Rejects the statements the driver still has for this connection, before it requests another socket.
    void this.#driver.end({ timeout: 0 })
    this.#options.onLost(this)
  }

  // PostgreSQL reports both settings unprompted (PostgreSQL 18 documentation, 54.2.7). Without this, a former primary
  // that was made read-only without ending its sessions would refuse our writes for ever.
  #onParameter(name: string, value: string): void {
    const isReadOnly = (name === "default_transaction_read_only" || name === "in_hot_standby") && value === "on"
    if (!isReadOnly || !this.#isAccepted || !this.#options.address.needsWritable) return
    this.#options.servers.avoid(this.server)
    // Later, so that the current statement still gets the server's own error.
    setImmediate(() => this.abandon())
  }
}

/**
 * A statement that fails after its first rows leaves the driver counting: the rows of the next statement on the connection stand behind
 * as many holes (postgres 3.4.9, github.com/porsager/postgres issues 1119 and 1181). Read as they are, its first row is missing.
 */
function withoutHoles(result: unknown): unknown {
  if (!Array.isArray(result) || result.length === 0) return result
  if (!(0 in result))
    result.splice(
      0,
      result.findIndex((_, n) => n in result),
    )
  // Of several statements in one text: their results.
  if (Array.isArray(result[0])) for (const one of result) withoutHoles(one)
  return result
}

/**
 * Opens a connection and checks that its server takes writes when the address needs that. Errors: the driver's or the
 * system's.
 */
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
    // Reading the array types costs a round trip, and a connection lost meanwhile causes an unhandled rejection, which
    // ends the process (`fetchArrayTypes` of the driver). They never change: see arrayTypes.
    fetch_types: false,
    types,
  }
}

// The driver's types lack two of its options (socket, pass), and its `parseOptions` result.
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

// Only makes statements and never connects.
const maker = openDriver({ host: "127.0.0.1", max: 1, fetch_types: false, types })

/** Makes statements that `handler` runs. */
export function statementsFor(handler: (statement: Statement) => void): Statements {
  const handOver = <Made>(made: Made): Made => {
    // Fragments, identifiers and lists of values are not statements; they run as part of one.
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
