import { AppError } from "../../base/errors.ts"
import type { ExceptionDesk } from "../exceptions/desk.ts"
import type { ExceptionRecord } from "../exceptions/record.ts"
import type { Became, BulkAct, Member, Refused } from "./kinds.ts"

/** More than these are no preview for people; what is asked has to be narrower. */
const membersMax = 20_000

/** Open cases by whether the action may be taken. REQUEST_INVALID as soon as there are too many. */
export async function sortOut(
  cases: AsyncIterable<ExceptionRecord>,
  action: string,
): Promise<{ members: Member[]; refused: Refused[] }> {
  const members: Member[] = []
  const refused: Refused[] = []
  for await (const { id, summary, atRisk, allowedActions } of cases) {
    if (allowedActions.includes(action)) members.push({ id, about: summary, ...(atRisk ? { atRisk } : {}) })
    else refused.push({ id, why: `only ${allowedActions.join(", ")} may be done` })
    if (members.length > membersMax)
      throw new AppError("REQUEST_INVALID", `there are more than ${membersMax} of them; choose fewer`)
  }
  return { members, refused }
}

/** Decides one case as if it had been decided alone. A repeat finishes what a crash left. */
export async function decideOne(
  desk: ExceptionDesk,
  id: string,
  { action, day, by, reason }: BulkAct & { action: string; day?: string | undefined },
): Promise<Became> {
  const before = await desk.find(id)
  if (!before) return { outcome: "skipped", reason: "it is gone" }
  const { decision } = before
  if (decision && !(decision.action === action && decision.by === by))
    return { outcome: "skipped", reason: `${decision.by} decided it meanwhile: ${decision.action}` }
  await desk.decide(id, { action, by, reason, ...(day === undefined ? {} : { day }) })
  return { outcome: "done" }
}
