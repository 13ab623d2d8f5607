import { textKey } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Clock } from "../base/time.ts"
import { inBatches } from "./expiry.ts"

/** A verified delivery whose protocol carries the time it was signed. */
export interface TimedDelivery {
  connection: string
  deliveryId: string
  /** SHA-256 of the raw bytes, in hex. */
  digest: string
  sentAtMs: number
}

/** A delivery is fresh for this long before and after its own time. Standard Webhooks and Stripe use the same five minutes. */
export const freshWindowMs = 300_000

const keptMs = 10 * 24 * 3_600_000

/**
 * Remembers signed deliveries for ten days, longer than any known sender retries (Stripe: three days).
 *
 * The inbox writes the key in the transaction that stores the delivery. Only old deliveries are looked up: a redelivery
 * within the sender's own retry time is normal, is accepted, and states no new fact.
 */
export class ReplayGuard {
  readonly #sql: Sql
  readonly #clock: Clock

  constructor(sql: Sql, clock: Clock) {
    this.#sql = sql
    this.#clock = clock
  }

  async wasSeen(key: string): Promise<boolean> {
    const rows = await storage(() => this.#sql`select 1 from webhook_replays where delivery_key = ${key}::text::uuid`)
    return rows.length > 0
  }

  /** Deletes keys of deliveries that no sender retries any more; returns how many. */
  async expire(): Promise<number> {
    const before = minuteKey(this.#clock.now() - keptMs, "0".repeat(24))
    return inBatches(
      (limit) => this.#sql`
        delete from webhook_replays where delivery_key in (
          select delivery_key from webhook_replays where delivery_key < ${before}::text::uuid
          order by delivery_key limit ${limit} for update skip locked) returning 1`,
    )
  }
}

/** The key of a delivery. It begins with the minute of sending, so new keys go to the end of the index. */
export function replayKey({ connection, deliveryId, digest, sentAtMs }: TimedDelivery): string {
  return minuteKey(sentAtMs, textKey(`${connection}\n${deliveryId}\n${digest}`).replaceAll("-", "").slice(0, 24))
}

function minuteKey(atMs: number, rest: string): string {
  const minute = Math.max(0, Math.floor(atMs / 60_000))
  const hex = minute.toString(16).padStart(8, "0").slice(-8) + rest
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}
