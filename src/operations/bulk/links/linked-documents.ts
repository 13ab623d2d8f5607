import { inTransaction, storage, type Sql } from "../../../base/sql.ts"
import { assertEvents } from "../../../canonical/check-event.ts"
import type { NewEvent } from "../../../canonical/events.ts"
import type { Reference } from "../../../canonical/parts.ts"
import type { Ref } from "../../../canonical/refs.ts"
import type { EventLog } from "../../../eventlog/event-log.ts"

/** Whose outcome a document is to be. */
export interface StepOf {
  about: Ref
  workflow: string
  /** With its part after a #. */
  step: string
}

/**
 * Who has a document already, by a step's answer or a person's word: another object, or another step of this one. Undefined when nobody
 * has.
 */
export async function ownerOf(sql: Sql, { system, type, id }: Reference, step: StepOf): Promise<string | undefined> {
  const [row] = await storage(
    () => sql<{ owner: string }[]>`
      select l.about as owner from linked_documents l
      where l.system = ${system} and l.type = ${type} and l.id = ${id} and l.about <> ${step.about}
      union all
      select n.ref from object_names n
      where name_key(n.id) = name_key(${id}) and n.system = ${system} and n.type = ${type}
        and n.id = ${id} and n.ref <> ${step.about} and n.ref ~ '^(order|return|credit)/'
      union all
      select o.step from step_with_document(
        ${step.about}, ${step.workflow}, ${step.step}, ${JSON.stringify({ system, type, id })}::text::json) as o(step)
      where o.step is not null
      limit 1`,
  )
  return row?.owner
}

/** A document that is to be a step's. */
export interface Taken {
  document: Reference
  step: StepOf
  by: string
  operation: string
  at: string
  /** What the workflow hears of it. */
  event: NewEvent<"effect.linked">
}

/**
 * Takes a document for a step and tells its workflow, both or neither. Undefined when it is this step's now, also after a repeat; else
 * why it is not. Two people who link at the same moment are told apart by the table's two keys.
 */
export async function takeDocument(
  { sql, eventLog }: { sql: Sql; eventLog: Pick<EventLog, "prepare" | "stored"> },
  { document, step, by, operation, at, event }: Taken,
): Promise<string | undefined> {
  assertEvents([event], event.source)
  const prepared = eventLog.prepare([{ event, correlation: step.about }])
  const why = await storage(() =>
    inTransaction(sql, async (tx) => {
      await tx`
        insert into linked_documents (system, type, id, about, workflow, step, linked_by, operation, at)
        values (${document.system}, ${document.type}, ${document.id}, ${step.about}, ${step.workflow}, ${step.step}, ${by}, ${operation}, ${at})
        on conflict do nothing`
      const rows = await tx<(Reference & StepOf & { linked_by: string })[]>`
        select * from linked_documents where (system = ${document.system} and type = ${document.type} and id = ${document.id})
          or (about = ${step.about} and workflow = ${step.workflow} and step = ${step.step})`
      const whyNot = otherOf(rows, { document, step })
      if (whyNot === undefined)
        await tx`select from store_events(${JSON.stringify(prepared.events)}::text::json, ${JSON.stringify(prepared.follow)}::text::json)`
      return whyNot
    }),
  )
  if (why === undefined) eventLog.stored(prepared)
  return why
}

/** Why the document is not the step's, by what is linked already. */
function otherOf(
  rows: readonly (Reference & StepOf & { linked_by: string })[],
  { document, step }: Pick<Taken, "document" | "step">,
): string | undefined {
  const other = rows.find((row) => row.about !== step.about || row.workflow !== step.workflow || row.step !== step.step)
  if (other) return `${other.linked_by} linked ${document.type} ${document.id} to "${other.step}" of ${other.about}`
  const [own] = rows
  if (own?.id === document.id && own.system === document.system && own.type === document.type) return undefined
  return own ? `${own.linked_by} linked ${own.type} ${own.id} to it` : "it could not be taken"
}
