import type { Registry } from "prom-client"
import type { Log } from "../base/log.ts"
import type { Clock } from "../base/time.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Inbox } from "../eventlog/inbox.ts"
import type { Reader } from "../eventlog/readers/readers.ts"
import type { Access } from "../governance/access.ts"
import type { Consumers } from "../governance/consumers.ts"
import type { IdempotencyKeys } from "../governance/idempotency-keys.ts"
import type { ReplayGuard } from "../governance/replay-guard.ts"
import type { ReceivesDeliveries } from "../ports/capabilities/intake.ts"
import type { Versions } from "./phases/versions.ts"

/** One page of a list. `cursor` is missing on the last page. */
export interface Page<Item> {
  items: readonly Item[]
  cursor?: string
}

export interface PageRequest {
  limit: number
  cursor?: string
}

/** The person or program that made a manual change, and the reason; written to the audit. */
export interface Act {
  by: string
  reason?: string
}

/** Whether one dependency of the gateway is ready. */
export interface ReadinessCheck {
  name: string
  isReady: boolean
  /** True of what keeps no request from being accepted: it is shown, and the gateway is ready all the same. */
  isAdvisory?: boolean
  detail?: string
}

/** A connection's signature check, and the time over which its sender retries a delivery. */
export interface Receiver {
  receivesDeliveries: ReceivesDeliveries
  /** Notes whether its deliveries are signed as they should be. */
  heartbeat?: Pick<Reader, "succeeded" | "turnedAway">
  retryHorizonMs?: number
}

export interface GatewaySettings {
  /** Number of nodes that share the consumers' rate limits. */
  nodeCount: number
  title?: string
  /** Whether `/metrics` needs a key with the scope `metrics:read`. Default: it is open. */
  metricsNeedKey?: boolean
  /** The built console, served below `/console/`. Without it there is none. */
  consoleFolder?: string
}

/** The dependencies of every request. An area passes those of a single resource to its routes. */
export interface GatewayCore {
  clock: Clock
  log: Log
  registry: Registry
  settings: GatewaySettings
  versions: Versions
  access: Access
  consumers: Consumers
  idempotencyKeys: IdempotencyKeys
  replayGuard: ReplayGuard
  inbox: Pick<Inbox, "receive">
  eventLog: Pick<EventLog, "read" | "readKey" | "onAppend">
  receiver: (connectionId: string) => Receiver | undefined
  readiness: () => Promise<readonly ReadinessCheck[]>
}
