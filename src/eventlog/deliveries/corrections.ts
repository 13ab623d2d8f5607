import { replacedAt } from "../../base/json/tree.ts"
import { storage, type Sql } from "../../base/sql.ts"
import { readDelivery, type IncomingDelivery } from "./stored-deliveries.ts"

/** What stands at a place of a delivery's JSON after a person corrected it. */
export interface Correction {
  /** JSON pointer. */
  pointer: string
  /** As JSON text: a number keeps its digits. */
  value: string
}

interface Numbered {
  inboxId: number
  delivery: IncomingDelivery
}

/** A stored delivery as people corrected it; undefined when it is gone. */
export async function readCorrected(sql: Sql, inboxId: number): Promise<IncomingDelivery | undefined> {
  const delivery = await readDelivery(sql, inboxId)
  return delivery && corrected(sql, { inboxId, delivery })
}

/** A delivery as people corrected it. Its stored bytes stay. */
export async function corrected(sql: Sql, one: Numbered): Promise<IncomingDelivery> {
  const [same = one] = await correctedAll(sql, [one])
  return same.delivery
}

/** Deliveries as people corrected them, the oldest correction first. Their stored bytes stay. */
export async function correctedAll(sql: Sql, all: readonly Numbered[]): Promise<Numbered[]> {
  const ids = all.map(({ inboxId }) => inboxId)
  const rows = await storage(
    () => sql<(Correction & { of: number })[]>`
      select delivery as of, pointer, value::text as value from inbox_corrections where delivery = any(${ids}::bigint[])
      order by made_at, pointer`,
  )
  return all.map(({ inboxId, delivery }) => {
    const own = rows.filter(({ of }) => of === inboxId)
    return { inboxId, delivery: own.reduce(withCorrection, delivery) }
  })
}

/** A delivery with a correction; unchanged where there is no such place. */
export function withCorrection(delivery: IncomingDelivery, { pointer, value }: Correction): IncomingDelivery {
  const text = replacedAt(Buffer.from(delivery.bytes).toString("utf8"), pointer, value)
  return text === undefined ? delivery : { ...delivery, bytes: Buffer.from(text) }
}

/** Whether an operation has corrected a delivery. */
export async function isCorrectedBy(
  sql: Sql,
  { inboxId, operation }: { inboxId: number; operation: string },
): Promise<boolean> {
  const rows = await storage(
    () => sql`select from inbox_corrections where delivery = ${inboxId} and made_in = ${operation}`,
  )
  return rows.length > 0
}

/** Keeps a correction, once in an operation. */
export async function noteCorrection(
  sql: Sql,
  { inboxId, pointer, value, by, operation }: Correction & { inboxId: number; by: string; operation: string },
): Promise<void> {
  await storage(
    () => sql`
      insert into inbox_corrections (delivery, made_in, pointer, value, made_by)
      values (${inboxId}, ${operation}, ${pointer}, ${value}::text::json, ${by}) on conflict do nothing`,
  )
}
