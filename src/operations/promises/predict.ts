import { storage } from "../../base/sql.ts"
import { epochMs, instant } from "../../base/time.ts"
import type { Money } from "../../base/money.ts"
import { quantile } from "../../rules/promises/chance.ts"
import { isLongPromise, type NamedPromise } from "../../rules/promises/definition.ts"
import { windowDays, type PromiseReads } from "./read.ts"

/** Open outcomes of a long promise that will be missed if they go on as the others did. */
export interface Predicted {
  stage: string
  count: number
  money: Money[]
  /** When the first of them is due. */
  dueAt: string
  /** What nine of ten took from this stage on. */
  usuallyMs: number
}

const samplesLeast = 20

/**
 * For each stage in which a long promise's outcomes stand: how long nine of ten took from there to the end, and how many have less time
 * left. A stage with fewer than twenty examples predicts nothing.
 */
export async function predictMisses({ sql, clock, build }: PromiseReads, promise: NamedPromise): Promise<Predicted[]> {
  if (!isLongPromise(promise)) return []
  const since = instant(clock.now() - windowDays * 86_400_000)
  const finished = await storage(
    () => sql<{ stages: [string, string][] | null; started_at: Date; ended_at: Date }[]>`
      select stages, started_at, ended_at from promise_outcomes
      where build = ${build} and promise = ${promise.name} and finished_at > ${since}::timestamptz and ended_at is not null
      order by finished_at desc limit 1000`,
  )
  const rests = Map.groupBy(
    finished.flatMap(({ stages, started_at, ended_at }) => [
      { stage: "begun", ms: ended_at.getTime() - started_at.getTime() },
      ...(stages ?? []).map(([stage, at]) => ({ stage, ms: ended_at.getTime() - epochMs(at) })),
    ]),
    ({ stage }) => stage,
  )
  const usual = [...rests].flatMap(([stage, ones]) =>
    ones.length < samplesLeast
      ? []
      : [
          {
            stage,
            usuallyMs:
              quantile(
                ones.map(({ ms }) => ms),
                0.9,
              ) ?? 0,
          },
        ],
  )
  if (usual.length === 0) return []
  return openLate({ sql, clock, build }, promise, usual)
}

async function openLate(
  { sql, clock, build }: Pick<PromiseReads, "sql" | "clock" | "build">,
  { name }: NamedPromise,
  usual: readonly { stage: string; usuallyMs: number }[],
): Promise<Predicted[]> {
  const now = instant(clock.now())
  const rows = await storage(
    () => sql<{ stage: string; currency: string | null; count: number; minor: number | null; due_at: Date }[]>`
      select u.stage, o.currency, count(*) as count, sum(o.minor)::bigint as minor, min(o.due_at) as due_at
      from json_to_recordset(${JSON.stringify(usual)}::text::json) as u(stage text, "usuallyMs" float8)
      join promise_outcomes o on o.build = ${build} and o.promise = ${name} and o.state = 'open' and o.due_at > ${now}::timestamptz
        and coalesce(o.stage, 'begun') = u.stage
        -- It may go on as usual; where it has not, as much as usual may still be ahead.
        and o.due_at < u."usuallyMs" * interval '1 ms' + case
          when ${now}::timestamptz <= coalesce(o.stage_at, o.started_at) + u."usuallyMs" * interval '1 ms'
          then coalesce(o.stage_at, o.started_at) else ${now}::timestamptz end
      group by 1, 2`,
  )
  const byStage = Map.groupBy(rows, ({ stage }) => stage)
  return [...byStage].map(([stage, parts]) => ({
    stage,
    count: parts.reduce((sum, { count }) => sum + count, 0),
    money: parts.flatMap(({ currency, minor }) =>
      currency === null || minor === null ? [] : [{ currency, amountMinor: minor }],
    ),
    dueAt: parts.map(({ due_at }) => due_at.toISOString()).toSorted()[0] ?? now,
    usuallyMs: usual.find((one) => one.stage === stage)?.usuallyMs ?? 0,
  }))
}
