import { randomId } from "../../base/ids.ts"
import type { SqlTransaction } from "../../base/sql.ts"
import { durationMs, epochMs, instant, type Clock, type Duration } from "../../base/time.ts"
import type { Message } from "../../rules/alerts/message.ts"
import type { Recipient, Recipients } from "../../rules/alerts/recipients.ts"
import type { SilenceMatch } from "./silences.ts"

/** A live silence, as the watch needs it. */
export interface Held {
  id: string
  matches: SilenceMatch
  ends_at: Date
  made_at: Date
  reason: string
  made_by: string
  told_end: boolean
  held_back: number
}

interface Told {
  clock: Clock
  recipients: Recipients
  consoleUrl: string
  deadMansSwitch?: { receiver: string; every: Duration } | undefined
}

/** A message to one receiver. */
export type Outgoing = Recipient & { message: Message }

/** Puts a notice into the queue of its receiver; put twice, it is there once. */
export async function putNotice(
  transaction: SqlTransaction,
  { receiver, notBefore, message }: Outgoing,
  now: string,
): Promise<void> {
  const dueAt = epochMs(notBefore) > epochMs(now) ? notBefore : now
  await transaction`
    insert into alert_notices (id, thread, kind, receiver, message, created_at, due_at)
    values (${message.id}, ${message.thread ?? null}, ${message.kind}, ${receiver}, ${JSON.stringify(message)}::text::json, ${now}, ${dueAt})
    on conflict (id) do nothing`
}

const endToldMostMs = 15 * 60_000

/** A silence that is about to end says so, with what it held back. */
export async function tellEnds(
  transaction: SqlTransaction,
  { clock, recipients, consoleUrl }: Pick<Told, "clock" | "recipients" | "consoleUrl">,
): Promise<void> {
  const nowMs = clock.now()
  const ending = await transaction<Held[]>`
      select id, matches, ends_at, made_at, reason, made_by, told_end, held_back from alert_silences
      where ended_at is null and not told_end and ends_at > ${instant(nowMs)}::timestamptz
        and ends_at < ${instant(nowMs + endToldMostMs)}::timestamptz`
  for (const { id, matches, ends_at, made_at, reason, made_by, held_back } of ending) {
    const lengthMs = ends_at.getTime() - made_at.getTime()
    if (ends_at.getTime() - nowMs > lengthMs / 4) continue
    const what = Object.entries(matches).map(([name, value]) => `${name} ${value}`)
    for (const receiver of recipients.everybody) {
      const message: Message = {
        id: `${id}.end.${receiver}`,
        kind: "silence ends",
        title: `A silence ends at ${ends_at.toISOString().slice(11, 16)} UTC: ${what.join(", ")}`,
        lines: [`${made_by} made it: ${reason}.`, `It held back ${held_back} notices. Then people are told again.`],
        url: `${consoleUrl}/admin`,
        at: instant(nowMs),
      }
      await putNotice(transaction, { receiver, notBefore: instant(nowMs), message }, instant(nowMs))
    }
    await transaction`update alert_silences set told_end = true where id = ${id}`
  }
}

/** Says that all of this works, at an interval; whoever hears it raises the alarm when it stops. */
export async function beat(
  transaction: SqlTransaction,
  { deadMansSwitch, clock }: Pick<Told, "deadMansSwitch" | "clock">,
): Promise<void> {
  if (!deadMansSwitch) return
  const { receiver, every } = deadMansSwitch
  const now = instant(clock.now())
  const next = instant(clock.now() + durationMs(every))
  // One that is due later than the next was set before the clock was set back, or by a longer interval.
  const due = await transaction`
      update alert_clock set due_at = ${next} where name = 'heartbeat' and (due_at <= ${now}::timestamptz or due_at > ${next}::timestamptz)
      returning name`
  if (due.length === 0) return
  // One that could not be sent yet says nothing any more.
  await transaction`delete from alert_notices where receiver = ${receiver} and kind = 'heartbeat' and state = 'waiting'`
  const [count] = await transaction<{ open: number }[]>`
      select count(*) as open from alert_threads where state = 'open'`
  const message: Message = {
    id: randomId("beat"),
    kind: "heartbeat",
    title: "Crossdock watches",
    lines: [`${count?.open ?? 0} alerts are open. Raise the alarm when this message stays away.`],
    at: now,
  }
  await putNotice(transaction, { receiver, notBefore: now, message }, now)
}
