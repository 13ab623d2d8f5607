import type { Problem } from "../../../base/errors.ts"
import { epochMs } from "../../../base/time.ts"
import type { LineQuantity } from "../../../canonical/parts.ts"
import type { handoverProofs } from "../../../canonical/pickups/events.ts"

/** One line of a pickup, with what can still be said of it. Thousandths of its unit. */
interface LineView {
  lineId: string
  unit: string
  toFindMilli: number
  toHandOverMilli: number
  toPutBackMilli: number
}

/** A pickup as it is now, with what a store asks of whoever collects it. */
export interface PickupView {
  pickupId: string
  orderId: string
  locationId: string
  channel: string
  number: string
  method: "pickup" | "ship"
  keptUntil?: string
  lines: readonly LineView[]
  asksCode: boolean
  asksId: boolean
  facts: readonly { fact: string; data: object }[]
}

type ReportName = "accept" | "pick" | "reject" | "hand-over" | "keep-longer" | "put-back"
type IsCode = (pickupId: string, code: string) => boolean

/** What identifies a report besides its id. A code is not kept, so another one is the same report. */
export const reported = [
  "found",
  "missing",
  "reason",
  "lines",
  "proof",
  "to",
  "carrier",
  "trackingNumber",
  "until",
] as const satisfies readonly (keyof Said)[]

/** A report of a store, whichever it is. */
export interface Said {
  id: string
  found?: LineQuantity[]
  missing?: LineQuantity[]
  lines?: LineQuantity[]
  code?: string
  proof?: (typeof handoverProofs)[number]
  until?: string
  reason?: string
  to?: string
  carrier?: string
  trackingNumber?: string
}

/** Everything that is wrong with a report: nobody should find out only from the stock that it counted nothing. */
export function problemsOf(
  name: ReportName,
  { pickup, body, isCode, nowMs }: { pickup: PickupView; body: Said; isCode: IsCode; nowMs: number },
): Problem[] {
  switch (name) {
    case "pick": {
      if (!body.found && !body.missing) return [{ pointer: "", message: "expected `found`, `missing`, or both" }]
      const found = body.found ?? []
      const lines = [...found, ...(body.missing ?? [])]
      const at = (n: number) => (n < found.length ? `/found/${n}` : `/missing/${n - found.length}`)
      return tooMany(pickup, { lines, at, left: ({ toFindMilli }) => toFindMilli, what: "to be found" })
    }
    case "hand-over":
      return [
        ...proofProblems(pickup, body, isCode),
        ...tooMany(pickup, {
          lines: body.lines,
          left: (line) => line.toHandOverMilli,
          what: "ready to be handed over",
        }),
      ]
    case "put-back":
      return tooMany(pickup, { lines: body.lines, left: (line) => line.toPutBackMilli, what: "to be put back" })
    case "reject":
      return pickup.lines.some(({ toFindMilli }) => toFindMilli > 0)
        ? []
        : [{ pointer: "", message: "everything of it is found already, or missing: there is nothing to reject" }]
    case "keep-longer": {
      if (pickup.keptUntil === undefined)
        return [{ pointer: "", message: "it is not ready yet, so nothing is kept for the buyer" }]
      const aheadMs = epochMs(body.until ?? "") - nowMs
      return aheadMs > 0 && aheadMs <= keptMsMax
        ? []
        : [{ pointer: "/until", message: "expected a moment to come, within a year" }]
    }
    case "accept":
      return []
  }
}

const keptMsMax = 366 * 86_400_000

function proofProblems(pickup: PickupView, { code, proof }: Said, isCode: IsCode): Problem[] {
  if (pickup.method === "ship") return []
  const problems: Problem[] = []
  if (code !== undefined && !isCode(pickup.pickupId, code))
    problems.push({
      pointer: "/code",
      message: "this is not the code of the order: ask for the mail, or for a document",
    })
  if (pickup.asksId && proof !== "identity document")
    problems.push({
      pointer: "/proof",
      message: 'expected "identity document": an order of this amount is handed over only to who shows one',
    })
  else if (pickup.asksCode && code === undefined && proof !== "identity document")
    problems.push({ pointer: "/code", message: 'expected the buyer\'s code, or `proof` "identity document"' })
  return problems
}

function tooMany(
  pickup: PickupView,
  of: {
    lines: readonly LineQuantity[] | undefined
    left: (line: LineView) => number
    what: string
    at?: (index: number) => string
  },
): Problem[] {
  const { lines, left, what, at = (index: number) => `/lines/${index}` } = of
  if (!lines)
    return pickup.lines.some((line) => left(line) > 0) ? [] : [{ pointer: "", message: `nothing of it is ${what}` }]
  const named = new Map<string, number>()
  return lines.flatMap(({ lineId, quantity: { milli, unit } }, index): Problem[] => {
    const line = pickup.lines.find((one) => one.lineId === lineId)
    const pointer = at(index)
    if (!line) return [{ pointer: `${pointer}/lineId`, message: `there is no line ${lineId.slice(0, 64)} in it` }]
    if (unit !== line.unit)
      return [{ pointer: `${pointer}/quantity/unit`, message: `line ${lineId} is counted in ${line.unit}` }]
    if (milli === 0) return [{ pointer: `${pointer}/quantity/milli`, message: "is 0: leave the line out" }]
    const sum = (named.get(lineId) ?? 0) + milli
    named.set(lineId, sum)
    if (sum <= left(line)) return []
    return [{ pointer, message: `${sum / 1000} of line ${lineId} are too many: ${left(line) / 1000} ${what}` }]
  })
}
