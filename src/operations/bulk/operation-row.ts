import { instant } from "../../base/time.ts"
import type { Refused } from "./kind.ts"

export type BulkState = "previewed" | "waiting for approval" | "running" | "paused" | "stopped" | "done"

/** An operation as people see it. */
export interface BulkOperation {
  id: string
  kind: string
  spec: object
  reason: string
  hash: string
  state: BulkState
  /** Why somebody else has to approve it; missing when nobody has to. */
  needsApproval?: string
  /** What people should know before they run it, sentence by sentence. */
  says: string[]
  /** Money of its members, one entry a currency. */
  atRisk: { amountMinor: number; currency: string }[]
  /** What it will not be done to, and why. */
  refused: Refused[]
  total: number
  done: number
  skipped: number
  failed: number
  requestedBy: string
  requestedAt: string
  expiresAt: string
  approvedBy?: string
  startedAt?: string
  endedAt?: string
  /** Why it was stopped, when nobody stopped it. */
  endedWhy?: string
  /** Its pace: members a second. */
  perSecond: number
  /** How long the rest takes at its pace; its objects may take longer. */
  lastsSeconds: number
  /** When it ends at its pace, while it runs. */
  endsAt?: string
}

/** A row of `bulk_operations` with the count of its members by outcome. */
export interface OperationRow {
  id: string
  kind: string
  spec: object
  reason: string
  hash: string
  state: BulkState
  needs_approval: string | null
  risk: { amountMinor: number; currency: string }[]
  says: string[]
  refused: Refused[]
  total: number
  done: number
  skipped: number
  failed: number
  requested_by: string
  requested_at: Date
  expires_at: Date
  approved_by: string | null
  started_at: Date | null
  ended_at: Date | null
  ended_why: string | null
  per_second: number
}

export function operationOf(row: OperationRow, nowMs: number): BulkOperation {
  const left = row.total - row.done - row.skipped - row.failed
  return {
    id: row.id,
    kind: row.kind,
    spec: row.spec,
    reason: row.reason,
    hash: row.hash,
    state: row.state,
    ...(row.needs_approval === null ? {} : { needsApproval: row.needs_approval }),
    says: row.says,
    atRisk: row.risk,
    refused: row.refused,
    total: row.total,
    done: row.done,
    skipped: row.skipped,
    failed: row.failed,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at.toISOString(),
    expiresAt: row.expires_at.toISOString(),
    ...(row.approved_by === null ? {} : { approvedBy: row.approved_by }),
    ...(row.started_at === null ? {} : { startedAt: row.started_at.toISOString() }),
    ...(row.ended_at === null ? {} : { endedAt: row.ended_at.toISOString() }),
    ...(row.ended_why === null ? {} : { endedWhy: row.ended_why }),
    perSecond: row.per_second,
    lastsSeconds: Math.ceil(left / row.per_second),
    ...(row.state === "running" ? { endsAt: instant(nowMs + (left / row.per_second) * 1000) } : {}),
  }
}
