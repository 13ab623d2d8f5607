import type { Area, AreaParts } from "../areas/define-area.ts"
import type { Log } from "../base/log.ts"
import type { Clock } from "../base/time.ts"
import type { AnyWorkflow } from "../durable/define-workflow.ts"
import type { Estate } from "../estate.ts"
import type { Reader } from "../eventlog/readers/readers.ts"

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
  /** Default: all there are. */
  areas?: readonly Area[]
}

/** Everything that is put together, handed to what starts roles. */
export type Parts = AreaParts & {
  estate: Estate
  workflows: readonly AnyWorkflow[]
  /** `application_name` of this process's connections. */
  process: string
  /** Heartbeats of the webhooks of each connection. */
  webhooks: ReadonlyMap<string, Reader>
}

/** Ends one part of a running Crossdock. */
export type Stop = () => Promise<void>
