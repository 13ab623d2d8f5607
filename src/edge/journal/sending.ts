import type { Problem } from "../../base/errors.ts"
import type { Head } from "./chain.ts"
import type { JournalFile } from "./database.ts"

/** A kept row as it goes to the centre. */
export interface Unsent {
  tillId: string
  place: number
  digest: string
  receipt: string
}

/** What the centre made of a row. */
export interface Answered {
  tillId: string
  place: number
  outcome: string
  problems?: readonly Problem[]
  /** Of a refused one: when it is sent again. */
  sendAfter?: string
}

/** Rows that the centre has not answered and that are due, in the order of their till. */
export function unsent(file: JournalFile, tillId: string, { limit, at }: { limit: number; at: string }): Unsent[] {
  const rows = file.all(
    `select place, digest, receipt from kept_rows where till_id = ? and outcome is null order by place limit ?`,
    [tillId, limit],
  )
  const again = file.all(
    `select place, digest, receipt from kept_rows where till_id = ? and outcome = 'refused' and send_after <= ? order by place limit ?`,
    [tillId, at, Math.max(0, limit - rows.length)],
  )
  return [...again, ...rows].map((row) => ({
    tillId,
    place: Number(row["place"]),
    digest: String(row["digest"]),
    receipt: String(row["receipt"]),
  }))
}

/** A receipt that the centre took in place of one that it had refused. */
export interface Corrected {
  tillId: string
  digest: string
  receipt: string
  /** The digest of the one that it had refused. */
  instead: string
}

/** Notes what the centre answered, and returns which receipts came corrected. Repeated it changes nothing. */
export function noteAnswers(file: JournalFile, rows: readonly Answered[], atMs: number): Corrected[] {
  return file.transaction(() => {
    for (const { tillId, place, outcome, problems, sendAfter } of rows)
      file.run(
        "update kept_rows set outcome = ?, refused_for = ?, send_after = ?, answered_ms = ? where till_id = ? and place = ?",
        [outcome, problems ? JSON.stringify(problems) : null, sendAfter ?? null, atMs, tillId, place],
      )
    return noteCorrected(file, rows)
  })
}

interface NumberedRow {
  place: number
  epoch: string
  business_day: string
  sequence: number
  digest: string
  receipt: string
}

type RefusedRow = Omit<NumberedRow, "epoch" | "business_day" | "sequence"> & {
  standing: string
  epoch: string | null
  business_day: string | null
  sequence: number | null
}

/** What could not be read may have a number all the same; its day is only what it says itself. */
function withNumber({ epoch, business_day, sequence, ...row }: RefusedRow): (NumberedRow & { standing: string })[] {
  if (epoch !== null && business_day !== null && sequence !== null) return [{ ...row, epoch, business_day, sequence }]
  const said: unknown = JSON.parse(row.receipt)
  if (typeof said !== "object" || said === null || !("sequence" in said) || typeof said.sequence !== "number") return []
  const text = (name: string, otherwise: string) => {
    const value: unknown = Object.entries(said).find(([own]) => own === name)?.[1]
    return typeof value === "string" ? value : otherwise
  }
  return [{ ...row, epoch: text("epoch", "1"), business_day: text("businessDay", ""), sequence: said.sequence }]
}

/** What was refused and came corrected counts no more and has its end, and what came in its place counts. */
function noteCorrected(file: JournalFile, rows: readonly Answered[]): Corrected[] {
  const taken = rows.filter(({ outcome }) => outcome === "accepted" || outcome === "same as before")
  const corrected: Corrected[] = []
  for (const [tillId, of] of Map.groupBy(taken, (row) => row.tillId)) {
    const refused = file.all(
      `select place, epoch, business_day, sequence, digest, standing, receipt from kept_rows
       where till_id = ? and outcome = 'refused' and standing in ('counts', 'parked', 'misfit')`,
      [tillId],
    ) as unknown as RefusedRow[]
    if (refused.length === 0) continue
    const bySequence = Map.groupBy(refused.flatMap(withNumber), ({ sequence }) => sequence)
    for (const { place } of of) {
      const [by] = file.all(
        `select place, epoch, business_day, sequence, digest, receipt from kept_rows where till_id = ? and place = ? and sequence is not null`,
        [tillId, place],
      ) as unknown as NumberedRow[]
      for (const old of (by && bySequence.get(by.sequence)) ?? []) {
        if (!by || by.place === old.place || !isCorrectionOf(old, by)) continue
        // It stays in the chain, and never goes out again: once its date has come the centre would take it for another sale.
        file.run(
          `update kept_rows set standing = 'conflict', first_digest = ?, outcome = 'corrected', send_after = null
           where till_id = ? and place = ?`,
          [by.digest, tillId, old.place],
        )
        file.run("update kept_rows set standing = 'counts', first_digest = null where till_id = ? and place = ?", [
          tillId,
          by.place,
        ])
        // What could not be read moved no goods here, and what came in its place moved them when it came.
        if (old.standing !== "counts") continue
        corrected.push({ tillId, digest: by.digest, receipt: by.receipt, instead: old.digest })
      }
    }
  }
  return corrected
}

/** A wrong clock may have given the day too; on another day a till that numbers by day has another sale with the number, of other goods. */
function isCorrectionOf(old: NumberedRow, by: NumberedRow): boolean {
  if (old.epoch !== by.epoch) return false
  return old.business_day === by.business_day || linesOf(old) === linesOf(by)
}

function linesOf({ receipt }: NumberedRow): string {
  // The receipts are canonical JSON: the same lines are the same text.
  return JSON.stringify((JSON.parse(receipt) as { lines?: unknown }).lines ?? [])
}

/** Notes which head of a till the centre knows. */
export function noteKnown(file: JournalFile, tillId: string, { place, hash }: Head): void {
  file.transaction(() => {
    file.run("update kept_tills set known_place = ?, known_hash = ? where till_id = ?", [place, hash, tillId])
  })
}

/** The heads that the centre had when it last answered. */
export function knownHeads(file: JournalFile): ReadonlyMap<string, Head> {
  const rows = file.all("select till_id, known_place, known_hash from kept_tills")
  return new Map(
    rows.map((row) => [String(row["till_id"]), { place: Number(row["known_place"]), hash: String(row["known_hash"]) }]),
  )
}

/** The hash of an entry; undefined where the journal has none at this place. Of what is pruned it has the last one. */
export function headAt(file: JournalFile, tillId: string, place: number): string | undefined {
  if (place === 0) return ""
  const [row] = file.all(
    `select hash from kept_rows where till_id = ?1 and place = ?2
     union all select base_hash from kept_tills where till_id = ?1 and base_place = ?2`,
    [tillId, place],
  )
  return row && String(row["hash"])
}

/** The last place that was pruned; 0 when none was. */
export function prunedUpTo(file: JournalFile, tillId: string): number {
  const [row] = file.all("select base_place from kept_tills where till_id = ?", [tillId])
  return Number(row?.["base_place"] ?? 0)
}

/** The last number that a till gave, by its own count: on its last day, in its last epoch. */
export function lastNumber(
  file: JournalFile,
  tillId: string,
): { epoch: string; businessDay: string; sequence: number } | undefined {
  const [row] = file.all(
    `select epoch, business_day, sequence from kept_rows
     where till_id = ?1 and standing in ('counts', 'parked') and sequence is not null and (epoch, business_day) = (
       select epoch, business_day from kept_rows where till_id = ?1 and standing in ('counts', 'parked') order by place desc limit 1)
     order by sequence desc limit 1`,
    [tillId],
  )
  return (
    row && {
      epoch: String(row["epoch"]),
      businessDay: String(row["business_day"]),
      sequence: Number(row["sequence"]),
    }
  )
}

/** Has rows sent again that the centre once had and does not know any more: those after a place, up to the head it knew. */
export function sendAgain(file: JournalFile, tillId: string, { after }: { after: number }): void {
  file.transaction(() => {
    file.run(
      `update kept_rows set outcome = null where till_id = ?1 and place > ?2 and outcome is distinct from 'corrected'
         and place <= (select known_place from kept_tills where till_id = ?1)`,
      [tillId, after],
    )
  })
}
