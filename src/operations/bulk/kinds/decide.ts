import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import type { ExceptionDesk } from "../../exceptions/desk.ts"
import type { BulkKind } from "../kind.ts"
import { chosenCases, decideOne, goneCases, openCases, sortOut, type ChosenCases } from "./cases.ts"

const Spec = entity("Decide many", {
  action: Type.String({ minLength: 1, maxLength: 64, description: "one of the cases' allowed actions" }),
  day: Type.Optional(
    Type.String({ pattern: "^\\d{4}-\\d{2}-\\d{2}$", description: "the day that the action asks for" }),
  ),
  ...chosenCases,
})

interface DecideMany extends ChosenCases {
  action: string
  day?: string
}

/** Decides many exceptions alike: those of a group, or those that were chosen. Each gets the decision as if it had been decided alone. */
export function decideMany(desk: ExceptionDesk): BulkKind<DecideMany> {
  return {
    name: "decide",
    does: "decides exceptions alike; each workflow goes on with its decision",
    schema: Spec,
    async preview({ action, day, ...chosen }, { channels }) {
      const cases = openCases(desk, { ...chosen, channels })
      const { scope } = desk.actionOf({ action, ...(day === undefined ? {} : { day }) })
      if (scope !== undefined)
        throw new AppError("STATE_FORBIDS", `"${action}" is decided one by one, by who has the right to it`)
      const sorted = await sortOut(cases, action)
      return { members: sorted.members, refused: [...sorted.refused, ...goneCases(chosen.ids, sorted)] }
    },
    carryOut: ({ id }, { action, day }, act) => decideOne(desk, id, { ...act, action, day }),
  }
}
