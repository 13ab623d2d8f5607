import type { Registry } from "prom-client"
import type { Log } from "../base/log.ts"
import type { Clock } from "../base/time.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Inbox } from "../eventlog/inbox.ts"
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

/** Who changed something by hand, and why; written to the audit by what is changed. */
export interface Act {
  by: string
  reason?: string
}

/** Whether one thing the gateway needs is well. */
export interface ReadinessCheck {
  name: string
  isReady: boolean
  detail?: string
}

/** A connection's way of checking what arrives, and how long its sender repeats a delivery that got no answer. */
export interface Receiver {
  receivesDeliveries: ReceivesDeliveries
  retryHorizonMs?: number
}

export interface GatewaySettings {
  /** Nodes that share the consumers' rates. */
  nodeCount: number
  title?: string
}

/** What every request needs, whatever it asks for. What one resource needs besides, its area hands to its routes. */
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
