import { AppError } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import { inTransaction, storage, type Sql, type SqlTransaction } from "../../base/sql.ts"
import { instant, type Clock } from "../../base/time.ts"
import { aboutOf, newEvent, type NewEvent } from "../../canonical/events.ts"
import { ref } from "../../canonical/refs.ts"
import type { EventLog } from "../../eventlog/event-log.ts"
import {
  codesForgottenAfterMs,
  guessingText,
  toldFromWrong,
  tooManyText,
  waitBeforeNext,
  wrongNow,
} from "../../rules/pickup/code-attempts.ts"

interface Given {
  sql: Sql
  clock: Clock
  eventLog: Pick<EventLog, "prepare" | "stored">
}

/** A code that somebody typed for a pickup. */
export interface CodeAttempt {
  pickupId: string
  /** Whoever typed it, where: what it typed before counts, as what a till typed does at a store's agent. */
  caller: string
  locationId: string
  isRight: boolean
}

const kinds = ["pickup", "till"] as const

/** Counts wrong codes, by the rule of the stores' agents. All gateways share what was typed, and a restart forgets nothing. */
export class WrongCodes {
  readonly #given: Given

  constructor(given: Given) {
    this.#given = given
  }

  /**
   * Takes an attempt, right or wrong; of many at once one after another. From ten wrong ones of a pickup on people are told, once. A wrong one
   * that is repeated counts again: what was typed is not kept, so a repeat cannot be told from another guess. Errors:
   * RATE_LIMITED with the time to wait, and then nobody may say whether the code was right.
   */
  async take({ pickupId, caller, locationId, isRight }: CodeAttempt): Promise<void> {
    const { sql, clock } = this.#given
    const nowMs = clock.now()
    const names = { pickup: pickupId, till: `${caller} ${locationId}` }
    let told = () => {}
    await storage(() =>
      inTransaction(sql, async (tx) => {
        const counts = await heldCounts(tx, names, nowMs)
        const waitMs = Math.max(...kinds.map((kind) => waitBeforeNext(kind, counts[kind], nowMs)))
        if (waitMs > 0) throw new AppError("RATE_LIMITED", tooManyText(waitMs), { retryAfterMs: waitMs })
        if (isRight) {
          // Of the caller nothing: a code that is known must not buy guesses at others.
          await tx`delete from pickup_wrong_codes where kind = 'pickup' and name = ${pickupId}`
          return
        }
        for (const kind of kinds)
          await tx`
            update pickup_wrong_codes set count = ${wrongNow(kind, counts[kind], nowMs) + 1}, last_at = ${instant(nowMs)}::timestamptz
            where kind = ${kind} and name = ${names[kind]}`
        if (wrongNow("pickup", counts.pickup, nowMs) + 1 < toldFromWrong) return
        told = await this.#tell(tx, guessed(pickupId, instant(nowMs)))
      }),
    )
    told()
  }

  /** Forgets what nobody asks for any more. */
  async keep(): Promise<void> {
    const before = instant(this.#given.clock.now() - codesForgottenAfterMs)
    await storage(() => this.#given.sql`delete from pickup_wrong_codes where last_at < ${before}::timestamptz`)
  }

  async #tell(tx: SqlTransaction, event: NewEvent): Promise<() => void> {
    const { eventLog } = this.#given
    const prepared = eventLog.prepare([{ event, correlation: aboutOf(event) }])
    await tx`select from store_events(${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`
    return () => eventLog.stored(prepared)
  }
}

/** What was counted, held until the transaction ends: always the pickup's first, so that no two wait for each other. */
async function heldCounts(tx: SqlTransaction, names: Record<(typeof kinds)[number], string>, nowMs: number) {
  const counts: Record<(typeof kinds)[number], { count: number; lastMs: number }> = {
    pickup: { count: 0, lastMs: nowMs },
    till: { count: 0, lastMs: nowMs },
  }
  for (const kind of kinds) {
    const [row] = await tx<{ count: number; last_at: Date }[]>`
      insert into pickup_wrong_codes (kind, name, last_at) values (${kind}, ${names[kind]}, ${instant(nowMs)}::timestamptz)
      on conflict (kind, name) do update set count = pickup_wrong_codes.count returning count, last_at`
    if (row) counts[kind] = { count: row.count, lastMs: row.last_at.getTime() }
  }
  return counts
}

function guessed(pickupId: string, at: string): NewEvent<"exception.opened"> {
  const exceptionId = derivedId("guessed", pickupId)
  const cause = "codes of a pickup are guessed"
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:pickups:${exceptionId}`,
    source: "crossdock:pickups",
    time: at,
    data: {
      exceptionId,
      about: ref("pickup", pickupId),
      cause,
      summary: guessingText(pickupId),
      doneSoFar: ["each wrong code makes the next one wait longer, up to an hour"],
      ifNobodyActs: "it is handed over to whoever says the right code or shows a document",
      allowedActions: ["acknowledge"],
      owner: "operations",
      because: { kind: "data", operation: cause },
      at,
    },
  })
}
