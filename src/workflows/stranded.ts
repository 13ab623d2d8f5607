import { AppError } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import { declaredName, type AnyWorkflow } from "./define-workflow.ts"

/**
 * Refuses to start a version that would strand work in flight: every step an unfinished instance has begun must be
 * one this version still has, renames, or says it dropped. Throws WORKFLOW_STRANDED naming steps and how many instances.
 */
export async function assertNothingStranded(sql: Sql, workflows: readonly AnyWorkflow[]): Promise<void> {
  const rows = await storage(
    () => sql<{ workflow: string; step: string; count: number }[]>`
      select s.workflow, regexp_replace(s.step, '#.*$', '') as step, count(distinct s.key) as count
      from workflow_steps s join workflow_instances i using (workflow, key)
      where i.finished_at is null and s.kind in ('effect', 'decide') group by 1, 2`,
  )
  const problems = rows.flatMap(({ workflow, step, count }) => {
    const known = workflows.find((candidate) => candidate.name === workflow)
    const name = declaredName(step)
    if (known && (known.steps.includes(name) || known.renamed?.[name] !== undefined || known.dropped?.includes(name)))
      return []
    const what = known ? `has no step "${name}" any more` : "does not exist any more"
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
