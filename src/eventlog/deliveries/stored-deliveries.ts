import type { SpanOf } from "../../base/log/spans.ts"
import { promisify } from "node:util"
import { constants, zstdCompress, zstdCompressSync, zstdDecompress } from "node:zlib"
import type { Problem } from "../../base/errors.ts"
import { storage, type Sql } from "../../base/sql.ts"
import type { Delivery } from "../../ports/capabilities/intake.ts"

/** A delivery before anything of it is parsed. */
export interface IncomingDelivery extends Delivery {
  deliveryId: string
  topic: string
  correlation: string
  traceparent?: string
  /** Set for a signed delivery whose protocol carries a time: the key the replay guard remembers. */
  replayKey?: string
}

/** The span of a delivery at the door: until it is durable, with all that follows from it. */
export function doorSpan({ connection, via, topic, correlation, traceparent, deliveryId }: IncomingDelivery): SpanOf {
  const attributes = { "crossdock.connection": connection, "crossdock.via": via, "crossdock.topic": topic }
  return {
    name: `door ${connection}`,
    kind: "internal",
    correlation,
    traceparent,
    key: `door ${deliveryId}`,
    attributes,
  }
}

/** A row of `inbox` with its bytes. */
export interface StoredDelivery {
  id: number
  connection: string
  via: Delivery["via"]
  topic: string
  delivery_id: string
  received_at: Date
  correlation: string
  traceparent: string | null
  starts_at: number
  head_length: number
  body_length: number
  attempts: number
  packed: Buffer
}

/** What stands before the number of a delivery that was taken again; replays are not replayed. */
export const replayPrefix = "replay of "

/** Up to so many bytes take a tenth of a millisecond, and handing them to another thread three times as long. */
const packedHereMax = 256 * 1024
const packing = { params: { [constants.ZSTD_c_compressionLevel]: 3 } }
const [packElsewhere, unpack] = [promisify(zstdCompress), promisify(zstdDecompress)]

/** Heads and bodies of deliveries as they are stored: many together, because similar ones shrink together. */
export async function packedTogether(parts: readonly Uint8Array[]): Promise<Buffer> {
  const bytes = Buffer.concat(parts)
  return bytes.length <= packedHereMax ? zstdCompressSync(bytes, packing) : packElsewhere(bytes, packing)
}

export async function unpacked(row: StoredDelivery): Promise<IncomingDelivery> {
  const all = await unpack(row.packed)
  const bodyAt = row.starts_at + row.head_length
  return {
    connection: row.connection,
    via: row.via,
    topic: row.topic,
    deliveryId: row.delivery_id,
    receivedAt: row.received_at.toISOString(),
    correlation: row.correlation,
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    headers: JSON.parse(all.subarray(row.starts_at, bodyAt).toString("utf8")) as Record<string, string>,
    bytes: all.subarray(bodyAt, bodyAt + row.body_length),
  }
}

/** Headers and body of a stored delivery; undefined when there is none. */
export async function readDelivery(sql: Sql, inboxId: number): Promise<IncomingDelivery | undefined> {
  const [row] = await storage(
    () => sql<StoredDelivery[]>`
      select i.*, b.bytes as packed from inbox i join inbox_bodies b on b.id = i.bodies where i.id = ${inboxId}`,
  )
  return row && unpacked(row)
}

/** Which deliveries are taken again. */
export interface ReplayWindow {
  connection: string
  from: string
  to: string
  topic?: string
  state?: "translated" | "duplicate" | "ignored" | "parked"
}

/** Deliveries of a window with their bytes, oldest first, from the one after `after`; what was taken again before is left out. */
export async function readWindow(
  sql: Sql,
  { connection, from, to, topic, state }: ReplayWindow,
  { after, limit }: { after: number; limit: number },
): Promise<{ inboxId: number; delivery: IncomingDelivery }[]> {
  const rows = await storage(
    () => sql<StoredDelivery[]>`
      select i.*, b.bytes as packed from inbox i join inbox_bodies b on b.id = i.bodies
      where i.id > greatest(${after}::bigint, inbox_day(${from}::timestamptz - interval '1 day') - 1)
        and i.id < inbox_day(${to}::timestamptz + interval '2 days')
        and i.received_at >= ${from}::timestamptz and i.received_at < ${to}::timestamptz and i.connection = ${connection}
        and (${topic ?? null}::text is null or i.topic = ${topic ?? null}) and (${state ?? null}::text is null or i.state = ${state ?? null})
        and not starts_with(i.delivery_id, ${replayPrefix})
      order by i.id limit ${limit}`,
  )
  return Promise.all(rows.map(async (row) => ({ inboxId: row.id, delivery: await unpacked(row) })))
}

/** What became of a delivery. */
export interface DeliveryState {
  state: "translated" | "duplicate" | "ignored" | "parked"
  reason: string
  problems: readonly Problem[]
  /** How often it was translated. */
  attempts: number
}

export async function readDeliveryState(sql: Sql, inboxId: number): Promise<DeliveryState | undefined> {
  const [row] = await storage(
    () => sql<{ state: DeliveryState["state"]; reason: string | null; problems: Problem[] | null; attempts: number }[]>`
      select state, reason, problems, attempts from inbox where id = ${inboxId}`,
  )
  return row && { ...row, problems: row.problems ?? [], reason: row.reason ?? "" }
}
