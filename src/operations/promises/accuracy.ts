import { storage } from "../../base/sql.ts"
import type { NamedPromise } from "../../rules/promises/definition.ts"
import { budgetOutcomes } from "./budget.ts"
import type { PromiseReads } from "./read.ts"

/** Outcomes of promises that were decided in a time, of one channel and place. */
export interface KeptCount {
  channel: string
  place: string
  decided: number
  kept: number
}

const ofOrders: readonly NamedPromise["of"][] = ["order released", "order shipped", "order delivered"]

/** Counts how promises on orders were kept in a time; of each promise, the last 10,000 outcomes at most. */
export async function countKept(
  { sql, build }: Pick<PromiseReads, "sql" | "build">,
  promises: readonly NamedPromise[],
  { since, until, channels }: { since: string; until: string; channels?: readonly string[] | undefined },
): Promise<KeptCount[]> {
  const counts = await Promise.all(
    promises
      .filter(({ of }) => ofOrders.includes(of))
      .map(({ name }) =>
        storage(
          () => sql<KeptCount[]>`
            select coalesce(channel, '') as channel, coalesce(store, '') as place, count(*) as decided,
              count(*) filter (where state = 'kept') as kept
            from (
              select channel, store, state from promise_outcomes
              where build = ${build} and promise = ${name} and finished_at >= ${since}::timestamptz and finished_at < ${until}::timestamptz
                and (${channels === undefined} or channel = any(${[...(channels ?? [])]}))
              order by finished_at desc limit ${budgetOutcomes}
            ) last group by 1, 2`,
        ),
      ),
  )
  return counts.flat()
}
