import { Type, type Static } from "typebox"
import { derivedId } from "../../base/ids.ts"
import { newEvent, type NewEvent } from "../../canonical/events.ts"
import { entity } from "../../canonical/parts.ts"
import { ref } from "../../canonical/refs.ts"
import type { MovementResult, StockMovement } from "../stock-ledger.ts"

/** How far a count may be from what was expected before a person is told. */
export const CountTolerance = entity("Count tolerance", {
  milli: Type.Integer({ minimum: 0, description: "Differences up to this are not told. Thousandths." }),
  percent: Type.Number({ minimum: 0, description: "Nor are those up to this part of what was expected." }),
})
export type CountTolerance = Static<typeof CountTolerance>

/** So many of one source's differences are told one by one; the rest of them are one exception. */
const toldSinglyMax = 20

interface Counts {
  source: string
  tolerance: CountTolerance
  at: string
}

/** Exceptions about counts that are further from what was expected than the tolerance. The first stock of a position differs from nothing. */
export function differenceEvents(
  booked: readonly { movement: StockMovement; result: MovementResult }[],
  { source, tolerance, at }: Counts,
): NewEvent[] {
  const far = booked.flatMap(({ movement, result }) => {
    if (movement.kind !== "count" || !("deltaMilli" in result) || result.superseded) return []
    const expectedMilli = result.onHandMilli - result.deltaMilli
    const difference = Math.abs(result.deltaMilli)
    const isTold =
      expectedMilli > 0 && difference > Math.max(tolerance.milli, (expectedMilli * tolerance.percent) / 100)
    return isTold ? [{ movement, expectedMilli, deltaMilli: result.deltaMilli, fact: result.fact }] : []
  })
  const singly = far.slice(0, toldSinglyMax)
  const events = singly.map(({ movement: { sku, locationId }, expectedMilli, deltaMilli, fact }) =>
    opened({
      id: derivedId("exc", "count", fact),
      source,
      at,
      about: ref("stock", locationId, sku),
      sku,
      operation: "count of one article",
      value: locationId,
      summary: `A count of ${sku} at ${locationId} by ${source} is ${units(Math.abs(deltaMilli))} ${deltaMilli < 0 ? "less" : "more"} than the ${units(expectedMilli)} that were expected.`,
    }),
  )
  const [first] = far.slice(toldSinglyMax)
  if (!first) return events
  const { locationId } = first.movement
  return [
    ...events,
    opened({
      id: derivedId("exc", "counts", first.fact),
      source,
      at,
      about: ref("location", locationId),
      operation: "counts of many articles",
      value: locationId,
      summary: `Counts of ${source} differ from what was expected for ${far.length} articles at once, ${far.length - toldSinglyMax} of them not told one by one. What its numbers have inside may not be what the estate says (policies.stock.sources).`,
    }),
  ]
}

const units = (milli: number) => `${milli / 1000}`

function opened(told: {
  id: string
  source: string
  at: string
  about: NewEvent<"exception.opened">["data"]["about"]
  sku?: string
  operation: string
  value: string
  summary: string
}): NewEvent {
  const { id, source, at, about, sku, operation, value, summary } = told
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:stock:${id}`,
    source: "crossdock:stock",
    time: at,
    data: {
      exceptionId: id,
      about,
      cause: "stock count differs",
      summary,
      doneSoFar: ["booked what was counted"],
      ifNobodyActs: "what was counted stands, and is what is promised",
      allowedActions: ["acknowledge"],
      owner: "inventory",
      because: { kind: "data", connection: source, operation, value },
      ...(sku === undefined ? {} : { sku }),
      at,
    },
  })
}
