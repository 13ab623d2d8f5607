import { Type } from "typebox"
import { AppError } from "../../base/errors.ts"
import { entity } from "../../canonical/parts.ts"
import type { ExceptionDesk } from "../exceptions/desk.ts"
import { decideOne, sortOut } from "./cases.ts"
import type { BulkKind } from "./kinds.ts"

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
    async preview({ action, day, group, ids }, { channels }) {
      if (group === undefined && ids === undefined)
        throw new AppError("REQUEST_INVALID", "say which exceptions", {
          problems: [{ pointer: "/spec", message: "expected `group`, or `ids`, or both" }],
        })
      desk.actionOf({ action, ...(day === undefined ? {} : { day }) })
      const { members, refused } = await sortOut(openCases(desk, { group, ids, channels }), action)
      const seen = new Set([...members, ...refused].map(({ id }) => id))
      const gone = (ids ?? []).filter((id) => !seen.has(id))
      return { members, refused: [...refused, ...gone.map((id) => ({ id, why: "it is not open, or there is none" }))] }
    },
    carryOut: (id, { action, day }, act) => decideOne(desk, id, { ...act, action, day }),
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
