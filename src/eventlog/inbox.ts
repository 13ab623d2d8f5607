import { EventEmitter } from "node:events"
import { Batcher } from "../base/batch.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { Delivery } from "../ports/capabilities.ts"

/** A delivery with what is known about it before anything is parsed. */
export interface IncomingDelivery extends Delivery {
  deliveryId: string
  topic: string
  correlation: string
  traceparent?: string
}

export interface ReceivedDelivery {
  inboxId: number
}

// The driver takes an array of Buffers for one Buffer unless it is told the type (pg_type: bytea[] = 1001).
const byteaArrayType = 1001

/**
 * Keeps raw deliveries.
 *
 * `receive` resolves only after the bytes are committed (I-1): answer 2xx after that and not before. Deliveries that arrive
 * while one commit is in flight share the next. The same delivery twice is two rows; that they are one fact shows later.
 */
export class Inbox {
  readonly #sql: Sql
  readonly #batcher: Batcher<IncomingDelivery, ReceivedDelivery>
  readonly #emitter = new EventEmitter()

  constructor(sql: Sql) {
    this.#sql = sql
    this.#batcher = new Batcher({ sizeMax: 500, queueMax: 5000, flush: (deliveries) => this.#store(deliveries) })
  }

  receive(delivery: IncomingDelivery): Promise<ReceivedDelivery> {
    return this.#batcher.add(delivery)
  }

  /** Calls back when deliveries were committed in this process; returns the way to stop that. */
  onReceive(listener: () => void): () => void {
    this.#emitter.on("received", listener)
    return () => this.#emitter.off("received", listener)
  }

  async #store(deliveries: readonly IncomingDelivery[]): Promise<ReceivedDelivery[]> {
    const column = <Key extends keyof IncomingDelivery>(key: Key) => deliveries.map((delivery) => delivery[key])
    const rows = await storage(
      () => this.#sql<{ id: number }[]>`
        insert into inbox (connection, via, topic, delivery_id, received_at, headers, bytes, correlation, traceparent)
        select connection, via, topic, delivery_id, received_at::timestamptz, headers::jsonb, bytes, correlation, nullif(traceparent, '')
        from unnest(
          ${column("connection")}::text[], ${column("via")}::text[], ${column("topic")}::text[], ${column("deliveryId")}::text[],
          ${column("receivedAt")}::text[], ${deliveries.map((delivery) => JSON.stringify(delivery.headers))}::text[],
          ${this.#sql.typed(
            deliveries.map((delivery) => Buffer.from(delivery.bytes)),
            byteaArrayType,
          )}::bytea[], ${column("correlation")}::text[],
          ${deliveries.map((delivery) => delivery.traceparent ?? "")}::text[]
        ) as given(connection, via, topic, delivery_id, received_at, headers, bytes, correlation, traceparent)
        returning id`,
    )
    this.#emitter.emit("received")
    return rows.map((row) => ({ inboxId: row.id }))
  }
}
