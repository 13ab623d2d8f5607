import { isUtf8 } from "node:buffer"
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

const freshBytesMax = 32 * 1024 * 1024

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
  readonly #fresh = new Map<number, Uint8Array>()
  #freshBytes = 0

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

  /**
   * The body of a delivery that this process received and nobody took yet, once; undefined when only the database has it. Bodies
   * are kept while somebody listens to `onReceive`, the newest 32 MiB of them.
   */
  takeFresh(inboxId: number): Uint8Array | undefined {
    const bytes = this.#fresh.get(inboxId)
    if (bytes) this.#forget(inboxId, bytes)
    return bytes
  }

  #keepFresh(inboxId: number, bytes: Uint8Array): void {
    this.#fresh.set(inboxId, bytes)
    this.#freshBytes += bytes.length
    for (const [oldest, its] of this.#fresh) {
      if (this.#freshBytes <= freshBytesMax) return
      this.#forget(oldest, its)
    }
  }

  #forget(inboxId: number, bytes: Uint8Array): void {
    this.#fresh.delete(inboxId)
    this.#freshBytes -= bytes.length
  }

  async #store(deliveries: readonly IncomingDelivery[]): Promise<ReceivedDelivery[]> {
    const column = <Key extends keyof IncomingDelivery>(key: Key) => deliveries.map((delivery) => delivery[key])
    const bodies = Buffer.concat(deliveries.map((delivery) => delivery.bytes))
    const areUtf8 = deliveries.every(({ bytes }) => isText(bytes))
    const rows = await storage(
      () => this.#sql<{ id: number }[]>`
        select * from inbox_receive(
          ${column("connection")}::text[], ${column("via")}::text[], ${column("topic")}::text[], ${column("deliveryId")}::text[],
          ${column("receivedAt")}::text[], ${deliveries.map((delivery) => JSON.stringify(delivery.headers))}::text[],
          ${column("correlation")}::text[], ${deliveries.map((delivery) => delivery.traceparent ?? "")}::text[],
          ${deliveries.map((delivery) => delivery.bytes.length)}::integer[],
          ${bodies.toString(areUtf8 ? "utf8" : "hex")}, ${areUtf8}) as id`,
    )
    if (this.#emitter.listenerCount("received") > 0)
      for (const [place, { bytes }] of deliveries.entries()) this.#keepFresh(rows[place]?.id ?? 0, bytes)
    this.#emitter.emit("received")
    return rows.map((row) => ({ inboxId: row.id }))
  }
}

/** Whether the server can hold these bytes as text, without a change: UTF-8 and no U+0000. */
function isText(bytes: Uint8Array): boolean {
  return isUtf8(bytes) && !bytes.includes(0)
}
