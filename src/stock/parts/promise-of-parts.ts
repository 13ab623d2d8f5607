import { assertInvariant } from "../../base/errors.ts"
import type { Instant } from "../../base/time.ts"
import type { Part } from "./read-parts.ts"

/** The figures of a promise that follow from those of its parts. */
interface Figures {
  isKnown: boolean
  onHandMilli: number
  reservedMilli: number
  safetyStockMilli: number
  declaredBufferMilli: number
  bufferMilli: number
  expectedMilli: number
  withheldMilli: number
  backorderLimitMilli: number
  availableToPromiseMilli: number
  freshnessAgeMs: number | null
  nextChangeAt?: Instant
  version: number
}

/** How much of one part there is for an article made of it. */
interface PartPromise {
  sku: string
  /** Of the part, in one piece of the article. */
  milli: number
  /** What may be promised of the part. */
  availableToPromiseMilli: number
  /** Whole pieces of the article that this is enough for. */
  enoughForMilli: number
}

/** Why an article without stock of its own has the promise it has. */
export interface MadeOfParts {
  parts: PartPromise[]
  /** The part that limits the promise. */
  limitedBy: string
  /** Pieces that cannot be put together because their parts lie at different places: a kit leaves from one. */
  apartMilli: number
}

interface Each<Answer> {
  part: Part
  /** What may be promised of the part, at the same place and for the same channel. */
  promise: Answer
}

/**
 * The promise of a kit or a sales unit: as many whole ones as its scarcest part is enough for, rounded down. Its own shelf does not count,
 * whatever was booked there.
 *
 * A pool promises no more than stands together at single places, because a kit leaves from one (docs/decisions/kits-and-units.md). The
 * figures of the sum are those of the part that limits, in pieces of the article.
 */
export function promiseOfParts<Answer extends Figures>(
  of: readonly Each<Answer>[],
  togetherMilli: number = Number.POSITIVE_INFINITY,
): Answer & { madeOf: MadeOfParts } {
  const each = of.map(({ part, promise }) => ({ part, promise, enoughForMilli: wholes(promise, part) }))
  const [first, ...others] = each
  assertInvariant(first !== undefined, "an article is made of nothing")
  const scarcest = others.reduce((least, one) => (one.enoughForMilli < least.enoughForMilli ? one : least), first)
  const availableToPromiseMilli = Math.min(scarcest.enoughForMilli, togetherMilli)
  const { promise, part } = scarcest
  const down = (milli: number) => Math.floor((milli * 1000) / part.milli)
  const up = (milli: number) => Math.ceil((milli * 1000) / part.milli)
  const ages = of.map((one) => one.promise.freshnessAgeMs)
  const { nextChangeAt: _ofOne, ...rest } = promise
  const [nextChangeAt] = of.flatMap((one) => one.promise.nextChangeAt ?? []).toSorted()
  return {
    // The rest of the answer is the limiting part's: its sources and the channel's rule.
    ...(rest as Answer),
    isKnown: of.every((one) => one.promise.isKnown),
    onHandMilli: down(promise.onHandMilli),
    reservedMilli: up(promise.reservedMilli),
    safetyStockMilli: up(promise.safetyStockMilli),
    declaredBufferMilli: up(promise.declaredBufferMilli),
    bufferMilli: up(promise.bufferMilli),
    expectedMilli: up(promise.expectedMilli),
    withheldMilli: up(promise.withheldMilli),
    backorderLimitMilli: down(promise.backorderLimitMilli),
    availableToPromiseMilli,
    freshnessAgeMs: ages.includes(null) ? null : Math.max(...ages.map((age) => age ?? 0)),
    ...(nextChangeAt === undefined ? {} : { nextChangeAt }),
    version: of.reduce((sum, one) => sum + one.promise.version, 0),
    madeOf: {
      parts: each.map((one) => ({
        ...one.part,
        availableToPromiseMilli: one.promise.availableToPromiseMilli,
        enoughForMilli: one.enoughForMilli,
      })),
      limitedBy: part.sku,
      apartMilli: scarcest.enoughForMilli - availableToPromiseMilli,
    },
  }
}

function wholes({ availableToPromiseMilli }: Figures, { milli }: Part): number {
  return Math.floor(availableToPromiseMilli / milli) * 1000
}
