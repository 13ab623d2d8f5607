import { AppError } from "../../base/errors.ts"
import type { EventData } from "../../canonical/events.ts"
import { placeInState, type StockState } from "../../canonical/stock/states.ts"
import type { MadeOf, SoldAs } from "../../canonical/stock/made-of.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import { movesStock } from "../../canonical/sales/snapshot.ts"
import type { StoredEvent } from "../../eventlog/event-log.ts"
import type { Failure, Subscriber } from "../../eventlog/subscriber.ts"
import type { TakenApart } from "../parts/read-parts.ts"
import type { Articles } from "../articles/articles.ts"
import { movementsMax, type StockLedger, type StockMovement } from "../stock-ledger.ts"

type Sold = EventData<"sale.recorded">

const stateOf: Readonly<Record<string, StockState>> = {
  inspect: "in-inspection",
  damaged: "damaged",
  blocked: "blocked",
}

/**
 * Books what tills sell and take back at the store's place: of a kit or a sales unit the goods that it is made of. A line is booked once under
 * its receipt, so an event that comes again changes nothing, also when the kit is made of other goods by then. Goods handed over for an order
 * of ours are booked with its shipment; those that come back of one are what the order was taken apart into.
 *
 * How much a packing is that its product does not have, nobody knows: the line waits for the product, and then for a person.
 */
export function salesSubscriber(books: SalesBooks): Subscriber {
  return {
    name: "stock of sales",
    types: ["sale.recorded"],
    batchSizeMax: 500,
    // Several receipts share a statement; channels see it within the second all the same.
    gathersMs: 100,
    async handle(events) {
      const lines = events.flatMap((event) => linesOf(event).map((line) => ({ event, line })))
      const skus = await books.articles.ours(
        lines.map(({ event, line }) => ({ system: event.source, article: line.sku ?? "" })),
      )
      const moved = lines.map((one, n) => ({ ...one, sku: skus[n] ?? one.line.sku ?? "" }))
      const { made, unknownUnits } = await books.takeApart(moved.map(soldAs))
      const now = new Map(made.map((one) => [nameOf(one), one]))
      const unknown = new Map(unknownUnits.map((one) => [nameOf(one), one]))
      const failures: Failure[] = []
      const booked: StockMovement[][] = []
      for (const one of moved) {
        const ofOrder = await madeOfOrder(books, one)
        const unit = ofOrder ? undefined : unknown.get(nameOf(soldAs(one)))
        if (unit) failures.push({ event: one.event, error: unknownUnit(one.event, unit) })
        else booked.push(takenApart(movementOf(one.event, one), ofOrder ?? now.get(nameOf(soldAs(one)))))
      }
      await bookWhole(books, booked)
      return [...new Map(failures.map((one) => [one.event.fact, one])).values()]
    },
  }
}

interface SalesBooks {
  ledger: Pick<StockLedger, "applyMovements">
  articles: Pick<Articles, "ours">
  /** What kits and sales units are made of: a till that sells one takes its parts off the shelf. */
  takeApart: (sold: readonly SoldAs[]) => Promise<TakenApart>
  /** What the kits and sales units of an order were made of when it was reserved. */
  madeOf: (orderId: string) => Promise<readonly MadeOf[]>
  /** Which of these facts the ledger has. */
  known: (facts: readonly string[]) => Promise<ReadonlySet<string>>
}

interface Moved {
  event: StoredEvent
  line: ReceiptLine
  sku: string
}

const soldAs = ({ sku, line: { unit } }: Pick<Moved, "sku" | "line">): SoldAs => ({ sku, unit })
const nameOf = ({ sku, unit }: SoldAs) => `${unit}/${sku}`

async function madeOfOrder({ madeOf }: SalesBooks, one: Moved): Promise<MadeOf | undefined> {
  const { orderId } = one.line.returned ?? {}
  if (orderId === undefined || one.line.quantityMilli > 0) return undefined
  return (await madeOf(orderId)).find((made) => nameOf(made) === nameOf(soldAs(one)))
}

function unknownUnit(event: StoredEvent, { sku, unit, units }: TakenApart["unknownUnits"][number]): AppError {
  const known = units.length === 0 ? "it has no units" : `its units are ${units.join(", ")}`
  return new AppError("STOCK_UNKNOWN", `${event.fact}: nobody knows how much a "${unit}" of ${sku} is; ${known}`)
}

/** Numbered and not named after its parts: a line that comes again after the kit changed is the same line. */
function takenApart(movement: StockMovement & { milli: number }, made: MadeOf | undefined): StockMovement[] {
  if (!made) return [movement]
  return made.parts.map(({ sku, milli }, n) => ({
    ...movement,
    fact: n === 0 ? movement.fact : `${movement.fact}:${n + 1}`,
    sku,
    milli: Math.ceil((milli * movement.milli) / 1000),
  }))
}

/** Lines are booked whole, so that the first part of one says whether it was: by now it may have more of them. */
async function bookWhole({ ledger, known }: SalesBooks, lines: readonly StockMovement[][]): Promise<void> {
  const ofParts = lines.flatMap(([first, ...others]) => (first && others.length > 0 ? [first.fact] : []))
  const booked = ofParts.length > 0 ? await known(ofParts) : new Set<string>()
  const open = lines.filter(([first]) => first && !booked.has(first.fact))
  let next: StockMovement[] = []
  for (const line of open) {
    if (next.length + line.length > movementsMax) {
      await ledger.applyMovements(next)
      next = []
    }
    next.push(...line)
  }
  await ledger.applyMovements(next)
}

function linesOf(event: StoredEvent): ReceiptLine[] {
  const { lines = [] } = (event.data as Sold).receipt
  return lines.filter(movesStock)
}

function movementOf(event: StoredEvent, { line, sku }: { line: ReceiptLine; sku: string }) {
  const { storeId, endedAt } = (event.data as Sold).receipt
  const { lineId, quantityMilli, returned } = line
  const isBack = quantityMilli < 0
  return {
    fact: `${event.fact}:${lineId}`,
    kind: isBack ? ("return" as const) : ("sale" as const),
    sku,
    locationId: isBack ? placeInState(storeId, stateOf[returned?.disposition ?? ""]) : storeId,
    milli: Math.abs(quantityMilli),
    occurredAt: endedAt,
  }
}
