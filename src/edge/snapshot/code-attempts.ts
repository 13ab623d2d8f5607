import { AppError } from "../../base/errors.ts"
import type { Clock } from "../../base/time.ts"
import {
  codesForgottenAfterMs,
  guessingText,
  toldFromWrong,
  tooManyText,
  waitBeforeNext,
  wrongNow,
  type WrongCodes,
} from "../../rules/pickup/code-attempts.ts"
import type { Journal } from "../journal/journal.ts"

type Kind = "pickup" | "till"
interface Counted {
  kind: Kind
  name: string
  wrong: WrongCodes | undefined
}

/** Counts wrong codes in the journal's file, so that neither a restart nor a snapshot that is read anew begins the guessing again. */
export class CodeAttempts {
  readonly #journal: Pick<Journal, "file" | "note">
  readonly #clock: Clock

  constructor(of: { journal: Pick<Journal, "file" | "note">; clock: Clock }) {
    this.#journal = of.journal
    this.#clock = of.clock
  }

  /**
   * Counts an attempt as wrong before its code is looked at, so that many at once are no more than one after another. Returns what takes it back
   * when it was right. Errors: RATE_LIMITED, with the time to wait; DISK_FULL.
   */
  begin(of: { pickupId: string; tillId: string }): { wasRight(): void; wasWrong(): void } {
    const nowMs = this.#clock.now()
    const counted = [this.#read("pickup", of.pickupId), this.#read("till", of.tillId)]
    const waitMs = Math.max(...counted.map(({ kind, wrong }) => waitBeforeNext(kind, wrong, nowMs)))
    if (waitMs > 0) throw new AppError("RATE_LIMITED", tooManyText(waitMs), { retryAfterMs: waitMs })
    const counts = counted.map(({ kind, name, wrong }) => ({ kind, name, count: wrongNow(kind, wrong, nowMs) + 1 }))
    this.#journal.file.transaction(() => {
      for (const { kind, name, count } of counts) this.#write(kind, name, { count, lastMs: nowMs })
      this.#journal.file.run("delete from wrong_codes where last_ms < ?", [nowMs - codesForgottenAfterMs])
    })
    const [pickup] = counts
    return {
      wasRight: () =>
        this.#journal.file.transaction(() => {
          this.#journal.file.run("delete from wrong_codes where kind = 'pickup' and name = ?", [of.pickupId])
          // Of the till only this attempt: a code that is known must not buy guesses at others.
          this.#journal.file.run("update wrong_codes set count = max(0, count - 1) where kind = 'till' and name = ?", [
            of.tillId,
          ])
        }),
      wasWrong: () => {
        // The same words are one incident, however often they are noted.
        if (pickup && pickup.count >= toldFromWrong) this.#journal.note(guessingText(of.pickupId))
      },
    }
  }

  #read(kind: Kind, name: string): Counted {
    const [row] = this.#journal.file.all("select count, last_ms from wrong_codes where kind = ? and name = ?", [
      kind,
      name,
    ])
    return { kind, name, wrong: row && { count: Number(row["count"]), lastMs: Number(row["last_ms"]) } }
  }

  #write(kind: Kind, name: string, { count, lastMs }: WrongCodes): void {
    this.#journal.file.run(
      `insert into wrong_codes (kind, name, count, last_ms) values (?, ?, ?, ?)
       on conflict (kind, name) do update set count = excluded.count, last_ms = excluded.last_ms`,
      [kind, name, count, lastMs],
    )
  }
}
