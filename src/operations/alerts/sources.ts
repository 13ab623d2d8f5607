import { storage, type Sql } from "../../base/sql.ts"
import { durationText, epochMs, instant, type Clock } from "../../base/time.ts"
import type { Condition } from "../../rules/alerts/condition.ts"
import type { NamedPromise } from "../../rules/promises/definition.ts"
import type { ExceptionGroup } from "../groups/groups.ts"
import { explainScope } from "../promises/missed.ts"
import { predictMisses } from "../promises/predict.ts"
import { judgePromises, type PromiseReads, type ScopeView } from "../promises/read.ts"
import type { AlertPolicyBlock } from "./policies.ts"
import type { AlertSource } from "./watch.ts"

/** The key of the outage of a connection; promises and groups name it as their cause. */
export const outageKey = (connection: string) => `outage:${connection}`
const groupKey = (id: string) => `exceptions:${id}`

const scoreDefault = 1000
const moneyDefault = 1000
const pageScoreDefault = 10_000

/** Groups of exceptions: outages always, everything else from a score or an amount of money on. */
export function groupSource(
  list: () => Promise<readonly ExceptionGroup[]>,
  { score = scoreDefault, money = moneyDefault, pageScore = pageScoreDefault }: NonNullable<AlertPolicyBlock["groups"]>,
): AlertSource {
  return {
    rules: ["exceptions", "outage", "reader"],
    async read() {
      const groups = await list()
      return groups.flatMap((group) => {
        if (group.because.kind === "outage") return [outageOf(group)]
        if (group.score.total < score && group.score.money < money) return []
        return [{ ...aboutGroup(group), severity: group.score.total >= pageScore ? "page" : "notice" } as const]
      })
    },
  }
}

function outageOf(group: ExceptionGroup): Condition {
  const { connection, operation = group.cause } = group.because
  const about = aboutGroup(group)
  return connection === undefined
    ? {
        ...about,
        key: `reader:${operation}`,
        rule: "reader",
        title: `${operation}: ${group.cause}`,
        severity: "page",
        explainedBy: [],
      }
    : {
        ...about,
        key: outageKey(connection),
        rule: "outage",
        title: `${connection}: ${group.cause}`,
        severity: "page",
        explainedBy: [],
      }
}

function aboutGroup(group: ExceptionGroup): Omit<Condition, "severity"> {
  const { id, cause, because, open, orders, atRisk, firstAt, owner, ifNobodyActs, dueAt, dueWhat, acknowledged } = group
  const { connection, operation, code, field, value } = because
  const words = [connection, operation === cause ? undefined : operation, code, field, value].filter(
    (word) => word !== undefined,
  )
  return {
    key: groupKey(id),
    rule: "exceptions",
    subject: { group: id, ...(connection === undefined ? {} : { connection }) },
    owner,
    title: [cause, ...words].join(" · "),
    detail: [
      `${orders} ${orders === 1 ? "order waits" : "orders wait"}.`,
      ...(dueAt === undefined ? [] : [`${dueWhat ?? "Due"} at ${dueAt.slice(0, 16).replace("T", " ")} UTC.`]),
    ],
    count: open,
    counted: open === 1 ? "case open" : "cases open",
    money: atRisk,
    since: firstAt,
    path: `/groups/${encodeURIComponent(id)}`,
    ifNobodyActs,
    explainedBy: connection === undefined ? [] : [outageKey(connection)],
    ...(group.state === "snoozed" ? { aside: `snoozed until ${group.snoozedUntil ?? "it grows"}` } : {}),
    ...(acknowledged ? { acknowledged } : {}),
  }
}

interface PromiseSourceOptions {
  reads: PromiseReads
  promises: readonly NamedPromise[]
  /** Connections that an outcome depends on. */
  needs: (promise: NamedPromise) => readonly string[]
}

/** Promises that are being missed, and long ones that are likely to be. */
export function promiseSource({ reads, promises, needs }: PromiseSourceOptions): AlertSource {
  return {
    rules: ["promise", "predicted miss"],
    async read() {
      const judged = await judgePromises(reads, promises)
      const found = await Promise.all(
        promises.map(async (promise, n) => {
          const outages = needs(promise).map(outageKey)
          const scopes = (judged[n] ?? []).filter(({ says }) => says === "page")
          const burning = await Promise.all(scopes.map((scope) => burningOf(reads, promise, { scope, outages })))
          return [...burning, ...(await predictedOf(reads, promise, outages))]
        }),
      )
      return found.flat()
    },
  }
}

const about = (promise: NamedPromise) => ({
  severity: promise.severity ?? ("notice" as const),
  owner: promise.owner ?? "operations",
  path: `/promises/${encodeURIComponent(promise.name)}`,
  ...(promise.runbook === undefined ? {} : { runbook: promise.runbook }),
  ifNobodyActs: promise.ifNobodyActs ?? "more will be missed",
})

async function burningOf(
  reads: PromiseReads,
  promise: NamedPromise,
  { scope, outages }: { scope: ScopeView; outages: readonly string[] },
): Promise<Condition> {
  const { concentration, orderIds } = await explainScope(reads, promise, scope.scope)
  const causes = await causesOf(reads.sql, orderIds)
  const common = concentration && `${concentration.dimension} ${concentration.value}`
  const place = scope.scope.length === 0 ? "" : ` (${scope.scopeText})`
  return {
    ...about(promise),
    key: `promise:${promise.name}:${scope.scope.join("/")}`,
    rule: "promise",
    subject: {
      promise: promise.name,
      ...(concentration?.dimension === "channel" ? { channel: concentration.value } : {}),
    },
    title: `Promise missed: ${promise.name}${common === undefined ? "" : `, ${common}`}${place}`,
    detail: [
      ...(concentration ? [`${concentration.bad} of ${concentration.of} missed ones have in common: ${common}.`] : []),
      `The budget burns ${scope.burn.toFixed(0)} times as fast as agreed (target ${percent(promise.target)}).`,
      ...causes.map(
        ({ cause, count, group }) => `${count} of these orders wait for people: ${cause} (/groups/${group}).`,
      ),
    ],
    count: scope.bad,
    counted: `of the last ${scope.n} missed`,
    money: scope.money,
    since: scope.badSince ?? instant(reads.clock.now()),
    explainedBy: [...outages],
    explains: causes.filter(({ isMostOfIt }) => isMostOfIt).map(({ group }) => groupKey(group)),
  }
}

const percent = (share: number) => `${Number((share * 100).toFixed(2))} %`

/** Open cases about these orders by group, and whether the orders are most of their group. */
async function causesOf(sql: Sql, orderIds: readonly string[]) {
  if (orderIds.length === 0) return []
  const rows = await storage(
    () => sql<{ group_id: string; cause: string; count: number; total: number }[]>`
      with found as (
        select x.group_id, min(x.cause) as cause, count(*) as count from exceptions x
        where x.order_id = any(${[...orderIds]}) and x.state = 'open' group by x.group_id order by count(*) desc limit 3
      )
      select f.*, (select count(*) from exceptions o where o.group_id = f.group_id and o.state = 'open') as total from found f`,
  )
  return rows.map(({ group_id: group, cause, count, total }) => ({
    group,
    cause,
    count,
    isMostOfIt: count * 2 >= total,
  }))
}

async function predictedOf(
  reads: PromiseReads,
  promise: NamedPromise,
  outages: readonly string[],
): Promise<Condition[]> {
  const predicted = await predictMisses(reads, promise)
  return predicted.map(({ stage, count, money, dueAt, usuallyMs }) => ({
    ...about(promise),
    key: `predicted:${promise.name}:${stage}`,
    rule: "predicted miss",
    subject: { promise: promise.name },
    title: `Promise likely to be missed: ${promise.name}, ${stage === "begun" ? "not begun yet" : stage}`,
    detail: [
      `From there nine of ten take up to ${durationText(usuallyMs)}; the first is due at ${dueAt.slice(0, 16).replace("T", " ")} UTC.`,
    ],
    count,
    counted: count === 1 ? "has less time left" : "have less time left",
    money,
    since: instant(reads.clock.now()),
    explainedBy: [...outages],
  }))
}

const failingForMs = 10 * 60_000

/** Receivers of alerts that take nothing: the others are told. */
export function receiverSource({ sql, clock }: { sql: Sql; clock: Clock }): AlertSource {
  return {
    rules: ["receiver"],
    async read() {
      const rows = await storage(
        () => sql<{ name: string; failing_since: Date; last_error: string | null; waiting: number }[]>`
          select r.name, r.failing_since, r.last_error,
            (select count(*) from alert_notices a where a.receiver = r.name and a.state = 'waiting') as waiting
          from alert_receivers r where r.failing_since is not null`,
      )
      const nowMs = clock.now()
      return rows
        .filter(({ failing_since }) => nowMs - epochMs(failing_since.toISOString()) >= failingForMs)
        .map(({ name, failing_since, last_error, waiting }): Condition => ({
          key: `receiver:${name}`,
          rule: "receiver",
          subject: {},
          severity: "page",
          owner: "integration",
          title: `Alerts do not reach ${name}`,
          detail: [`It is tried again and again. The last error: ${last_error ?? "none"}.`],
          count: waiting,
          counted: "notices wait",
          money: [],
          since: failing_since.toISOString(),
          path: "/admin",
          ifNobodyActs: "the people behind it are not told of anything",
          explainedBy: [],
        }))
    },
  }
}
