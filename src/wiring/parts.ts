import type { Log } from "../base/log.ts"
import { type Sql } from "../base/sql.ts"
import { type Clock } from "../base/time.ts"
import type { Connections } from "../effects/connections.ts"
import { type Estate } from "../estate.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Inbox } from "../eventlog/inbox.ts"
import type { createReservations } from "../stock/reservations.ts"

export type Role = "gateway" | "worker"

/** What a process is started with. */
export interface WiringOptions {
  estate: Estate
  databaseUrl: string
  log: Log
  roles: readonly Role[]
  /** Where the gateway listens; 0 = any free port. */
  host: string
  port: number
  clock?: Clock
}

/** Everything that is put together, handed to what starts roles. */
export type Parts = WiringOptions & {
  clock: Clock
  sql: Sql
  eventLog: EventLog
  inbox: Inbox
  connections: Connections
  /** `application_name` of this process's connections. */
  process: string
  reservations: ReturnType<typeof createReservations>
}

/** Ends one part of a running Crossdock. */
export type Stop = () => Promise<void>
