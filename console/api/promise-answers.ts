// Types of the API's answers about promises and alerts, with the members that the console uses. test/console/answers.int.test.ts
// compares them with real answers.
import type { Money } from "./answers.ts"

/** The verdict on a promise, from its last outcomes. */
export type Says = "page" | "list" | "kept" | "too few"

export interface PromiseScope {
  scope: string[]
  scopeText: string
  n: number
  bad: number
  burn: number
  says: Says
  why?: string
  /** Of the missed ones; one entry a currency. */
  money: Money[]
  badSince?: string
}

export interface Promised {
  name: string
  of: string
  target: number
  within?: { days?: number; hours?: number; minutes?: number; seconds?: number; ms?: number }
  by?: string
  owner?: string
  severity?: "page" | "notice"
  runbook?: string
  ifNobodyActs?: string
  open: number
  atRisk: number
  overdue: number
  moneyAtRisk: Money[]
  scopes: PromiseScope[]
  says: Says
}

export interface MissedOutcome {
  subject: string
  orderId?: string
  channel?: string
  store?: string
  region?: string
  method?: string
  money?: Money
  startedAt: string
  dueAt: string
  endedAt?: string
}

export interface BudgetGate {
  wait: boolean
  reasons: string[]
  days: number
  budgets: { promise: string; target: number; n: number; bad: number; allowed: number; spent: number }[]
}

export interface AlertNotice {
  id: string
  kind: string
  receiver: string
  title: string
  state: string
  createdAt: string
  dueAt: string
  sentAt?: string
  attempts: number
  error?: string
}

export interface Alert {
  id: string
  key: string
  rule: string
  subject: { promise?: string; group?: string; connection?: string; channel?: string }
  state: "open" | "resolved"
  severity: "page" | "notice"
  owner: string
  title: string
  detail: string[]
  count: number
  counted: string
  money: Money[]
  since: string
  path: string
  runbook?: string
  ifNobodyActs: string
  startedAt: string
  seenAt: string
  resolvedAt?: string
  toldAt?: string
  level: number
  acknowledged?: { by: string; until: string }
  held?: string
  /** Of one alert only. */
  notices?: AlertNotice[]
}

export interface AlertReceiver {
  name: string
  kind: string
  tells: string[]
  waiting: number
  sentAt?: string
  failingSince?: string
  lastError?: string
}

export interface Silence {
  id: string
  matches: Readonly<Record<string, string>>
  reason: string
  by: string
  madeAt: string
  endsAt: string
  state: "live" | "ended"
  endedBy?: string
  endedAt?: string
  heldBack: number
}
