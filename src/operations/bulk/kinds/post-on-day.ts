import { Type } from "typebox"
import { moneyToDecimal } from "../../../base/money.ts"
import { cut } from "../../../base/text.ts"
import { entity } from "../../../canonical/parts.ts"
import { dayPattern } from "../../asks.ts"
import type { ExceptionDesk } from "../../exceptions/desk.ts"
import { riskOf } from "../approval.ts"
import type { BulkKind } from "../kind.ts"
import { chosenCases, decideOne, goneCases, openCases, sortOut, type ChosenCases } from "./cases.ts"

const Spec = entity("Post on another day", {
  day: Type.String({ pattern: dayPattern, description: "the day to post on" }),
  ...chosenCases,
})

interface PostOnDay extends ChosenCases {
  day: string
}

const action = "post on day"

/**
 * Posts documents on another day that the books refused, because the period of their own day is closed (P-23). A document that stands
 * already, on whatever day, is found under its key.
 */
export function postOnDay(desk: ExceptionDesk): BulkKind<PostOnDay> {
  return {
    name: "post on another day",
    does: "posts documents whose period is closed on a day that finance names",
    schema: Spec,
    forAction: action,
    async preview({ day, ...chosen }, { channels }) {
      desk.actionOf({ action, day })
      const sorted = await sortOut(openCases(desk, { ...chosen, channels }), action)
      const members = sorted.members.map((member) => {
        const amount = member.atRisk ? `${moneyToDecimal(member.atRisk)} ${member.atRisk.currency}` : "no amount"
        return { ...member, about: cut(`${amount} on ${day}: ${member.about}`, 1000) }
      })
      const sums = riskOf(members).map((sum) => `${moneyToDecimal(sum)} ${sum.currency}`)
      const documents = members.length === 1 ? "1 document" : `${members.length} documents`
      return {
        members,
        refused: [...sorted.refused, ...goneCases(chosen.ids, sorted)],
        says: [`${documents} on ${day}${sums.length === 0 ? "" : `: ${sums.join(" and ")}`}.`],
      }
    },
    carryOut: ({ id }, { day }, act) => decideOne(desk, id, { ...act, action, day }),
  }
}
