import { Batcher } from "../base/batch.ts"
import { factKey } from "../base/ids.ts"
import { storage, type Sql } from "../base/sql.ts"

/** A verified delivery whose protocol carries the time it was signed. */
export interface TimedDelivery {
  connection: string
  deliveryId: string
  /** SHA-256 of the raw bytes, in hex. */
  digest: string
}

/** A delivery is fresh this long after its own time, either side. Standard Webhooks and Stripe use the same five minutes. */
export const freshWindowMs = 300_000

/**
 * Remembers signed deliveries for ten days, longer than any known sender retries (Stripe: three days).
 *
 * Only the old are looked up: redelivery within the sender's own retry time is normal, is accepted and collapses by fact.
 * `remember` is called after the delivery is durable and need not be waited for; what a crash forgets is only this second net.
 */
export class ReplayGuard {
  readonly #sql: Sql
  readonly #batcher: Batcher<string, undefined>

  constructor(sql: Sql) {
    this.#sql = sql
    this.#batcher = new Batcher({ sizeMax: 500, queueMax: 5000, flush: (keys) => this.#store(keys) })
  }

  async remember(delivery: TimedDelivery): Promise<void> {
    await this.#batcher.add(deliveryKey(delivery))
  }

  async wasSeen(delivery: TimedDelivery): Promise<boolean> {
    const rows = await storage(
      () => this.#sql`select 1 from webhook_replays where delivery_key = ${deliveryKey(delivery)}`,
    )
    return rows.length > 0
  }

  /** Drops what no sender retries any more; answers how many. */
  async expire(): Promise<number> {
    const rows = await storage(
      () => this.#sql`delete from webhook_replays where seen_at < now() - interval '10 days' returning 1`,
    )
    return rows.length
  }

  async #store(keys: readonly string[]): Promise<undefined[]> {
    await storage(
      () => this.#sql`
        insert into webhook_replays (delivery_key) select distinct key::uuid from unnest(${[...keys]}::text[]) as given(key)
        order by 1 on conflict do nothing`,
    )
    return keys.map(() => undefined)
  }
}

function deliveryKey(delivery: TimedDelivery): string {
  return factKey(`${delivery.connection}\n${delivery.deliveryId}\n${delivery.digest}`)
}
