import type { Money } from "../../base/money.ts"
import type { Instant } from "../../base/time.ts"

/** What makes an alert. */
export type AlertRule = "outage" | "promise" | "predicted miss" | "exceptions" | "reader" | "silence" | "receiver"

/** `page` wakes people, `notice` waits for their day. */
export type Severity = "page" | "notice"

/** What an alert is about; silences name it by these. */
export interface AlertSubject {
  promise?: string
  group?: string
  connection?: string
  channel?: string
}

/** Something that is wrong now, as people are told of it. */
export interface Condition {
  /** Rule and fingerprint, or promise and scope: one thread each. */
  key: string
  rule: AlertRule
  subject: AlertSubject
  severity: Severity
  owner: string
  title: string
  /** More of it, a line each. */
  detail: string[]
  count: number
  /** What is counted, e.g. "orders late". */
  counted: string
  /** One entry a currency: they are never added. */
  money: Money[]
  since: Instant
  /** Below the console's address. */
  path: string
  runbook?: string
  ifNobodyActs: string
  /** Keys of conditions that explain this one. */
  explainedBy: string[]
  /** Keys of conditions that this one explains. */
  explains?: string[]
  /** People put it aside; nobody is told meanwhile. */
  aside?: string
  /** People work on it until then, as the group says. */
  acknowledged?: { by: string; until: Instant }
}

/** What of a condition is compared with what was told before. */
export interface Figures {
  count: number
  money: Money[]
}
