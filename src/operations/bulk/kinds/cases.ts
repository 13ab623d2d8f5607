import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import type { ExceptionDesk } from "../../exceptions/desk.ts"
import type { ExceptionRecord } from "../../exceptions/record.ts"
import { done, skipped, type Became, type BulkAct, type Member, type Refused } from "../kind.ts"

/** More than these are no preview for people; what is asked has to be narrower. */
export const membersMax = 20_000

/** Which open exceptions: those that match a list's filter, all of it and not a page, and those that were chosen. */
export const chosenCases = {
  group: Type.Optional(Type.String({ pattern: "^grp_[0-9a-f]{16}$", description: "all open cases of this group" })),
  owner: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "all open cases of this owner" })),
  cause: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "all open cases of this cause" })),
  orderId: Type.Optional(Type.String({ minLength: 1, maxLength: 64, description: "all open cases of this order" })),
  ids: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 500,
      description: "these cases, besides those that match",
    }),
  ),
}

export interface ChosenCases {
  group?: string
  owner?: string
  cause?: string
  orderId?: string
  ids?: string[]
}

/** Whether anything was chosen. */
export const isChosen = ({ ids, ...filter }: ChosenCases) => ids !== undefined || hasFilter(filter)

const hasFilter = ({ group, owner, cause, orderId }: ChosenCases) =>
  [group, owner, cause, orderId].some((value) => value !== undefined)

/** Chosen exceptions that are open, each once. REQUEST_INVALID when none was chosen. */
export async function* openCases(
  desk: ExceptionDesk,
  { ids = [], channels, ...filter }: ChosenCases & { channels: readonly string[] | undefined },
): AsyncGenerator<ExceptionRecord> {
  if (!hasFilter(filter) && ids.length === 0)
    throw new AppError("REQUEST_INVALID", "say which exceptions", {
      problems: [{ pointer: "/spec", message: "expected `group`, another filter, `ids`, or both" }],
    })
  if (ids.length > 0) yield* desk.all({ state: "open", ids, channels })
  if (!hasFilter(filter)) return
  const { group, owner, cause, orderId } = filter
  const wanted = Object.fromEntries(Object.entries({ group, owner, cause, orderId }).filter(([, value]) => value))
  for await (const found of desk.all({ state: "open", ...wanted, channels })) if (!ids.includes(found.id)) yield found
}

/** Of those that were chosen, the ones that no preview has. */
export function goneCases(ids: readonly string[] = [], { members, refused }: Sorted): Refused[] {
  const seen = new Set([...members, ...refused].map(({ id }) => id))
  return ids.filter((id) => !seen.has(id)).map((id) => ({ id, why: "it is not open, or there is none" }))
}

interface Sorted {
  members: Member[]
  refused: Refused[]
}

/** Open cases by whether the action may be taken. REQUEST_INVALID as soon as there are too many. */
export async function sortOut(cases: AsyncIterable<ExceptionRecord>, action: string): Promise<Sorted> {
  const sorted: Sorted = { members: [], refused: [] }
  for await (const found of cases) {
    if (found.allowedActions.includes(action)) sorted.members.push(memberOf(found))
    else sorted.refused.push({ id: found.id, why: `only ${found.allowedActions.join(", ")} may be done` })
    assertNotTooMany(sorted.members.length)
  }
  return sorted
}

export function assertNotTooMany(count: number, most = membersMax): void {
  if (count > most) throw new AppError("REQUEST_INVALID", `there are more than ${most} of them; choose fewer`)
}

export const memberOf = ({ id, summary, atRisk }: ExceptionRecord): Member => {
  return { id, about: summary, ...(atRisk ? { atRisk } : {}) }
}

/** Decides one case as if it had been decided alone. A repeat finishes what a crash left. */
export async function decideOne(
  desk: ExceptionDesk,
  id: string,
  { action, day, by, reason }: Pick<BulkAct, "by" | "reason"> & { action: string; day?: string | undefined },
): Promise<Became> {
  const before = await desk.find(id)
  if (!before) return skipped("it is gone")
  const { decision } = before
  if (decision && !(decision.action === action && decision.by === by))
    return skipped(`${decision.by} decided it meanwhile: ${decision.action}`)
  await desk.decide(id, { action, by, reason, ...(day === undefined ? {} : { day }) })
  return done
}
