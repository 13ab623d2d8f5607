import type { SqlTransaction } from "../../base/sql.ts"
import type { Breach } from "../../rules/returns/till-limits.ts"

/** What a receipt gave back that the policy limits. */
export interface NewRefund {
  receipt: string
  /** The document it is, where its till gives no numbers. */
  documentId?: string
  kind: "blind" | "offline"
  /** Receipts with the same are counted together. */
  countsWith?: string
  currency: string
  givenMinor: number
  /** When its till ended it. */
  at: string
  /** What is not within the policy by this receipt alone. */
  breaches: readonly Breach[]
}

/** One as it is kept. */
export interface Refund extends NewRefund {
  isVoid: boolean
  /** So much of the receipt's money is told by another case: what it gave for units that were given back before, or without their receipt. */
  toldMinor: number
  overMinor: number
  why: string
  caseId: string | null
  /** How many cases were opened about it. */
  cases: number
}

interface Row {
  receipt: string
  document_id: string | null
  kind: Refund["kind"]
  counts_with: string | null
  currency: string
  given_minor: number
  given_at: Date
  breaches: Breach[]
  is_void: boolean
  told_minor: number
  over_minor: number
  why: string
  case_id: string | null
  cases: number
}

function refundOf(row: Row): Refund {
  const { document_id: documentId, counts_with: countsWith } = row
  return {
    receipt: row.receipt,
    ...(documentId === null ? {} : { documentId }),
    kind: row.kind,
    ...(countsWith === null ? {} : { countsWith }),
    currency: row.currency,
    givenMinor: row.given_minor,
    at: row.given_at.toISOString(),
    breaches: row.breaches,
    isVoid: row.is_void,
    toldMinor: row.told_minor,
    overMinor: row.over_minor,
    why: row.why,
    caseId: row.case_id,
    cases: row.cases,
  }
}

/** Keeps what a receipt gave. One that is there stays as it was judged, and counts again if it was void. */
export async function putRefund(tx: SqlTransaction, one: NewRefund): Promise<void> {
  const { receipt, documentId = null, kind, countsWith = null, currency, givenMinor, at, breaches } = one
  await tx`
    insert into till_refunds (receipt, document_id, kind, counts_with, currency, given_minor, given_at, breaches)
    values (${receipt}, ${documentId}, ${kind}, ${countsWith}, ${currency}, ${givenMinor}, ${at}::timestamptz, ${JSON.stringify(breaches)}::text::json)
    on conflict (receipt, kind) do update set is_void = false where till_refunds.is_void`
}

/** What a receipt gave counts no more. */
export async function voidRefunds(tx: SqlTransaction, receipt: string): Promise<void> {
  await tx`update till_refunds set is_void = true where receipt = ${receipt} and not is_void`
}

export async function refundsOf(tx: SqlTransaction, receipt: string): Promise<NewRefund[]> {
  const rows = await tx<Row[]>`select *, 0 as told_minor from till_refunds where receipt = ${receipt} order by n`
  return rows.map(refundOf)
}

/** Those that are counted together with one, itself included, the first that came first. */
export async function refundsTogether(
  tx: SqlTransaction,
  { receipt, kind, countsWith }: Pick<NewRefund, "receipt" | "kind" | "countsWith">,
): Promise<Refund[]> {
  const group = countsWith ?? null
  const rows = await tx<Row[]>`
    select r.*, case when r.kind <> 'offline' then 0 else
      coalesce((select sum(t.lost_minor) from till_takings t where t.receipt = r.receipt and t.state = 'standing'), 0)::bigint
      + coalesce((select sum(b.over_minor) from till_refunds b where b.receipt = r.receipt and b.kind = 'blind'), 0)::bigint end as told_minor
    from till_refunds r
    where r.kind = ${kind} and case when ${group}::text is null then r.receipt = ${receipt} else r.counts_with = ${group} end order by r.n`
  return rows.map(refundOf)
}

/** Writes how one stands, and its open case. */
export async function noteRefund(
  tx: SqlTransaction,
  { receipt, kind }: Pick<Refund, "receipt" | "kind">,
  { overMinor, why, caseId }: Pick<Refund, "overMinor" | "why" | "caseId">,
): Promise<void> {
  await tx`
    update till_refunds set over_minor = ${overMinor}, why = ${why}, case_id = ${caseId}, cases = cases + ${caseId === null ? 0 : 1}
    where receipt = ${receipt} and kind = ${kind}`
}
