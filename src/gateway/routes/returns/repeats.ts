import { AppError, type Problem } from "../../../base/errors.ts"
import { canonicalJson } from "../../../base/ids.ts"
import type { EventData } from "../../../canonical/events.ts"

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

function checkSame(
  what: string,
  { members, now, first }: { members: readonly string[]; now: object; first: object },
): void {
  const differing = members.filter((name) => textOf(now, name) !== textOf(first, name))
  if (differing.length === 0) return
  const problems = differing.map((name): Problem => {
    const was = textOf(first, name) ?? "left out"
    if (name === "requestedBy") return { pointer: "/reference", message: `${was} used it first` }
    return { pointer: `/${name}`, message: `was ${was} at first`.slice(0, 500) }
  })
  throw new AppError("REFERENCE_REUSED", `${what} was used before with other content`, { problems })
}

function textOf(value: object, name: string): string | undefined {
  const member = (value as Readonly<Record<string, unknown>>)[name]
  return member === undefined ? undefined : canonicalJson(member)
}
