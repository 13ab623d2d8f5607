import { storage, type Sql } from "../../base/sql.ts"
import type { Ref } from "../../canonical/refs.ts"
import type { InstanceFacts } from "../journal.ts"
import { stepText } from "../../effects/step-rows.ts"
import { planRetry, type PlannedStep, type Retry } from "./plan.ts"

/** A workflow of one business object. */
export interface InstanceName {
  workflow: string
  about: Ref
}

/** What a retry of one instance would do, for people. */
export interface RetryView extends InstanceName {
  /** Why it cannot be retried. */
  problem?: string
  /** What was seen of it: it changes with each entry of its journal. */
  seen: string
  again: string[]
  exists: string[]
  tried: string[]
}

interface Row extends InstanceName {
  state: InstanceFacts["state"]
  seen: number
  steps: (PlannedStep & { reference: { id?: string } | null })[] | null
}

/** Reads whole journals, so ask for few: at most two thousand. Instances that do not exist are left out. */
export async function viewRetries(sql: Sql, names: readonly InstanceName[], retry: Retry): Promise<RetryView[]> {
  const rows = await storage(
    () => sql<Row[]>`
      select i.workflow, i.about, i.state, (select coalesce(max(j.id), 0) from workflow_journal j where j.instance = i.id) as seen,
        (select json_agg(json_build_object('kind', s.kind, 'step', s.step, 'part', s.part, 'n', s.n, 'outcome', s.outcome,
          'attempts', s.attempts, 'rejections', s.rejections, 'reference', s.reference) order by s.n) from steps_of(i.id) s) as steps
      from json_to_recordset(${JSON.stringify(names)}::text::json) as x(workflow text, about text)
      join workflow_instances i on i.about = x.about and i.workflow = x.workflow`,
  )
  return rows.map((row) => viewOf(row, retry))
}

function viewOf({ workflow, about, state, seen, steps }: Row, retry: Retry): RetryView {
  const plan = planRetry(steps ?? [], retry)
  const problem = stateProblem(state, retry) ?? plan.problem
  const name = (step: PlannedStep & { reference?: { id?: string } | null }) =>
    step.reference?.id === undefined ? stepText(step) : `${stepText(step)} (${step.reference.id})`
  return {
    workflow,
    about,
    seen: String(seen),
    again: plan.again.map(stepText),
    exists: plan.exists.map(name),
    tried: [...plan.tried, ...plan.reopened.filter((step) => !plan.tried.includes(step))].map(stepText),
    ...(problem === undefined ? {} : { problem }),
  }
}

function stateProblem(state: InstanceFacts["state"], { from }: Retry): string | undefined {
  switch (state) {
    case "running":
      return undefined
    case "undoing":
      return from === "failed step" ? undefined : "it is being taken back: only the failed step can be retried"
    case "expected":
      return "it was never started: what starts it has not come"
    case "done":
      return "it has ended, and nothing of it is left to be retried"
    case "undone":
      return "it was taken back; the object has to be placed anew"
  }
}

/** Instances whose last runs failed, the earliest promise first. */
export async function failingInstances(
  sql: Sql,
  { workflow, limit }: { workflow?: string | undefined; limit: number },
): Promise<InstanceName[]> {
  return storage(
    () => sql<InstanceName[]>`
      select i.workflow, i.about from workflow_queue q join workflow_instances i on i.id = q.instance
      where q.failures > 0 and (${workflow ?? null}::text is null or i.workflow = ${workflow ?? null})
      order by q.promised_at, i.id limit ${limit}`,
  )
}

/** Whether an instance looks as it did when `seen` was read. */
export async function looksAs(sql: Sql, { workflow, about }: InstanceName, seen: string): Promise<boolean> {
  const [row] = await storage(
    () => sql<{ same: boolean }[]>`
      select (select coalesce(max(j.id), 0) from workflow_journal j where j.instance = i.id) = ${Number(seen)} as same
      from workflow_instances i where i.workflow = ${workflow} and i.about = ${about}`,
  )
  return row?.same ?? false
}
