import { setImmediate } from "node:timers/promises"
import type { Log } from "../../base/log.ts"
import { instant, repeated, type Clock, type Repeated } from "../../base/time.ts"
import { noHead } from "./chain.ts"
import type { Journal } from "./journal.ts"

/** So many entries go in one transaction: tills wait for it. */
const atOnce = 500
const dayMs = 86_400_000
/** What the centre has is no reason to refuse a sale: with a full disk this much is kept, whatever was asked for. */
const keptWhenFullMs = dayMs

/** How long entries are kept at least; a centre that is restored from yesterday's backup gets again what it lost. */
export interface Pruning {
  keepMs: number
  isFull: boolean
  nowMs: number
  signal?: AbortSignal
}

/**
 * Removes entries that the centre answered and that are old, from the beginning of each chain up to the head that the centre knows. The hash of
 * the last one that went is kept: from there the chain is walked. An entry that the centre cannot read stays, with what is needed to prove it.
 * The last entry of a till always stays. Returns how many went; repeated it removes no more.
 */
export async function prune(journal: Journal, { keepMs, isFull, nowMs, signal }: Pruning): Promise<number> {
  const before = instant(nowMs - (isFull ? Math.min(keepMs, keptWhenFullMs) : keepMs))
  let gone = 0
  for (const tillId of journal.heads.keys())
    for (;;) {
      const some = pruneSome(journal, { tillId, before })
      gone += some.gone
      if (!some.isMore) break
      await setImmediate()
      signal?.throwIfAborted()
    }
  if (gone > 0) giveBack(journal)
  return gone
}

/** Receipts may come 30 days late, and backups of centres are newer. */
export const keptMsDefault = 35 * dayMs
const [usualEveryMs, fullEveryMs] = [3_600_000, 60_000]

/**
 * Prunes a journal every hour, and every minute while the disk is full, until it is stopped. A clock that is ahead of the centre's makes
 * nothing old; until the centre was heard the clock is believed only where the disk is full.
 */
export function pruneRegularly(
  journal: Journal,
  {
    keepMs,
    clock,
    heardMs,
    isFull,
    log,
  }: {
    keepMs: number
    clock: Clock
    /** When the centre answered last, by its own clock; undefined until it did. */
    heardMs: () => number | undefined
    isFull: () => boolean
    log: Pick<Log, "warn" | "info"> | undefined
  },
): Repeated {
  return repeated(
    async (signal) => {
      const nowMs = Math.min(clock.now(), heardMs() ?? (isFull() ? Infinity : -Infinity))
      if (nowMs === -Infinity) return
      const gone = await prune(journal, { keepMs, isFull: isFull(), nowMs, signal })
      if (gone > 0) log?.info({ gone }, "entries that the centre has were pruned")
    },
    {
      everyMs: () => (isFull() || heardMs() === undefined ? fullEveryMs : usualEveryMs),
      // The next look tries again; no sale waits for it.
      onError: (thrown) => log?.warn({ err: thrown }, "the journal could not be pruned"),
    },
  )
}

interface PlaceRow {
  place: number
  hash: string
  outcome: string | null
  kept_at: string
}

function pruneSome(
  journal: Journal,
  { tillId, before }: { tillId: string; before: string },
): { gone: number; isMore: boolean } {
  const { file } = journal
  return file.transaction(() => {
    // What could not be read before, and was taken since.
    const late = file.all(
      `delete from kept_rows where till_id = ?1 and before_hash is not null and outcome is not null and outcome <> 'refused' returning place`,
      [tillId],
    )
    const [till] = file.all("select base_place, base_hash, known_place, place from kept_tills where till_id = ?", [
      tillId,
    ])
    const { base_place: base = 0, known_place: known = 0, place: last = 0 } = (till ?? {}) as Record<string, number>
    const rows = file.all(
      `select place, hash, outcome, kept_at from kept_rows where till_id = ? and place > ? and place <= ? and place < ?
       order by place limit ?`,
      [tillId, base, known, last, atOnce],
    ) as unknown as PlaceRow[]
    // The first that waits for the centre, or is not old, ends it: nothing behind it goes, whatever the clock said when that was kept.
    const waits = rows.findIndex(({ outcome, kept_at }) => outcome === null || kept_at >= before)
    const old = waits === -1 ? rows : rows.slice(0, waits)
    const end = old.at(-1)
    if (!end) return { gone: late.length, isMore: false }
    let previous = String(till?.["base_hash"] ?? noHead.hash)
    for (const { place, hash, outcome } of old) {
      if (outcome === "refused")
        file.run("update kept_rows set before_hash = ? where till_id = ? and place = ?", [previous, tillId, place])
      previous = hash
    }
    file.run("delete from kept_rows where till_id = ? and place > ? and place <= ? and outcome <> 'refused'", [
      tillId,
      base,
      end.place,
    ])
    file.run("update kept_tills set base_place = ?, base_hash = ? where till_id = ?", [end.place, end.hash, tillId])
    const gone = old.filter(({ outcome }) => outcome !== "refused").length
    return { gone: gone + late.length, isMore: waits === -1 && rows.length === atOnce }
  })
}

/** Gives the room back to the machine. Journals of before have no such list of free pages, and use their room again themselves. */
function giveBack(journal: Journal): void {
  journal.file.database.exec("pragma incremental_vacuum")
  journal.file.database.exec("pragma wal_checkpoint(truncate)")
}
