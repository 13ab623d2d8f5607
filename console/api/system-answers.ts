import type { Reference } from "./answers.ts"

// Answers about systems, work and access.

export interface Reader {
  name: string
  connection?: string
  state: "ok" | "failing" | "refused" | "behind" | "excused"
  everyMs: number
  lateAfterMs: number
  succeededAt?: string
  failedAt?: string
  ageMs?: number
  lastError?: string
}

export interface Connection {
  id: string
  connector: string
  apiVersion: string
  capabilities: string[]
  connectedAt: string
  isPaused: boolean
  pausedBy?: string
  /** Of the pause. */
  reason?: string
  breaker: "closed" | "open" | "half-open"
  retryInMs: number
  askedToWaitMs: number
  callsUnderWay: number
  callsWaiting: number
  /** Objects whose next step is for it, while it is away, paused or drained. */
  objectsWaiting: number
  /** When the last of them will have gone on, at the present pace. */
  drainEndsAt?: string
  lastError?: string
  readers: Reader[]
}

export interface Kpis {
  sinceHours: number
  orders: {
    total: number
    perSecondLastMinute: number
    closedPerSecondLastMinute: number
    byState: Record<string, number>
  }
  money: { currency: string; shippedMinor: number; bookedMinor: number }[]
  stock: { skus: number; onHand: number; reserved: number }
  waiting: { kind: string; name: string; count: number }[]
  effects: { connection: string; outcome: string; count: number; attempts: number; probes: number }[]
  exceptionsOpen: number
  /** In all open cases, one entry a currency. */
  atRisk: { amountMinor: number; currency: string }[]
  deliveries: { received: number; duplicates: number; ignored: number; parked: number }
}

export interface Effect {
  workflow: string
  key: string
  step: string
  connection: string
  capability: string
  operation: string
  businessKey: string
  outcome: string
  attempts: number
  probes: number
  intentAt: string
  settledAt?: string
  reference?: Reference
  error?: { code: string; message: string }
  /** What the call asked for. Personal values are in it only for people who may read raw payloads. */
  input?: unknown
  history: unknown[]
  kind: "effect" | "undo"
  /** The document that the call makes, in words, e.g. "sales order". Missing where no document can be linked. */
  document?: string
}

export interface Consumer {
  id: string
  name: string
  owner: string
  scopes: string[]
  channels?: string[]
  stores?: string[]
  ratePerSecond: number
  burst: number
  apiVersion: string
  isActive: boolean
}

export interface Person {
  name: string
  fullName: string
  roles: string[]
  channels?: string[]
  stores?: string[]
  hasPassword: boolean
  isActive: boolean
}

export interface ConsumerKey {
  id: string
  createdAt?: string
  expiresAt?: string
  lastUsedAt?: string
}

export interface Retention {
  outlook: { what: string; days: number; next?: { what: string; at: string; bytes?: number } }[]
  tables: { name: string; bytes: number; rows: number }[]
}

export interface EventSubscription {
  id: string
  url: string
  description: string
  types: string[]
  state: "active" | "paused" | "stopped"
  why?: string
  sent: number
  lastSentAt?: string
  failingSince?: string
  lastError?: string
  waitingKeys: number
}
