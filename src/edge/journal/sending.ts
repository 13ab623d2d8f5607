import type { Problem } from "../../base/errors.ts"
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

/** Notes what the centre answered. Repeated it changes nothing. */
export function noteAnswers(file: JournalFile, rows: readonly Answered[]): void {
  file.transaction(() => {
    for (const { tillId, place, outcome, problems, sendAfter } of rows)
      file.run("update kept_rows set outcome = ?, refused_for = ?, send_after = ? where till_id = ? and place = ?", [
        outcome,
        problems ? JSON.stringify(problems) : null,
        sendAfter ?? null,
        tillId,
        place,
      ])
  })
}
