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
import type { AvailabilityReader } from "../stock/availability.ts"
import type { Reservations } from "../stock/reservations.ts"
import type { StockLedger } from "../stock/stock-ledger.ts"
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

/** An order as operations sees it. What more it carries is shown as it is. */
export interface OrderView {
  id: string
  channel: string
  state: string
}

export interface Orders {
  find(orderId: string): Promise<OrderView | undefined>
  list(request: PageRequest & { state?: string; channels?: readonly string[] }): Promise<Page<OrderView>>
  /** Everything that happened to one order over all systems, oldest first. */
  trace(orderId: string): Promise<object | undefined>
}

/** Stock as the routes need it; one call is one batch. */
export interface Stock {
  reservations: Pick<Reservations, "reserve" | "reserveMany" | "release">
  availability: AvailabilityReader
  ledger: Pick<StockLedger, "applyMovements">
}

export interface Effects {
  list(
    request: PageRequest & { connection?: string; outcome?: string; workflow?: string; key?: string },
  ): Promise<Page<object>>
}

/** Who changed something by hand, and why; written to the audit by what is changed. */
export interface Act {
  by: string
  reason?: string
}

/** Connections and their state. `find`, `pause` and `resume` answer undefined for one that is not configured. */
export interface Connections {
  list(): Promise<readonly object[]>
  find(id: string): Promise<object | undefined>
  pause(id: string, act: Act): Promise<object | undefined>
  resume(id: string, act: Act): Promise<object | undefined>
}

export interface Exceptions {
  list(
    request: PageRequest & { state?: "open" | "decided"; owner?: string; cause?: string; orderId?: string },
  ): Promise<Page<object>>
  find(id: string): Promise<object | undefined>
  /** STATE_FORBIDS when it is decided already otherwise, or the action is not among the allowed ones. */
  decide(id: string, decision: Act & { action: string }): Promise<object | undefined>
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

/** Everything the gateway needs from the rest of the program; `wiring.ts` provides it. */
export interface GatewayDependencies {
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
  orders: Orders
  stock: Stock
  effects: Effects
  connections: Connections
  exceptions: Exceptions
  /** The figures of the live view, over the hours given. */
  kpis: (sinceHours: number) => Promise<object>
  readiness: () => Promise<readonly ReadinessCheck[]>
}
