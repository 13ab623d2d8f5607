import { AppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { inTransaction, isStorageAway, storage, type Sql } from "../base/sql.ts"
import type { Capabilities, CapabilityName } from "../ports/capabilities.ts"
import type { Connected, RateModel } from "../ports/connector.ts"
import { Gate, type GateState } from "./gate.ts"

/** One configured instance of a connector, connected. */
export interface Connection {
  id: string
  connector: string
  apiVersion: string
  timeoutMs: number
  connected: Connected
  gate: Gate
  /** An operation lets go what waits for it, at its pace; nothing else does. */
  isDrained?: boolean
  /** When it was connected for the first time; undefined until the connections are started. */
  connectedAtMs?: number
}

interface StateRow {
  connection: string
  is_paused: boolean
  paused_by: string | null
  reason: string | null
  breaker: GateState["breaker"]
  retry_in_ms: number
  last_error: string | null
  pause_changed_at: string | null
  is_drained: boolean
  asked_wait_ms: number
}

/**
 * All connections of this process with their doors. States that operators set or breakers reach are kept in the database,
 * so they survive a restart and reach other processes within two seconds.
 */
export class Connections {
  readonly #sql: Sql
  readonly #log: Log
  readonly #byId = new Map<string, Connection>()
  #timer: NodeJS.Timeout | undefined

  constructor(sql: Sql, log: Log) {
    this.#sql = sql
    this.#log = log
  }

  add(connection: Omit<Connection, "gate"> & { rate: RateModel }): void {
    const { rate, ...rest } = connection
    const gate = new Gate({ ...rate, connection: rest.id, onChange: (state) => this.#persist(rest.id, state) })
    this.#byId.set(rest.id, { ...rest, gate })
  }

  get all(): Connection[] {
    return [...this.#byId.values()]
  }

  get(id: string): Connection {
    const connection = this.#byId.get(id)
    if (!connection) throw new AppError("NOT_FOUND", `there is no connection ${id}`)
    return connection
  }

  has(id: string): boolean {
    return this.#byId.has(id)
  }

  /** A capability of a connection; CONFIG_INVALID when it lacks it. Routes are checked at start, so this is a last defence. */
  capability<Name extends CapabilityName>(id: string, name: Name): Capabilities[Name] {
    const capability = this.get(id).connected[name]
    if (!capability) throw new AppError("CONFIG_INVALID", `connection ${id} cannot do what ${name} asks`)
    // Connected is Partial<Capabilities>; the index type loses the link between name and value.
    return capability as Capabilities[Name]
  }

  /** Reads persisted states and keeps reading them. A connection's first start is its first day. */
  async start(): Promise<void> {
    const rows = await this.#sql<{ connection: string; connected_at: Date }[]>`
      insert into connection_states (connection) select unnest(${[...this.#byId.keys()].sort()}::text[])
      on conflict (connection) do update set connection = excluded.connection returning connection, connected_at`
    for (const { connection, connected_at } of rows) this.get(connection).connectedAtMs = connected_at.getTime()
    await this.refresh()
    this.#timer = setInterval(() => {
      this.refresh().catch((error: unknown) => {
        if (!isStorageAway(error)) this.#log.warn({ err: error }, "connection states could not be read")
      })
    }, 1500)
  }

  /** Keeps each connection's rate together with the other processes: this one uses its share. */
  shareAmong(processes: number): void {
    for (const { gate } of this.all) gate.pacing.shareAmong(processes)
  }

  stop(): void {
    clearInterval(this.#timer)
    for (const connection of this.all) connection.connected.close()
  }

  async refresh(): Promise<void> {
    const rows = await this.#sql<StateRow[]>`
      select connection, is_paused, paused_by, reason, breaker, last_error, pause_changed_at::text as pause_changed_at,
        connection in (select d.connection from drains_under_way() d) as is_drained,
        greatest(0, coalesce(extract(epoch from retry_at - clock_timestamp()) * 1000, 0))::float8 as retry_in_ms,
        greatest(0, coalesce(extract(epoch from asked_wait_until - clock_timestamp()) * 1000, 0))::float8 as asked_wait_ms
      from connection_states`
    for (const row of rows) {
      const connection = this.#byId.get(row.connection)
      const gate = connection?.gate
      if (connection) connection.isDrained = row.is_drained
      gate?.setPaused(row.is_paused, row.paused_by ?? undefined, row.reason ?? undefined)
      gate?.follow({
        pauseChangedAt: row.pause_changed_at ?? undefined,
        askedToWaitMs: row.asked_wait_ms,
        lastError: row.last_error ?? undefined,
      })
    }
  }

  /** Restores breakers once, at start: a system that was away is tried, not stormed. */
  async restoreBreakers(): Promise<void> {
    const rows = await this.#sql<StateRow[]>`
      select connection, is_paused, paused_by, reason, breaker, last_error,
        greatest(0, coalesce(extract(epoch from retry_at - clock_timestamp()) * 1000, 0))::float8 as retry_in_ms
      from connection_states where breaker <> 'closed'`
    for (const row of rows)
      this.#byId
        .get(row.connection)
        ?.gate.restore({ breaker: row.breaker, retryInMs: row.retry_in_ms, lastError: row.last_error ?? undefined })
  }

  /** How long each system has been away, which is paused or does not answer, or has not been. */
  async presences(): Promise<{ connection: string; isAway: boolean; forMs: number }[]> {
    return storage(
      () => this.#sql<{ connection: string; isAway: boolean; forMs: number }[]>`
        select connection, is_paused or breaker <> 'closed' as "isAway",
          greatest(0, extract(epoch from clock_timestamp() - case when is_paused and breaker <> 'closed'
            then least(pause_changed_at, opened_at) when is_paused then pause_changed_at
            when breaker <> 'closed' then opened_at else updated_at end) * 1000)::float8 as "forMs"
        from connection_states`,
    )
  }

  /** Stops or lets go all calls on a connection, with an audit row. Setting what is set already changes nothing. */
  async setPaused(id: string, pause: { isPaused: boolean; by: string; reason: string }): Promise<void> {
    const connection = this.get(id)
    await inTransaction(this.#sql, async (transaction) => {
      await transaction`
        insert into connection_states (connection, is_paused, paused_by, reason, pause_changed_at)
        values (${id}, ${pause.isPaused}, ${pause.by}, ${pause.reason}, clock_timestamp())
        on conflict (connection) do update set is_paused = excluded.is_paused, paused_by = excluded.paused_by,
          reason = excluded.reason, pause_changed_at = excluded.pause_changed_at, asked_wait_until = null, updated_at = now()`
      await transaction`
        select note_audit(${pause.by}, ${pause.isPaused ? "pause connection" : "resume connection"}, ${id},
          ${JSON.stringify({ reason: pause.reason })}::text::jsonb)`
    })
    connection.gate.setPaused(pause.isPaused, pause.by, pause.reason)
  }

  #persist(id: string, state: GateState): void {
    const { breaker, lastError, askedToWaitMs } = state
    const words = askedToWaitMs > 0 ? askedToWait : breakerWords[breaker]
    this.#log.warn({ connection: id, breaker, lastError, askedToWaitMs }, words)
    this.#sql`
      insert into connection_states (connection, breaker, opened_at, retry_at, last_error, asked_wait_until)
      values (${id}, ${state.breaker}, case when ${state.breaker} = 'open' then now() end,
        clock_timestamp() + ${state.retryInMs} * interval '1 ms', ${state.lastError ?? null},
        case when ${askedToWaitMs}::float8 > 0 then clock_timestamp() + ${askedToWaitMs} * interval '1 ms' end)
      on conflict (connection) do update set breaker = excluded.breaker, retry_at = excluded.retry_at,
        opened_at = case when excluded.breaker <> 'closed'
          then coalesce(connection_states.opened_at, excluded.opened_at, now()) end, last_error = excluded.last_error,
        asked_wait_until = excluded.asked_wait_until, updated_at = now()
    `.catch((error: unknown) => this.#log.warn({ err: error, connection: id }, "a breaker's state could not be kept"))
  }
}

const askedToWait = "a system asks for a long wait: work for it waits until then"
const breakerWords = {
  open: "calls to a system fail: they stop for a while, its work waits and goes on by itself",
  "half-open": "one call tries whether a system works again",
  closed: "a system works again: its work goes on",
} as const
