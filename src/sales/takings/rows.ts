import type { SqlTransaction } from "../../base/sql.ts"
import { parseRef } from "../../canonical/refs.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import type { NumberedReceipt, ReceiptReference } from "../../canonical/sales/receipt.ts"
import type { LossWhy, Standing } from "../../rules/returns/takings.ts"

/** The line of a receipt that sold goods, as far as it is known which one. */
export interface LineNamed extends Omit<ReceiptReference, "tillId"> {
  /** Of a document it is not known before the document has come. */
  tillId?: string
  /** When it was sold, where its receipt may name no day. */
  soldAt?: string
  epoch: string
  sequence: number
  lineId: string
}

/** What a line of a receipt takes back. */
export interface NewTaking {
  key: string
  /** The receipt that takes it back, and the document it is where its till gives no numbers. */
  receipt: string
  documentId?: string
  line?: LineNamed
  orderId?: string
  sku?: string
  serial?: string
  unit: string
  milli: number
  givenMinor: number
  /** How many of its amounts the till rounded by themselves. */
  amounts: number
  currency: string
  takenAt: string
}

/** A taking as it is kept. */
export interface Taking extends NewTaking {
  state: "waiting" | "standing" | "voided"
  /** What it takes back was sold before its store's first day here, so that its receipt is not expected. */
  isOlder: boolean
  grantedMilli: number
  lostMilli: number
  lostMinor: number
  why: LossWhy | null
  caseId: string | null
  /** How many cases were opened about it. */
  cases: number
}

/** One change of takings at a time: receipts of two workers would not see each other. */
export async function lockTakings(tx: SqlTransaction): Promise<void> {
  await tx`select pg_advisory_xact_lock(542)`
}

interface Row {
  key: string
  receipt: string
  document_id: string | null
  store_id: string | null
  till_id: string | null
  epoch: string
  day: string | null
  sequence: number
  line_document_id: string | null
  sold_at: Date | null
  line_id: string
  order_id: string | null
  sku: string | null
  serial: string | null
  unit: string
  milli: number
  given_minor: number
  amounts: number
  currency: string
  taken_at: Date
  state: Taking["state"]
  is_older: boolean
  granted_milli: number
  lost_milli: number
  lost_minor: number
  why: LossWhy | null
  case_id: string | null
  cases: number
}

function lineOf(row: Row, storeId: string): LineNamed {
  const { till_id: tillId, epoch, day, sequence, line_document_id: documentId, sold_at: soldAt, line_id: lineId } = row
  return {
    storeId,
    ...(tillId === null ? {} : { tillId }),
    epoch,
    ...(day === null ? {} : { businessDay: day }),
    sequence,
    ...(documentId === null ? {} : { documentId }),
    ...(soldAt === null ? {} : { soldAt: soldAt.toISOString() }),
    lineId,
  }
}

function takingOf(row: Row): Taking {
  const { order_id: orderId, document_id: documentId, sku, serial } = row
  return {
    key: row.key,
    receipt: row.receipt,
    unit: row.unit,
    milli: row.milli,
    givenMinor: row.given_minor,
    amounts: row.amounts,
    currency: row.currency,
    takenAt: row.taken_at.toISOString(),
    state: row.state,
    isOlder: row.is_older,
    grantedMilli: row.granted_milli,
    lostMilli: row.lost_milli,
    lostMinor: row.lost_minor,
    why: row.why,
    caseId: row.case_id,
    cases: row.cases,
    ...(documentId === null ? {} : { documentId }),
    ...(row.store_id === null ? {} : { line: lineOf(row, row.store_id) }),
    ...(orderId === null ? {} : { orderId }),
    ...(sku === null ? {} : { sku }),
    ...(serial === null ? {} : { serial }),
  }
}

export async function takingsOf(tx: SqlTransaction, receipt: string): Promise<Taking[]> {
  const rows = await tx<Row[]>`
    select *, business_day::text as day from till_takings where receipt = ${receipt} order by n`
  return rows.map(takingOf)
}

/** The takings of an order that tills lost money by, the first first. */
export async function lostOfOrder(tx: SqlTransaction, orderId: string): Promise<Taking[]> {
  const rows = await tx<Row[]>`
    select *, business_day::text as day from till_takings where order_id = ${orderId} and state = 'standing' and lost_milli > 0 order by n`
  return rows.map(takingOf)
}

/** Those that wait for a receipt, which may be named without its day, and a document without its till. */
export async function waitingFor(tx: SqlTransaction, receipt: NumberedReceipt): Promise<Taking[]> {
  const { storeId, tillId, epoch, businessDay, sequence } = receipt
  const rows = await tx<Row[]>`
    select *, business_day::text as day from till_takings where store_id = ${storeId} and epoch = ${epoch} and sequence = ${sequence}
      and (till_id is null or till_id = ${tillId}) and (business_day is null or business_day = ${businessDay}::date) and state = 'waiting' order by n`
  return rows.map(takingOf)
}

/** Those that have waited since before a moment, the longest first. */
export async function waitingSince(tx: SqlTransaction, before: string, limit: number): Promise<Taking[]> {
  const rows = await tx<Row[]>`
    select *, business_day::text as day from till_takings where state = 'waiting' and case_id is null and not is_older and taken_at <= ${before}::timestamptz
    order by taken_at limit ${limit}`
  return rows.map(takingOf)
}

/** Which of these receipts somebody waits for. */
export async function awaited(tx: SqlTransaction, receipts: readonly NumberedReceipt[]): Promise<ReadonlySet<number>> {
  const asked = receipts.map(({ storeId, tillId, epoch, sequence }, n) => ({ n, storeId, tillId, epoch, sequence }))
  const rows = await tx<{ n: number }[]>`
    select distinct x.n from json_to_recordset(${JSON.stringify(asked)}::text::json) as x(n integer, "storeId" text, "tillId" text, epoch text, sequence bigint)
    join till_takings t on t.store_id = x."storeId" and t.epoch = x.epoch and t.sequence = x.sequence
      and (t.till_id is null or t.till_id = x."tillId") and t.state = 'waiting'`
  return new Set(rows.map(({ n }) => n))
}

/** Keeps takings of a receipt; those that are there stay, and stand again if they were voided. */
export async function putTakings(tx: SqlTransaction, takings: readonly NewTaking[]): Promise<void> {
  for (const {
    key,
    receipt,
    documentId,
    line,
    orderId,
    sku,
    serial,
    unit,
    milli,
    givenMinor,
    amounts,
    currency,
    takenAt,
  } of takings)
    await tx`
      insert into till_takings (key, receipt, document_id, store_id, till_id, epoch, business_day, sequence, line_document_id, sold_at, line_id, order_id, sku, serial, unit, milli,
        given_minor, amounts, currency, taken_at)
      values (${key}, ${receipt}, ${documentId ?? null}, ${line?.storeId ?? null}, ${line?.tillId ?? null}, ${line?.epoch ?? null},
        ${line?.businessDay ?? null}::date, ${line?.sequence ?? null}, ${line?.documentId ?? null}, ${line?.soldAt ?? null}::timestamptz, ${line?.lineId ?? null}, ${orderId ?? null}, ${sku ?? null},
        ${serial ?? null}, ${unit}, ${milli}, ${givenMinor}, ${amounts}, ${currency}, ${takenAt}::timestamptz)
      on conflict (key) do update set state = 'waiting' where till_takings.state = 'voided'`
}

/** Says which receipt a taking means: its till, its day, and the order whose goods the line handed over. */
export async function placeTaking(
  tx: SqlTransaction,
  key: string,
  { tillId, businessDay, orderId }: { tillId: string; businessDay: string; orderId?: string },
): Promise<void> {
  await tx`
    update till_takings set till_id = ${tillId}, business_day = ${businessDay}::date, order_id = coalesce(order_id, ${orderId ?? null})
    where key = ${key}`
}

/** The takings of a line that count, in the order in which they stand. */
export async function takingsOfLine(tx: SqlTransaction, line: LineNamed & { tillId: string }): Promise<Taking[]> {
  const rows = await tx<Row[]>`
    select *, business_day::text as day from till_takings where store_id = ${line.storeId} and till_id = ${line.tillId} and sequence = ${line.sequence}
      and epoch = ${line.epoch} and business_day = ${line.businessDay ?? null}::date and line_id = ${line.lineId}
      and order_id is null and state <> 'voided' order by n`
  return rows.map(takingOf)
}

export async function stand(
  tx: SqlTransaction,
  { key, grantedMilli, lostMilli, lostMinor, why }: Standing,
  caseId: string | null,
): Promise<void> {
  await tx`
    update till_takings set state = 'standing', granted_milli = ${grantedMilli}, lost_milli = ${lostMilli}, lost_minor = ${lostMinor},
      why = ${why ?? null}, case_id = ${caseId}, cases = cases + ${caseId === null ? 0 : 1} where key = ${key}`
}

export async function setCase(tx: SqlTransaction, key: string, caseId: string): Promise<void> {
  await tx`update till_takings set case_id = ${caseId}, cases = cases + 1 where key = ${key}`
}

export async function setOlder(tx: SqlTransaction, key: string): Promise<void> {
  await tx`update till_takings set is_older = true where key = ${key}`
}

/** Whether a till gave a number before the first one of it that is known here. A till that numbers by the day, or not at all, has no such number. */
export async function isBeforeFirst(
  tx: SqlTransaction,
  { storeId, tillId, epoch, sequence }: LineNamed,
): Promise<boolean> {
  if (tillId === undefined) return false
  const rows = await tx`
    select from till_runs where store_id = ${storeId} and till_id = ${tillId} and run = ${epoch} and ${sequence} < first_sequence`
  return rows.length > 0
}

/** Takes the takings of a receipt out, and returns those that counted. */
export async function voidTakings(tx: SqlTransaction, receipt: string): Promise<Taking[]> {
  const counted = (await takingsOf(tx, receipt)).filter(({ state }) => state !== "voided")
  await tx`
    update till_takings set state = 'voided', granted_milli = 0, lost_milli = 0, lost_minor = 0, why = null, case_id = null
    where receipt = ${receipt} and state <> 'voided'`
  return counted
}

/** Notes that a receipt voids another. */
export async function noteVoid(
  tx: SqlTransaction,
  { ref, of, at }: { ref: string; of: ReceiptReference & { epoch: string; sequence: number }; at: string },
): Promise<void> {
  await tx`
    insert into voided_receipts (void, store_id, till_id, epoch, business_day, sequence, noted_at)
    values (${ref}, ${of.storeId}, ${of.tillId}, ${of.epoch}, ${of.businessDay ?? null}::date, ${of.sequence}, ${at}::timestamptz)
    on conflict do nothing`
}

/** Voids of voids: tills do not go further, and a circle must end. */
const depthMax = 8

/** Whether a receipt is void: a void that is not void itself names it. */
export async function isVoid(tx: SqlTransaction, receipt: ReceiptReference, depth = 0): Promise<boolean> {
  const { storeId, tillId, documentId, epoch = documentId ?? "1", businessDay = null, sequence = 0 } = receipt
  const rows = await tx<{ void: string }[]>`
    select void from voided_receipts where store_id = ${storeId} and till_id = ${tillId} and sequence = ${sequence}
      and epoch = ${epoch} and (business_day is null or business_day = ${businessDay}::date) and void <> ${saleRef(receipt)}`
  for (const { void: by } of rows) {
    const named = receiptNamed(by)
    if (depth >= depthMax || !named || !(await isVoid(tx, named, depth + 1))) return true
  }
  return false
}

function receiptNamed(text: string): ReceiptReference | undefined {
  const [storeId, tillId, businessDay, epoch, sequence] = parseRef(text)?.parts ?? []
  if (storeId === undefined || tillId === undefined || businessDay === undefined || epoch === undefined)
    return undefined
  return { storeId, tillId, businessDay, epoch, sequence: Number(sequence) }
}

/** Forgets what was taken back, given for it, and voided, before a moment. */
export async function forgetTakings(tx: SqlTransaction, before: string): Promise<void> {
  await tx`delete from till_refunds where given_at < ${before}::timestamptz`
  await tx`delete from till_takings where taken_at < ${before}::timestamptz`
  await tx`delete from voided_receipts where noted_at < ${before}::timestamptz`
}
