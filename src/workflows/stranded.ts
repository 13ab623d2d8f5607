import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import type { AnyWorkflow } from "./define-workflow.ts"

/**
 * Refuses to start a version that would strand work in flight: every step an unfinished instance has begun or
 * waits in must be one this version still has, renames, or says it dropped. Throws WORKFLOW_STRANDED naming steps and how many instances.
 */
export async function assertNothingStranded(sql: Sql, workflows: readonly AnyWorkflow[]): Promise<void> {
  // The owner of each row, as `ownerStep` says it.
  const rows = await storage(
    () => sql<{ workflow: string; step: string; count: number }[]>`
      select s.workflow, regexp_replace(regexp_replace(s.step, '^undo: ', ''), '( was refused)?(#.*)?$', '') as step,
        count(distinct s.key) as count
      from workflow_steps s join workflow_instances i using (workflow, key)
      where i.finished_at is null and s.kind in ('effect', 'decide', 'until') group by 1, 2`,
  )
  const problems = rows.flatMap(({ workflow, step, count }) => {
    const known = workflows.find((candidate) => candidate.name === workflow)
    if (known && (known.steps.includes(step) || known.renamed?.[step] !== undefined || known.dropped?.includes(step)))
      return []
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
