import type { EventData } from "../../../canonical/events.ts"
import { checkSame } from "../../requests/same-as-before.ts"

/** What identifies a return's request besides its reference: the same reference with other content is another request. */
const asked = ["how", "toLocationId", "lines", "exchangeOrderId", "takenOver", "reason", "requestedBy"] as const
type Asked = Pick<EventData<"return.requested">, (typeof asked)[number]>

/** What identifies a receipt or an inspection besides its id. */
const reported = ["locationId", "lines", "isLast"] as const

/** REFERENCE_REUSED when a reference stands for another request than this one, with each member that differs. */
export function checkSameRequest(reference: string, now: Asked, first: Asked): void {
  checkSame(`the reference "${reference}" of this order`, { members: asked, now, first })
}

/** REFERENCE_REUSED when the id of a report stands for another report than this one. */
export function checkSameReport(id: string, now: object, first: object): void {
  checkSame(`the report "${id}" of this return`, { members: reported, now: withoutReasons(now), first })
}

/** A receipt says what came, not why: reasons of its lines are not kept. */
function withoutReasons(report: object): object {
  const { lines = [], ...more } = report as { lines?: readonly { reason?: string }[] }
  return { ...more, lines: lines.map(({ reason: _reason, ...line }) => line) }
}
