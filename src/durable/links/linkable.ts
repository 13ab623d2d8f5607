import { storage, type Sql } from "../../base/sql.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { Connection, Connections } from "../../effects/connections.ts"
import { leaseMarginMs, settleDefaultMs } from "../../effects/perform.ts"
import { findWrite } from "../../effects/routed.ts"
import { stepText } from "../../effects/step-rows.ts"
import type { Asked, Links } from "../../ports/write.ts"
import type { InstanceFacts } from "../journal.ts"

/** An effect of an object that has no outcome, or none that holds, and whose connection knows how documents are linked. */
export interface OpenEffect {
  workflow: string
  about: Ref
  /** Its step with its part, as people see it. */
  step: string
  name: string
  part: string
  connection: string
  capability: string
  operation: string
  businessKey: string
  /** How often it was sent. */
  attempts: number
  /** What the document is compared with; missing where the ledger does not know it. */
  asked?: Asked
  /** It changes with each entry of the instance's journal. */
  seen: string
  /** Why nothing can be linked to it now. */
  why?: string
  links: Links<unknown, unknown>
}

interface Row extends Omit<OpenEffect, "step" | "why" | "links" | "seen" | "asked"> {
  input: unknown
  state: InstanceFacts["state"]
  outcome: "rejected" | "retryable" | "unknown" | null
  code: string | null
  /** Whether people are asked about its last refusal, and what they decided. */
  isAsked: boolean
  decided: string | null
  /** How long ago it was sent, or became unknown. */
  msAgo: number
  seen: number
}

/** Effects of one object that a document could be linked to: those of its workflows that are not done, the earliest first. */
export async function openEffects(sql: Sql, connections: Connections, about: Ref): Promise<OpenEffect[]> {
  const rows = await storage(
    () => sql<Row[]>`
      select i.workflow, i.about, i.state, s.step as name, s.part, s.connection, s.capability, s.operation,
        s.business_key as "businessKey", s.attempts, s.outcome, s.input,
        (extract(epoch from clock_timestamp() - coalesce(s.settled_at, s.sent_at, s.intent_at)) * 1000)::double precision as "msAgo",
        (select coalesce(max(j.id), 0) from workflow_journal j where j.instance = i.id) as seen,
        s.error ->> 'code' as code,
        (select a.result ->> 'action' from steps_of(i.id) a where a.kind = 'ask' and a.step = s.step
          and a.part = s.part || case when s.part = '' then '' else ':' end || 'refused ' || s.rejections) as decided,
        exists (select from steps_of(i.id) a where a.kind = 'ask' and a.step = s.step
          and a.part = s.part || case when s.part = '' then '' else ':' end || 'refused ' || s.rejections) as "isAsked"
      from workflow_instances i cross join lateral steps_of(i.id) s
      where i.about = ${about} and s.kind = 'effect' and s.connection is not null
        and (s.outcome is null or s.outcome in ('rejected', 'retryable', 'unknown'))
        -- The same intent on a later day, after the books were closed on this one, is another step under the same key.
        and not exists (select from steps_of(i.id) o where o.kind = 'effect' and o.n > s.n and o.connection = s.connection
          and o.operation = s.operation and o.business_key = s.business_key)
      order by i.id, s.n`,
  )
  return rows.flatMap((row) => {
    const connection = connections.has(row.connection) ? connections.get(row.connection) : undefined
    const write = connection && linkingWrite(connection, row)
    if (!connection || !write?.links) return []
    const {
      state: _state,
      outcome: _outcome,
      decided: _decided,
      code: _code,
      isAsked: _isAsked,
      msAgo: _msAgo,
      input,
      seen,
      ...effect
    } = row
    const asked = askedIn(input, write.links)
    const why = whyNot(row, connection, write.settleMs)
    return {
      ...effect,
      step: stepText({ step: row.name, part: row.part }),
      links: write.links,
      seen: String(seen),
      ...(asked ? { asked } : {}),
      ...(why === undefined ? {} : { why }),
    }
  })
}

/** The order that an object's workflow was started with, such as a return's; undefined where there is none. */
export async function orderOfWork(sql: Sql, about: Ref): Promise<string | undefined> {
  const [row] = await storage(() => sql<{ orderId: string | null }[]>`select order_of_work(${about}) as "orderId"`)
  return row?.orderId ?? undefined
}

/** What people call the documents of an operation; undefined where none can be linked. */
export function documentOf(
  connections: Connections,
  { connection, ...write }: Pick<OpenEffect, "connection" | "capability" | "operation">,
): string | undefined {
  return connections.has(connection) ? linkingWrite(connections.get(connection), write)?.links?.document : undefined
}

/** Undefined when this version has no such operation any more. */
function linkingWrite(connection: Connection, { capability, operation }: Pick<OpenEffect, "capability" | "operation">) {
  try {
    return findWrite(connection, capability, operation).write
  } catch {
    return undefined
  }
}

function whyNot(
  { state, outcome, decided, msAgo, isAsked, code, connection: id }: Row,
  { timeoutMs }: Connection,
  settleMs = settleDefaultMs,
): string | undefined {
  if (state === "undoing") return `it is being taken back: no step goes on from a document any more; cancel it in ${id}`
  if (state !== "running") return "its workflow has ended: no step goes on from a document any more"
  if (outcome === "rejected" && decided !== null && decided !== "retry") return `a person decided about it: ${decided}`
  // What else is refused its workflow has answered in another way, such as a refund that people give back by hand.
  if (outcome === "rejected" && !isAsked && code !== "PERIOD_CLOSED")
    return "it was refused, and its workflow went on without it"
  const lastsMs = outcome === null ? timeoutMs + leaseMarginMs + settleMs : outcome === "unknown" ? settleMs : 0
  if (msAgo >= lastsMs) return undefined
  return `a call to ${id} may still take effect; look again in ${Math.ceil((lastsMs - msAgo) / 1000)} seconds`
}

/** Of large inputs the ledger keeps the digest and what is compared. */
function askedIn(input: unknown, links: Links<unknown, unknown>): Asked | undefined {
  if (typeof input !== "object" || input === null) return undefined
  if (!("digest" in input && "length" in input)) return links.asks(input)
  // The intent wrote it.
  return "asked" in input ? (input.asked as Asked) : undefined
}
