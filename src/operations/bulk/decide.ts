import { Type } from "typebox"
import { entity } from "../../canonical/parts.ts"
import type { ExceptionDesk } from "../exceptions/desk.ts"
import type { BulkKind, Member, Refused } from "./kinds.ts"

const Spec = entity("Decide many", {
  action: Type.String({ minLength: 1, maxLength: 64, description: "one of the cases' allowed actions" }),
  day: Type.Optional(
    Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "the day that the action asks for" }),
  ),
  group: Type.Optional(Type.String({ pattern: "^grp_[0-9a-f]{16}$", description: "all open cases of this group" })),
  ids: Type.Optional(
    Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 500,
      description: "these cases",
    }),
  ),
})

interface DecideMany {
  action: string
  day?: string
  group?: string
  ids?: string[]
}

/** Decides many exceptions alike: those of a group, or those that were chosen. Each gets the decision as if it had been decided alone. */
export function decideMany(desk: ExceptionDesk): BulkKind<DecideMany> {
  return {
    name: "decide",
    does: "decides exceptions alike; each workflow goes on with its decision",
    schema: Spec,
    async preview({ action, group, ids }, { channels }) {
      const members: Member[] = []
      const refused: Refused[] = []
      const seen = new Set<string>()
      for await (const found of openCases(desk, { group, ids, channels })) {
        seen.add(found.id)
        if (found.allowedActions.includes(action))
          members.push({ id: found.id, about: found.summary, ...(found.atRisk ? { atRisk: found.atRisk } : {}) })
        else refused.push({ id: found.id, why: `only ${found.allowedActions.join(", ")} may be done` })
      }
      const gone = (ids ?? []).filter((id) => !seen.has(id))
      return { members, refused: [...refused, ...gone.map((id) => ({ id, why: "it is not open, or there is none" }))] }
    },
    async carryOut(id, { action, day }, { by, reason }) {
      const before = await desk.find(id)
      if (!before) return { outcome: "skipped", reason: "it is gone" }
      const { decision } = before
      if (decision && !(decision.action === action && decision.by === by))
        return { outcome: "skipped", reason: `${decision.by} decided it meanwhile: ${decision.action}` }
      await desk.decide(id, { action, by, reason, ...(day === undefined ? {} : { day }) })
      return { outcome: "done" }
    },
  }
}

/** Those of the group, and those that were named besides. */
async function* openCases(
  desk: ExceptionDesk,
  {
    group,
    ids = [],
    channels,
  }: { group?: string | undefined; ids?: string[] | undefined; channels?: readonly string[] | undefined },
) {
  if (ids.length > 0) yield* desk.all({ state: "open", ids, channels })
  if (group === undefined) return
  for await (const found of desk.all({ state: "open", group, channels })) if (!ids.includes(found.id)) yield found
}
