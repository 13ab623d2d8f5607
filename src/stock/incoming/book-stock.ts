import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import type { EventData } from "../../canonical/events.ts"
import { placeInState } from "../../canonical/stock/states.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../../eventlog/subscriber.ts"
import type { Articles } from "../articles/articles.ts"
import type { MovementResult, StockLedger, StockMovement } from "../stock-ledger.ts"
import { insideOf, type StockEquation } from "./equation.ts"

type Counted = EventData<"stock.counted">
type Moved = EventData<"stock.moved">

/** A booked event and what it did. */
export interface Booked {
  event: StoredEvent
  movement: StockMovement
  result: MovementResult
}

interface StockBooks {
  ledger: Pick<StockLedger, "applyMovements">
  articles: Pick<Articles, "ours">
  /** What each connection's word means, as the estate declares it. */
  equations: Readonly<Record<string, StockEquation>>
  /** Tells people what cannot be booked, whoever tells it again: the article has no stock of its own. */
  refused: (event: StoredEvent, of: { sku: string; told: string; why: string }) => Promise<unknown>
  /** Hears of everything that was looked at, after it is booked. May be told again. */
  after?: (events: readonly StoredEvent[], booked: readonly Booked[]) => Promise<void>
}

/**
 * Books what other systems tell of stock, under the SKUs that their articles stand for. A movement has the fact of its event, so an
 * event that comes again changes nothing, and the ledger ends in the same position in whatever order they come.
 */
export function stockSubscriber(books: StockBooks): Subscriber {
  return {
    name: "stock",
    types: ["stock.counted", "stock.moved"],
    async handle(events) {
      try {
        return await book(books, events)
      } catch (thrown) {
        // The ledger books a whole batch or nothing. After a refusal, book one by one, so that one refused does not delay the others.
        if (thrown instanceof AppError && thrown.kind === "unavailable") throw thrown
        return bookSingly(books, events)
      }
    },
  }
}

async function book(books: StockBooks, events: readonly StoredEvent[]): Promise<Failure[]> {
  // A mapping counts for what is booked after it was set.
  const named = events.map(({ source: system, data }) => ({ system, article: (data as Counted | Moved).sku }))
  const skus = await books.articles.ours(named)
  const wanted = events.flatMap((event, place) => {
    const movement = movementOf(event, skus[place] ?? "", own(books.equations, event.source) ?? {})
    if (!movement) return []
    const isOurs = event.source.startsWith("crossdock:")
    return [{ event, movement: isOurs ? { ...movement, isFeed: false as const } : movement }]
  })
  const results = await books.ledger.applyMovements(wanted.map(({ movement }) => movement))
  const booked = wanted.flatMap(({ event, movement }, index) => {
    const result = results[index]
    return result ? [{ event, movement, result }] : []
  })
  await books.after?.(events, booked)
  // A count of nothing is what stands there.
  const refused = booked.filter(({ movement }) => movement.kind !== "count" || movement.countedMilli !== 0)
  for (const { event, movement, result } of refused)
    if ("problems" in result) {
      const [{ message: why } = { message: "" }] = result.problems
      await books.refused(event, { sku: movement.sku, told: toldText(movement), why })
    }
  return booked.flatMap(({ event, result }) => {
    if (!("conflict" in result)) return []
    const message = `${event.fact} was already booked with different content`
    return [{ event, error: new AppError(result.conflict, message) }]
  })
}

async function bookSingly(books: StockBooks, events: readonly StoredEvent[]): Promise<Failure[]> {
  const failed = new Map<string, Failure>()
  for (const event of events) {
    if (failed.has(event.key)) continue
    const failures = await book(books, [event]).catch((error: unknown) => [{ event, error }])
    for (const failure of failures) failed.set(event.key, failure)
  }
  return [...failed.values()]
}

/** What an event does to the ledger; undefined when another fact does it. */
function movementOf(event: StoredEvent, sku: string, equation: StockEquation): StockMovement | undefined {
  const { fact } = event
  if (event.type === "stock.counted") {
    const counted = event.data as Counted
    const { locationId, countedMilli, countedAt } = counted
    return { fact, kind: "count", sku, locationId, countedMilli, countedAt, ...insideOf(counted, equation) }
  }
  const moved = event.data as Moved
  // What leaves for an order of ours is booked with its shipment, and what a system has not the last word on, with another's.
  if (moved.orderId !== undefined || equation.tells?.includes(moved.movement) === false) return undefined
  return { ...placesMoved(moved), fact, sku, ...(moved.reason === undefined ? {} : { reason: moved.reason }) }
}

/** `40 counted at wh-berlin` */
function toldText(movement: StockMovement): string {
  const { kind, locationId } = movement
  if (kind === "count") return `${movement.countedMilli / 1000} counted at ${locationId}`
  return `a ${kind} of ${movement.milli / 1000} at ${locationId}`
}

/** The movement in the ledger's words: states are places of their own, and what is on its way is one of them. */
function placesMoved({ movement, locationId, state, toLocationId, toState, milli, movedAt: occurredAt }: Moved) {
  const here = placeInState(locationId, state)
  const transfer = (from: string, to: string) => {
    return { kind: "transfer" as const, locationId: from, toLocationId: to, milli, occurredAt }
  }
  switch (movement) {
    case "transfer shipped":
      return transfer(here, placeInState(toLocationId ?? "", "in-transit"))
    case "transfer received":
      return transfer(placeInState(locationId, "in-transit"), here)
    case "change of state":
      return transfer(here, placeInState(locationId, toState))
    default:
      return { kind: movement, locationId: here, milli, occurredAt }
  }
}
