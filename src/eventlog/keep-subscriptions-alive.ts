import { AppError, asAppError } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import { isStorageAway, type Sql } from "../base/sql.ts"
import { instant, repeated, type Clock, type Repeated } from "../base/time.ts"
import { newEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import type { KeepsSubscriptions, Subscription } from "../ports/capabilities/intake.ts"
import type { EventLog } from "./event-log.ts"
import type { Reader } from "./readers/readers.ts"

/** A connection whose webhook subscriptions Crossdock keeps. */
export interface SubscribedConnection {
  id: string
  /** Where the vendor is to deliver, e.g. `https://crossdock.example.com/hooks/shop`. */
  address: string
  keeps: KeepsSubscriptions
  /** Runs a call through the connection's gate. */
  call: <Result>(work: () => Promise<Result>) => Promise<Result>
  /** Notes how its passes go. */
  reader?: Reader
}

interface KeeperOptions {
  sql: Sql
  log: Log
  clock: Clock
  eventLog: EventLog
  connections: readonly SubscribedConnection[]
  everyMs?: number
}

/** Changes of one pass over a connection, by topic. */
export interface KeptSubscriptions {
  created: string[]
  removed: string[]
  /** Created topics that had been there before: somebody else removed them. */
  lost: string[]
}

/** Time between two passes over a connection. */
export const subscriptionsEveryMs = 60_000
const callTimeoutMs = 30_000

/**
 * Keeps the webhook subscriptions of connections complete, at start and every minute (P-05): work for each.
 *
 * A subscription that the vendor has removed is created again, and an exception is raised; polls find the changes missed. Several
 * processes may do this: creating and removing are idempotent, and the exception is one fact. An unavailable vendor is retried in
 * the next pass.
 */
export function keepSubscriptionsAlive(options: KeeperOptions): Repeated[] {
  const { connections, log, everyMs = subscriptionsEveryMs } = options
  return connections.map((connection) => {
    const pass = () => keepOnce(connection, options)
    return repeated(() => connection.reader?.pass(pass) ?? pass(), {
      everyMs,
      onError(thrown) {
        if (isStorageAway(thrown) || asAppError(thrown).kind === "unavailable") return
        log.error(
          { err: thrown, connection: connection.id },
          `the webhook subscriptions of ${connection.id} could not be kept; it is tried again`,
        )
      },
    })
  })
}

/**
 * One pass over one connection. Only subscriptions at our own address are changed; others may belong to another installation of
 * the same app.
 */
export async function keepOnce(connection: SubscribedConnection, options: KeeperOptions): Promise<KeptSubscriptions> {
  const { keeps, address } = connection
  const call = () => ({ signal: AbortSignal.timeout(callTimeoutMs), correlation: `subscriptions:${connection.id}` })
  const ours = (await connection.call(() => keeps.listSubscriptions(undefined, call()))).filter(
    (subscription) => subscription.address === address,
  )
  const { right, wrong } = judged(ours, keeps)
  for (const { id } of wrong) await connection.call(() => keeps.removeSubscription({ id }, call()))
  const missing = keeps.topics.filter((topic) => !right.has(topic))
  const lost = await knownOf(missing, connection, options.sql)
  // Raised first: after a crash in between, the subscriptions would exist again and nobody would raise it.
  if (lost.size > 0) await raiseLost(lost, connection, options)
  for (const topic of missing) await connection.call(() => keeps.createSubscription({ topic, address }, call()))
  await remember(connection, options.sql)
  const removed = wrong.map(({ topic }) => topic)
  if (missing.length + removed.length > 0)
    options.log.warn(
      { connection: connection.id, created: missing, removed },
      `webhook subscriptions of ${connection.id} were changed`,
    )
  return { created: missing, removed, lost: [...lost.keys()] }
}

/** The subscription to keep for each topic, and those to remove: unknown topics, another form, a second one of a topic. */
function judged(ours: readonly Subscription[], { topics, expectedForm }: KeepsSubscriptions) {
  const right = new Set<string>()
  const wrong: Subscription[] = []
  for (const subscription of ours) {
    const isRight = topics.includes(subscription.topic) && subscription.form === expectedForm
    if (isRight && !right.has(subscription.topic)) right.add(subscription.topic)
    else wrong.push(subscription)
  }
  return { right, wrong }
}

/** Those of these topics that existed before, with the time they were last seen. */
async function knownOf(
  topics: readonly string[],
  { id, address }: SubscribedConnection,
  sql: Sql,
): Promise<ReadonlyMap<string, Date>> {
  if (topics.length === 0) return new Map()
  const rows = await sql<{ topic: string; seen_at: Date }[]>`
    select topic, seen_at from kept_subscriptions
    where connection = ${id} and address = ${address} and topic = any(${[...topics]})`
  return new Map(rows.map((row) => [row.topic, row.seen_at]))
}

async function remember({ id, address, keeps }: SubscribedConnection, sql: Sql): Promise<void> {
  await sql`
    insert into kept_subscriptions (connection, topic, address)
    select ${id}, topic, ${address} from unnest(${[...keeps.topics]}::text[]) as topic
    on conflict (connection, topic, address) do update set seen_at = now()`
}

async function raiseLost(
  lost: ReadonlyMap<string, Date>,
  { id }: SubscribedConnection,
  { eventLog, clock }: KeeperOptions,
): Promise<void> {
  const at = instant(clock.now())
  const seenAt = [...lost.values()].map((seen) => seen.toISOString()).sort()
  const [earliest] = seenAt
  if (earliest === undefined) throw new AppError("INVARIANT_BROKEN", "nothing was lost")
  const topics = [...lost.keys()].sort()
  // Several processes that find the same loss state one fact, because its id holds the time last seen.
  const exceptionId = `subs-${id}-${seenAt.at(-1)}`.slice(0, 64)
  await eventLog.append(
    newEvent({
      type: "exception.opened",
      fact: `subscriptions:${id}:${topics.join(",")}:${seenAt.at(-1)}`,
      source: "crossdock:subscriptions",
      time: at,
      data: {
        exceptionId,
        about: ref("connection", id),
        cause: "subscription was removed",
        because: { kind: "data", connection: id, operation: "keep subscriptions" },
        summary:
          `The webhook subscriptions of ${id} for ${topics.join(", ")} were gone; they were there at ${earliest}. Deliveries may have failed, or somebody removed them.`.slice(
            0,
            1000,
          ),
        doneSoFar: ["they are being made again"],
        ifNobodyActs: "webhooks come again; the polls find what was missed meanwhile",
        allowedActions: ["acknowledge"],
        owner: "integration",
        at,
      },
    }),
  )
}
