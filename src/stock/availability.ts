import { Batcher } from "../base/batch.ts"
import { assertInvariant } from "../base/errors.ts"
import { storage, type Sql } from "../base/sql.ts"
import { instant, systemClock, type Clock, type Instant } from "../base/time.ts"
import { WeekProfiles } from "./demand/learn-demand.ts"
import { defaultRule, nextPromiseChange, promiseOf, type PromiseInput, type PromiseRule } from "./promise.ts"
import { readPromiseInputs, type PromiseQuestion, type PromiseRow } from "./demand/promise-inputs.ts"
import { promiseOfParts, type MadeOfParts } from "./parts/promise-of-parts.ts"
import { partsOf, togetherOf, type Part } from "./parts/read-parts.ts"

export type AvailabilityQuestion = PromiseQuestion

/** A place whose own system sells the article, and how much is known of it. */
export interface AvailabilitySource {
  locationId: string
  heardAt: Instant
  ageMs: number
  /** What it sells an hour that we do not see at once. */
  milliPerHour: number
  dispersion: number
}

/** Units on hand and units that may be promised, with every part. A SKU that never had a movement has zeros and `isKnown: false`. */
export interface Availability {
  sku: string
  channel?: string
  locationId?: string
  isKnown: boolean
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  /** Declared for channel, place or SKU. */
  declaredBufferMilli: number
  /** Held back: the demand that sources may have seen since they were heard, or the declared buffer if that is more. */
  bufferMilli: number
  /** What sources probably sold since they were heard. */
  expectedMilli: number
  /** Withheld because a source is silent. */
  withheldMilli: number
  backorderLimitMilli: number
  availableToPromiseMilli: number
  asOf: Instant
  /** Time since the last report of the location that has been silent longest; null when a location never reported. */
  freshnessAgeMs: number | null
  sources: AvailabilitySource[]
  /** The costs that the buffer weighs, and what follows from silence. */
  rule: PromiseRule
  /** When the promise changes next by age alone. */
  nextChangeAt?: Instant
  /** Rises with every change of this availability, so that a publisher can detect an old result. */
  version: number
  /** Of a kit or a sales unit without stock of its own: its parts, and which of them limits it. */
  madeOf?: MadeOfParts
}

export interface AvailabilityReader {
  /** Returns results in the order of the questions, all read at the same moment. */
  query(questions: readonly AvailabilityQuestion[]): Promise<Availability[]>
  /**
   * Units without a reservation, per SKU and location that ever had stock. Negative where a count left less than is
   * reserved. Calls made at the same time share a round trip.
   */
  freeByLocation(skus: readonly string[]): Promise<Map<string, Map<string, number>>>
}

/** Reads availability. The rule is declared per channel; channels without one use the default. */
export function createAvailability(
  sql: Sql,
  {
    ruleOf = () => defaultRule,
    clock = systemClock,
  }: { ruleOf?: (channel: string | undefined) => PromiseRule; clock?: Clock } = {},
): AvailabilityReader {
  const profiles = new WeekProfiles(sql)
  const shelves = new Batcher<readonly string[], Map<string, Map<string, number>>>({
    flush: (questions) => storage(() => readShelves(sql, questions)),
    sizeMax: 200,
    queueMax: 10_000,
  })
  const ask = async (questions: readonly AvailabilityQuestion[]): Promise<Answered> => {
    const nowMs = clock.now()
    const weeks = await profiles.all(nowMs)
    const rules = questions.map(({ channel }) => ruleOf(channel))
    const rows = await readPromiseInputs(sql, { questions, rules, weeks, nowMs })
    const answers = questions.map((question, index) => {
      const [row, rule] = [rows[index], rules[index]]
      assertInvariant(row !== undefined && rule !== undefined, `nothing was read of ${question.sku}`)
      return toAvailability(question, row, { rule, nowMs })
    })
    return { answers, hasParts: rows.map(({ hasParts }) => hasParts) }
  }
  return {
    freeByLocation: (skus) => shelves.add(skus),
    query: async (questions) => {
      if (questions.length === 0) return []
      const { answers, hasParts } = await ask(questions)
      if (!hasParts.includes(true)) return answers
      return withMadeOfParts(sql, { answers, hasParts }, async (asked) => (await ask(asked)).answers)
    },
  }
}

/** Answers in the order of the questions, and which of them are of articles without stock of their own. */
interface Answered {
  answers: Availability[]
  hasParts: boolean[]
}

/** The same answers, with the promises of kits and sales units from those of their parts. */
async function withMadeOfParts(
  sql: Sql,
  { answers, hasParts }: Answered,
  ask: (questions: readonly AvailabilityQuestion[]) => Promise<Availability[]>,
): Promise<Availability[]> {
  const made = answers.filter((_, n) => hasParts[n])
  const parts = await partsOf(
    sql,
    made.map(({ sku }) => sku),
  )
  const pooled = new Set(made.filter(({ locationId }) => locationId === undefined).map(({ sku }) => sku))
  const questions = made.flatMap(({ sku, channel, locationId }) =>
    (parts.get(sku) ?? []).map((part) => ({
      sku: part.sku,
      ...(channel === undefined ? {} : { channel }),
      ...(locationId === undefined ? {} : { locationId }),
    })),
  )
  const [promises, together] = await Promise.all([
    questions.length === 0 ? [] : ask(questions),
    togetherOf(sql, new Map([...parts].filter(([sku]) => pooled.has(sku)))),
  ])
  let next = 0
  return answers.map((answer, n) => {
    const of: readonly Part[] = (hasParts[n] && parts.get(answer.sku)) || []
    // What it is made of was taken back meanwhile.
    if (of.length === 0) return answer
    const each = of.flatMap((part) => {
      const promise = promises[next++]
      return promise ? [{ part, promise }] : []
    })
    const { sku, channel, locationId } = answer
    return {
      ...promiseOfParts(each, locationId === undefined ? together.get(sku) : undefined),
      sku,
      ...(channel === undefined ? {} : { channel }),
      ...(locationId === undefined ? {} : { locationId }),
    }
  })
}

/** Number of reservations that still hold units at each location, i.e. the parcels it has yet to send. */
export async function openParcelsByLocation(sql: Sql): Promise<Map<string, number>> {
  const rows = await storage(
    () => sql<{ location: string; count: number }[]>`
    select location_id as location, count(distinct reservation_id) as count from stock_reservation_lines
    where held_milli > 0 and location_id <> '' group by 1`,
  )
  return new Map(rows.map(({ location, count }) => [location, count]))
}

async function readShelves(sql: Sql, questions: readonly (readonly string[])[]) {
  const rows = await sql<{ sku: string; location: string; free: number }[]>`
    select sku, location_id as location, on_hand_milli - reserved_milli as free from stock_positions
    where sku = any(${[...new Set(questions.flat())]}) and location_id not like '%/%'`
  const bySku = Map.groupBy(rows, (row) => row.sku)
  return questions.map(
    (skus) =>
      new Map(skus.map((sku) => [sku, new Map((bySku.get(sku) ?? []).map(({ location, free }) => [location, free]))])),
  )
}

function toAvailability(
  question: AvailabilityQuestion,
  row: PromiseRow,
  { rule, nowMs }: { rule: PromiseRule; nowMs: number },
): Availability {
  const { isKnown, version, asOf, freshnessAgeMs, silentNextMs, hasParts: _hasParts, ...input } = row
  const { sources: _all, silentMilli: _silent, ...parts } = input
  const nextMs = earlier(nextPromiseChange(input, rule, nowMs), silentNextMs)
  return {
    ...question,
    isKnown,
    ...parts,
    ...promiseOf(input, rule, nowMs),
    asOf,
    freshnessAgeMs,
    sources: sourcesOf(input, nowMs),
    rule,
    ...(nextMs === undefined ? {} : { nextChangeAt: instant(nextMs) }),
    version,
  }
}

function sourcesOf({ sources }: PromiseInput, nowMs: number): AvailabilitySource[] {
  return sources.map(({ locationId, heardMs, unitsPerHour, dispersion }) => ({
    locationId,
    heardAt: instant(heardMs),
    ageMs: Math.max(Math.round(nowMs - heardMs), 0),
    milliPerHour: Math.round(unitsPerHour * 1000),
    dispersion: Math.round(dispersion * 100) / 100,
  }))
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return Math.min(one, other)
}

/** How many SKUs there are, lie somewhere, are reserved for somebody. Quantities of different SKUs are never added: their units differ. */
export interface StockCounts {
  skus: number
  onHand: number
  reserved: number
}

export async function readStockCounts(sql: Sql): Promise<StockCounts> {
  const [row] = await storage(
    () => sql<StockCounts[]>`
      select count(*) as skus, count(*) filter (where on_hand_milli > 0) as "onHand",
        count(*) filter (where reserved_milli > 0) as reserved from stock_skus`,
  )
  return row ?? { skus: 0, onHand: 0, reserved: 0 }
}
