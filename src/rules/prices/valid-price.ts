import { epochMs, instant, type Instant } from "../../base/time.ts"
import { sellTypes, type Price, type PriceQuestion, type PriceScope } from "../../canonical/catalogue/price.ts"
import { holds } from "../../canonical/catalogue/validity.ts"

/** A price of an article with the name of its record. `layer` is `override` for a declared deviation from the owner. */
export interface PriceRecord extends Price {
  record: string
  /** The system that said it. */
  source: string
  layer: "owned" | "override"
  /** When it was said. */
  at?: Instant
}

/** A record that was looked at, and what came of it. */
export interface Considered {
  record: string
  source: string
  type: Price["type"]
  outcome: string
}

/** The price that holds, why, and until when nothing changes. */
export interface ValidPrice {
  price: PriceRecord | undefined
  why: string
  considered: Considered[]
  /** The next moment at which another price may hold. */
  changesAt: Instant | undefined
  /** Records that were equal in everything that decides; the newest of them was taken. */
  ambiguous: string[]
}

/** Of prices of one rank the special one counts before the ordinary one. */
const typeOrder: readonly string[] = ["staff", "sale", "tier", "base"]

/**
 * Which price a buyer pays at a moment. In this order: an override, the higher rank, the special type, the narrower scope, the higher
 * quantity step, the later beginning; of equal ones the one that was said last. Never another price type than those that buyers pay, never another currency.
 */
export function validPrice(
  records: readonly PriceRecord[],
  question: Omit<PriceQuestion, "at"> & { atMs: number },
): ValidPrice {
  const considered: Considered[] = []
  const note = ({ record, source, type }: PriceRecord, outcome: string) =>
    considered.push({ record, source, type, outcome })
  const fitting = records.filter((record) => {
    const why = misfit(record, question)
    if (why !== undefined) note(record, why)
    return why === undefined
  })
  const [best, ...others] = fitting.filter((one) => holds(one.validity, question.atMs)).sort(byPrecedence)
  for (const one of fitting) if (!holds(one.validity, question.atMs)) note(one, "does not hold at this moment")
  for (const one of others) note(one, best ? `stands behind: ${reasonOver(best, one)}` : "")
  if (best) note(best, "holds")
  return {
    price: best,
    why: best ? whyOf(best, others[0]) : "no price holds: nothing may be sold at a price that nobody set",
    considered,
    changesAt: nextBoundary(fitting, question.atMs),
    ambiguous: best
      ? others.filter((one) => criteria.every((of) => of(best) === of(one))).map(({ record }) => record)
      : [],
  }
}

/** The next beginning or end of some prices after a moment: what is computed once for it is right until then. */
export function nextBoundary(records: readonly Pick<PriceRecord, "validity">[], atMs: number): Instant | undefined {
  const edges = records.flatMap(({ validity: { from, until } }) =>
    [from, until].flatMap((edge) => (edge === undefined ? [] : [epochMs(edge)])),
  )
  const next = Math.min(...edges.filter((edge) => edge > atMs))
  return Number.isFinite(next) ? instant(next) : undefined
}

function misfit(record: PriceRecord, question: Omit<PriceQuestion, "at">): string | undefined {
  if (!sellTypes.some((type) => type === record.type)) return `${record.type} is no price that buyers pay`
  if (record.amount.currency !== question.currency) return `is in ${record.amount.currency}`
  if (record.type === "staff" && record.scope.group === undefined) return "a staff price names its group"
  const { scope } = record
  for (const key of ["market", "channel", "location", "group", "unit"] as const)
    if (scope[key] !== undefined && scope[key] !== question[key]) return `is for ${key} ${scope[key]}`
  if (scope.unit === undefined && question.unit !== undefined) return "is for the base unit"
  if (scope.minMilli !== undefined && (question.milli ?? 1000) < scope.minMilli) return "is for a larger quantity"
  return undefined
}

const narrowness = ({ market, channel, location, group }: PriceScope) =>
  [market, channel, location, group].filter((one) => one !== undefined).length

/** What decides between two prices that both hold, in order; the larger number comes first. */
const criteria: readonly ((record: PriceRecord) => number)[] = [
  ({ layer }) => (layer === "override" ? 1 : 0),
  ({ rank = 0 }) => rank,
  ({ type }) => -typeOrder.indexOf(type),
  ({ scope }) => narrowness(scope),
  ({ scope: { minMilli = 0 } }) => minMilli,
  ({ validity: { from } }) => (from === undefined ? -Infinity : epochMs(from)),
]

const criterionWords = [
  "it is a declared override",
  "its rank is higher",
  "its type counts before the other's",
  "its scope is narrower",
  "it is for a larger quantity",
  "it began later",
] as const

const saidMs = ({ at }: PriceRecord) => (at === undefined ? 0 : epochMs(at))

function byPrecedence(one: PriceRecord, other: PriceRecord): number {
  for (const of of criteria) if (of(one) !== of(other)) return of(other) > of(one) ? 1 : -1
  if (saidMs(one) !== saidMs(other)) return saidMs(other) - saidMs(one)
  // Equal in everything: by name, so that the same records always give the same price.
  return `${one.source}/${one.record}` < `${other.source}/${other.record}` ? -1 : 1
}

function reasonOver(best: PriceRecord, other: PriceRecord): string {
  const place = criteria.findIndex((of) => of(best) !== of(other))
  const byName = "all else is equal, and its name comes first"
  const words = criterionWords[place] ?? (saidMs(best) === saidMs(other) ? byName : "it was said later")
  return `${best.record}: ${words}`
}

function whyOf(best: PriceRecord, second: PriceRecord | undefined): string {
  const { until } = best.validity
  const end = until === undefined ? "" : `, until ${until}`
  const scope = Object.entries(best.scope).map(([key, value]) => `${key} ${value}`)
  const where = scope.length === 0 ? "everywhere" : `for ${scope.join(", ")}`
  const over = second
    ? `; counts before ${second.record}, because ${reasonOver(best, second).slice(best.record.length + 2)}`
    : ""
  return `${best.type} price ${best.record} of ${best.source} holds ${where}${end}${over}`
}
