import { Type, type Static } from "typebox"
import type { Problem } from "../../base/errors.ts"
import { contentDigest } from "../../base/ids.ts"
import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import { Duration, durationMs } from "../../base/time.ts"
import { entity, LocationId, Sku } from "../../canonical/parts.ts"

const scope = { sku: Type.Optional(Sku), locationId: Type.Optional(LocationId) }

const Threshold = entity("Stock threshold", {
  ...scope,
  belowMilli: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1_000_000_000_000, description: "Less than this is too little. Thousandths." }),
  ),
  belowDaysOfCover: Type.Optional(
    Type.Number({ exclusiveMinimum: 0, maximum: 730, description: "Less than so many days' demand is too little." }),
  ),
  marginPercent: Type.Optional(
    Type.Number({
      minimum: 0,
      maximum: 1000,
      description:
        "There is enough again this much above the threshold, so that a few units back and forth are no news. Default 10.",
    }),
  ),
  counts: Type.Optional(
    Type.Enum(["available", "with what comes"], {
      description:
        "What is looked at: on hand less reserved at the place, or that with what is in transit and on order. Default: available.",
    }),
  ),
})
export type Threshold = Static<typeof Threshold>

const LeadTime = entity("Declared lead time", { ...scope, leadTime: Duration })

/** `policies.replenishment` of the estate; the signal notes changes and thresholds only where it is there. */
export const ReplenishmentPolicyBlock = entity("Replenishment policies", {
  thresholds: Type.Optional(
    Type.Record(
      Type.String({ minLength: 1, maxLength: 64 }),
      Type.Array(Threshold, { minItems: 1, maxItems: 100_000 }),
      {
        description:
          "By name: when a SKU at a place has too little. Of one name the most specific row counts: SKU and place, SKU, place, any.",
      },
    ),
  ),
  leadTimes: Type.Optional(
    Type.Array(LeadTime, {
      maxItems: 100_000,
      description: "What suppliers promise, where it is not measured yet. The most specific row counts.",
    }),
  ),
})
export type ReplenishmentPolicyBlock = Static<typeof ReplenishmentPolicyBlock>

/** What fits the schema and makes no sense: a threshold of two kinds, the same scope twice, a place that is none of the estate. */
export function replenishmentProblems(
  { thresholds = {}, leadTimes = [] }: ReplenishmentPolicyBlock,
  places: ReadonlySet<string>,
): Problem[] {
  const of = Object.entries(thresholds).flatMap(([name, rows]) => {
    const place = `/thresholds/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`
    const misfits = rows.flatMap(({ belowMilli, belowDaysOfCover }, n) =>
      (belowMilli === undefined) === (belowDaysOfCover === undefined)
        ? [{ pointer: `${place}/${n}`, message: "needs `belowMilli` or `belowDaysOfCover`, and not both" }]
        : [],
    )
    return [...misfits, ...scopeProblems(rows, place, places)]
  })
  return [...of, ...scopeProblems(leadTimes, "/leadTimes", places)]
}

function scopeProblems(
  rows: readonly { sku?: string; locationId?: string }[],
  at: string,
  places: ReadonlySet<string>,
): Problem[] {
  const seen = new Set<string>()
  return rows.flatMap(({ sku = "", locationId = "" }, n) => {
    const name = JSON.stringify([sku, locationId])
    const isSeen = seen.has(name)
    seen.add(name)
    return [
      ...(isSeen ? [{ pointer: `${at}/${n}`, message: "has the SKU and place of an earlier row" }] : []),
      ...(locationId === "" || places.has(locationId)
        ? []
        : [{ pointer: `${at}/${n}/locationId`, message: `there is no place "${locationId}"` }]),
    ]
  })
}

/** The declared lead time of a SKU at a place, in milliseconds. Looked up by key, however many rows there are. */
export function declaredLeadTimes({ leadTimes = [] }: ReplenishmentPolicyBlock) {
  const nameOf = (sku: string, locationId: string) => JSON.stringify([sku, locationId])
  const known = new Map(
    leadTimes.map(({ sku = "", locationId = "", leadTime }) => [nameOf(sku, locationId), durationMs(leadTime)]),
  )
  return (sku: string, locationId: string): number | undefined =>
    known.get(nameOf(sku, locationId)) ??
    known.get(nameOf(sku, "")) ??
    known.get(nameOf("", locationId)) ??
    known.get(nameOf("", ""))
}

/**
 * Sets what the estate says of thresholds, at every start. Where that is new, all positions are looked at once more. What is below a
 * threshold that is gone is forgotten without a word.
 */
export async function setThresholds(sql: Sql, { thresholds = {} }: ReplenishmentPolicyBlock): Promise<void> {
  const rows = Object.entries(thresholds).flatMap(([name, of]) =>
    of.map(({ sku = "", locationId = "", belowMilli, belowDaysOfCover, marginPercent = 10, counts }) => ({
      name,
      sku,
      location_id: locationId,
      below_milli: belowMilli ?? null,
      below_days: belowDaysOfCover ?? null,
      margin: marginPercent / 100,
      with_coming: counts === "with what comes",
    })),
  )
  await storage(() =>
    inTransaction(sql, async (tx) => {
      await tx`select set_stock_thresholds(${JSON.stringify(rows)}::text::json, ${contentDigest(rows)})`
    }),
  )
}
