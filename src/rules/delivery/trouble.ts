import { durationMs, epochMs, type Duration } from "../../base/time.ts"
import {
  attemptsOf,
  endOf,
  expectedAtMs,
  hasDecided,
  isDeliveryInDoubt,
  lastNewsMs,
  leftAtMs,
  timesOf,
  toldOf,
  whereIs,
  type Parcel,
  type TroubleKind,
} from "./parcel.ts"

/** What a retailer expects of deliveries. */
export interface DeliveryTerms {
  /** From leaving the location to the buyer, where the carrier gives no date of its own. */
  deliverWithin: Duration
  /** How long after that, or after the carrier's date, people are told. */
  tellLateAfter: Duration
  /** A parcel of which nothing is told for so long is presumed lost. */
  presumedLostAfter: Duration
  /** How long a parcel may lie ready for collection before people are told. */
  collectWithin: Duration
  /** People are told when the carrier has tried so often. */
  attemptsMax: number
  /** When a person chose to wait, how long until they are asked again. */
  askAgainAfter: Duration
}

/** Why people are told of a parcel now. `round` tells repeats of one kind apart. */
export interface Trouble {
  kind: TroubleKind
  round: number
}

/** The gravest trouble of a parcel as far as people have not decided about it; at most one is open at a time. */
export function troubleOf(
  parcel: Parcel,
  { nowMs, terms }: { nowMs: number; terms: DeliveryTerms },
): Trouble | undefined {
  const told = reported(parcel, terms).find((trouble) => !isDecided(parcel, trouble))
  if (told || endOf(parcel) !== undefined) return told
  // Of two deadlines that passed, the graver counts: they are in that order.
  return deadlines(parcel, terms).find(({ atMs }) => atMs <= nowMs)
}

/** The next moment at which a parcel gets into trouble unless something is told before. */
export function nextDeadlineMs(parcel: Parcel, { nowMs, terms }: { nowMs: number; terms: DeliveryTerms }): number {
  if (endOf(parcel) !== undefined) return Infinity
  return Math.min(...deadlines(parcel, terms).map(({ atMs }) => (atMs > nowMs ? atMs : Infinity)))
}

/** Troubles that follow from what was told, gravest first. */
function reported(parcel: Parcel, { attemptsMax }: DeliveryTerms): Trouble[] {
  const end = endOf(parcel)
  if (end === "came back") return [{ kind: "parcel came back", round: 1 }]
  const damages = timesOf(parcel, "damaged")
  const damaged: Trouble[] = damages > 0 ? [{ kind: "carrier reports damage", round: 1 }] : []
  if (end === "delivered")
    return hasDecided(parcel, "treat as lost") ? [{ kind: "lost parcel arrived", round: 1 }, ...damaged] : damaged
  if (end !== undefined) return []
  const failures = timesOf(parcel, "delivery failed")
  const attempts = attemptsOf(parcel)
  const losses = timesOf(parcel, "lost")
  const troubles: (Trouble | false)[] = [
    isDeliveryInDoubt(parcel) && { kind: "delivered to whom", round: 1 },
    losses > 0 && { kind: "carrier lost it", round: losses },
    ...damaged,
    timesOf(parcel, "returning to sender") > 0 && { kind: "parcel is coming back", round: 1 },
    (failures > 0 || attempts >= attemptsMax) && { kind: "carrier could not deliver", round: failures + attempts },
  ]
  return troubles.filter((trouble) => trouble !== false)
}

/** Moments at which somebody is told of a parcel that is on its way; each decision to wait moves them. */
function deadlines(parcel: Parcel, terms: DeliveryTerms): (Trouble & { atMs: number })[] {
  const waits = parcel.decided.filter(({ action }) => action === "wait on")
  const waitsUntilMs = Math.max(-Infinity, ...waits.map(({ at }) => epochMs(at) + durationMs(terms.askAgainAfter)))
  const deadline = (kind: TroubleKind, atMs: number) => {
    return { kind, round: waits.length + 1, atMs: Math.max(atMs, waitsUntilMs) }
  }
  const ready = whereIs(parcel) === "ready for collection" && toldOf(parcel, "ready for collection")[0]
  // What lies ready is not late any more: the buyer has it in hand.
  if (ready) return [deadline("parcel is not collected", epochMs(ready.at) + durationMs(terms.collectWithin))]
  const promisedMs = expectedAtMs(parcel) ?? leftAtMs(parcel) + durationMs(terms.deliverWithin)
  return [
    deadline("parcel is presumed lost", lastNewsMs(parcel) + durationMs(terms.presumedLostAfter)),
    deadline("parcel is late", promisedMs + durationMs(terms.tellLateAfter)),
  ]
}

function isDecided({ decided }: Parcel, { kind, round }: Trouble): boolean {
  return decided.some((one) => one.kind === kind && one.round >= round)
}
