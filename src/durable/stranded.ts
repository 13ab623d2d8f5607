import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { AnyWorkflow } from "./define-workflow.ts"

/**
 * Refuses to start a version that would strand unfinished work: each step that an unfinished instance has begun must be
 * declared, renamed or dropped by this version. Of an instance that has ended and handles a late signal, only open steps
 * count. Throws WORKFLOW_STRANDED with each step and its number of instances.
 */
export async function assertNothingStranded(sql: Sql, workflows: readonly AnyWorkflow[]): Promise<void> {
  // The engine's own waits belong to no version of a workflow.
  const rows = await storage(
    () => sql<{ workflow: string; step: string; count: number }[]>`
      select i.workflow, e.step, count(distinct i.id) as count
      from workflow_queue q join workflow_instances i on i.id = q.instance
      join workflow_journal j on j.instance = i.id
      cross join lateral json_to_recordset(j.entries) as e(step text, kind text)
      where i.finished_at is null and e.kind in ('effect', 'decide', 'until', 'ask') and e.step <> 'wait for another system'
      group by 1, 2
      union all
      select i.workflow, s.step, count(distinct i.id)
      from workflow_queue q join workflow_instances i on i.id = q.instance cross join lateral steps_of(i.id) s
      where i.finished_at is not null and s.kind in ('effect', 'decide', 'until', 'ask') and s.step <> 'wait for another system'
        and (s.outcome is null or s.outcome in ('retryable', 'unknown'))
      group by 1, 2`,
  )
  const problems = rows.flatMap(({ workflow, step, count }) => {
    const known = workflows.find((candidate) => candidate.name === workflow)
    const isRenamed = known?.renamed !== undefined && Object.hasOwn(known.renamed, step)
    if (known && (known.steps.includes(step) || isRenamed || known.dropped?.includes(step))) return []
    const what = known ? `has no step "${step}" any more` : "does not exist any more"
    return [
      {
        pointer: `/workflows/${workflow}`,
        message: `${count} in flight; this version ${what}: declare it in "renamed" or "dropped"`,
      },
    ]
  })
  if (problems.length > 0)
    throw new AppError(
      "WORKFLOW_STRANDED",
      problems.map((problem) => `${problem.pointer}: ${problem.message}`).join("\n"),
      { problems },
    )
}
