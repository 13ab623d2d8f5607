import { storage } from "../../base/sql.ts"
import type { EventData } from "../../canonical/events.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import { lineMinor } from "../../canonical/sales/receipt-law.ts"
import type { NumberedReceipt, ReceiptReference } from "../../canonical/sales/receipt.ts"
import type { EventLog, StoredEvent } from "../../eventlog/event-log.ts"
import type { LineSold } from "../../rules/returns/takings.ts"
import type { Selling } from "../selling.ts"

/** A receipt that moved goods, as the log has it. */
export type Recorded = StoredEvent & { data: EventData<"sale.recorded"> }

type Reads = Pick<Selling, "sql"> & { eventLog: Pick<EventLog, "readKey"> }

/** A receipt as it is named: a document perhaps without its till. */
type Named = Omit<ReceiptReference, "tillId"> & { tillId?: string }

/** A receipt by its name. Undefined while it has not come, or when a name without its day or its till fits several. */
export async function findRecorded(reads: Reads, named: Named): Promise<Recorded | undefined> {
  const [found, ...others] = await dated(reads, named)
  if (found === undefined || others.length > 0) return undefined
  const facts = await reads.eventLog.readKey(saleRef(found))
  return facts.find(isRecorded)
}

/** Whether an event is of a receipt that moved goods. */
export const isRecorded = (event: StoredEvent): event is Recorded => event.type === "sale.recorded"

async function dated(reads: Reads, named: Named): Promise<ReceiptReference[]> {
  const { storeId, tillId, documentId, epoch = documentId ?? "1", businessDay, sequence = 0 } = named
  if (businessDay !== undefined && tillId !== undefined) return [{ ...named, tillId }]
  if (documentId !== undefined) return datedDocument(reads, { ...named, documentId })
  if (tillId === undefined) return []
  const { sql } = reads
  const rows = await storage(
    () => sql<{ businessDay: string }[]>`
      select distinct r.business_day::text as "businessDay" from till_days t
      join receipts r on r.store_id = t.store_id and r.business_day = t.business_day and r.till_id = t.till_id
        and r.sequence = ${sequence} and r.epoch = ${epoch} and r.standing = 'recorded'
      where t.store_id = ${storeId} and t.till_id = ${tillId} limit 2`,
  )
  return rows.map((row) => ({ storeId, tillId, epoch, businessDay: row.businessDay, sequence }))
}

async function datedDocument(
  { sql }: Reads,
  { storeId, documentId, ...named }: Named & { documentId: string },
): Promise<ReceiptReference[]> {
  const { tillId, businessDay } = { tillId: named.tillId ?? null, businessDay: named.businessDay ?? null }
  return storage(
    () => sql<ReceiptReference[]>`
      select distinct store_id as "storeId", till_id as "tillId", epoch, business_day::text as "businessDay", sequence from receipts
      where document_id = ${documentId} and store_id = ${storeId} and standing = 'recorded'
        and (${tillId}::text is null or till_id = ${tillId}) and (${businessDay}::date is null or business_day = ${businessDay}::date)
      limit 2`,
  )
}

/** The till and the day of a receipt, as others may leave them out. */
export const placeOf = ({ data: { receipt } }: Recorded) => ({
  tillId: receipt.tillId,
  epoch: receipt.epoch,
  businessDay: receipt.businessDay,
})

export const lineIn = (original: Recorded | undefined, lineId: string | undefined) =>
  original?.data.receipt.lines?.find((line) => line.lineId === lineId)

/** What a line of a receipt sold; undefined for a line that is not there or sold no goods. */
export function lineSold(
  { lines = [] }: NumberedReceipt,
  lineId: string,
  sku: string | undefined,
): LineSold | undefined {
  const line = lines.find((one) => one.lineId === lineId)
  if (!line || (line.as ?? "goods") !== "goods" || line.quantityMilli <= 0) return undefined
  const { quantityMilli: milli, unit, serial } = line
  return {
    milli,
    paidMinor: lineMinor(line),
    unit,
    ...(sku === undefined ? {} : { sku }),
    ...(serial === undefined ? {} : { serial }),
  }
}
