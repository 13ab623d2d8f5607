import { setTimeout as sleep } from "node:timers/promises"
import { openSql, type Sql } from "../src/base/sql.ts"
import type { RunFacts } from "./books/books.ts"
import type { Strike } from "./strikes.ts"

type Rescue = RunFacts["rescues"][number]

interface Look {
  held: readonly { instance: number; worker: number | null }[]
  fenced: ReadonlySet<number>
  /** How many workers showed themselves just now. */
  well: number
}

const lookEveryMs = 20
// Longer than a silent worker is given, and the look after it.
const patienceMs = 25_000

/**
 * Watches the queue while a worker is struck. It reads the database, which the checker does not: whose an instance is at
 * a moment is in no book.
 */
export class RescueWatch {
  readonly rescues: Rescue[] = []
  readonly #sql: Sql
  #strikes = 0
  #underWay = 0

  constructor(databaseUrl: string) {
    this.#sql = openSql(databaseUrl, { connectionsMax: 2, name: "chaos" })
  }

  /**
   * Carries out a strike. Of a strike on a worker it notes when each instance that the worker had is another's; a strike that
   * falls together with another one, or leaves no worker that is well, says nothing about that.
   */
  async around({ victim, kind, pauseMs }: Strike, strike: () => Promise<void>): Promise<void> {
    if (victim === "gateway") return strike()
    this.#strikes += 1
    const isAlone = this.#underWay === 0
    const strikesBefore = this.#strikes
    this.#underWay += 1
    try {
      const before = await this.#look([]).catch(() => undefined)
      const startedMs = performance.now()
      // A short pause costs a worker nothing.
      const quietMs = kind === "pause" ? pauseMs + 1000 : patienceMs
      const striking = strike()
      striking.catch(() => undefined)
      if (isAlone && victim === "worker" && kind !== "failover" && before && before.well > 1) {
        const takenUpAfterMs = await this.#watch(before, { startedMs, quietMs }).catch(() => [])
        if (takenUpAfterMs.length > 0 && this.#strikes === strikesBefore) this.rescues.push({ kind, takenUpAfterMs })
      }
      await striking
    } finally {
      this.#underWay -= 1
    }
  }

  /** Ends, and returns the queue as it stands: of an order that is stuck it says what it waits for, and whose it is. */
  async stop(): Promise<unknown> {
    const rows = await this.#sql`
      select q.*, i.workflow, i.about, i.state, (select json_agg(w) from workers w where w.id = q.claimed_by) as worker
      from workflow_queue q join workflow_instances i on i.id = q.instance order by q.instance`.catch(() => [])
    await this.#sql.end({ timeout: 1 })
    return rows
  }

  async #watch(before: Look, { startedMs, quietMs }: { startedMs: number; quietMs: number }): Promise<number[]> {
    const had = before.held.map(({ instance }) => instance)
    const times: number[] = []
    let last = before
    let waiting: Set<number> | undefined
    let afterMs = 0
    while (waiting?.size !== 0 && afterMs < (waiting ? patienceMs : quietMs)) {
      await sleep(lookEveryMs)
      const look = await this.#look(had)
      afterMs = performance.now() - startedMs
      const lost = last.held.filter(({ worker }) => worker !== null && look.fenced.has(worker))
      if (lost.length > 0) waiting ??= new Set(lost.map(({ instance }) => instance))
      for (const instance of takenUp(waiting ?? [], look)) {
        waiting?.delete(instance)
        times.push(afterMs)
      }
      last = look
    }
    return [...times, ...[...(waiting ?? [])].map(() => afterMs)]
  }

  /** Who has which instances, and which workers were given up. `had` are looked up although nobody has them. */
  async #look(had: readonly number[]): Promise<Look> {
    const [row] = await this.#sql<{ held: Look["held"]; fenced: number[]; well: number }[]>`
      select coalesce((select json_agg(json_build_object('instance', instance, 'worker', claimed_by)) from workflow_queue
          where claimed_by is not null or instance = any(${[...had]}::bigint[])), '[]') as held,
        coalesce((select json_agg(id) from workers where fenced_at is not null), '[]') as fenced,
        (select count(*)::integer from workers where fenced_at is null and heartbeat_at > clock_timestamp() - interval '3 s') as well`
    return { held: row?.held ?? [], fenced: new Set(row?.fenced), well: row?.well ?? 0 }
  }
}

/** Those that another has by now, or that have ended. */
function takenUp(waiting: Iterable<number>, { held, fenced }: Look): number[] {
  const holders = new Map(held.map(({ instance, worker }) => [instance, worker]))
  return [...waiting].filter((instance) => {
    const holder = holders.get(instance)
    return holder === undefined || (holder !== null && !fenced.has(holder))
  })
}
