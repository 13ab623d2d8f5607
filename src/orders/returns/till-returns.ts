import { derivedId } from "../../base/ids.ts"
import { money, moneyText } from "../../base/money.ts"
import { newEvent, type EventData } from "../../canonical/events.ts"
import type { Order } from "../../canonical/order.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import { numberText } from "../../canonical/sales/receipt-law.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { EventLog, StoredEvent } from "../../eventlog/event-log.ts"
import type { Subscriber } from "../../eventlog/subscriber.ts"
import type { OrderAccounts } from "../accounts.ts"

type Sold = EventData<"sale.recorded">

interface Books {
  accounts: Pick<OrderAccounts, "claimBack">
  eventLog: Pick<EventLog, "append">
  /** An order with the SKUs that the stock knows. */
  orderOf: (orderId: string) => Promise<Order | undefined>
  /** The SKUs that the stock knows of articles as a till calls them. */
  ours: (named: readonly { system: string; article: string }[]) => Promise<string[]>
}

/** A line of a receipt that takes goods of an order back. */
interface TakenBack {
  event: StoredEvent
  line: ReceiptLine
  orderId: string
}

/** What the order's account made of units on one of its lines, in thousandths. */
interface Claimed {
  lineId: string
  unit: string
  receivedMilli: number
  creditedMilli: number
  key: string
}

/**
 * Claims on an order's account what tills take back of it by their receipts, so that a unit comes back once, whether at a till or by a
 * return. The goods lie in the store and the buyer has the money in any case; what the account does not grant is told as a loss. A line that
 * names a return is that return's: the till asked for it, and it claims by itself.
 */
export function tillReturns(books: Books): Subscriber {
  return {
    name: "returns of tills",
    types: ["sale.recorded"],
    batchSizeMax: 500,
    async handle(events) {
      for (const taken of events.flatMap(takenBack)) await take(books, taken)
      return []
    },
  }
}

function takenBack(event: StoredEvent): TakenBack[] {
  const { lines = [] } = (event.data as Sold).receipt
  return lines.flatMap((line) => {
    const { as = "goods", quantityMilli, returned } = line
    if (as !== "goods" || quantityMilli >= 0 || returned?.orderId === undefined || returned.returnId !== undefined)
      return []
    return [{ event, line, orderId: returned.orderId }]
  })
}

async function take(books: Books, taken: TakenBack): Promise<void> {
  const wantedMilli = -taken.line.quantityMilli
  const isGivenFor = givenMinor(taken.line, wantedMilli) > 0
  const claims = await claim(books, taken, { wantedMilli, isGivenFor })
  const back = claims.filter(({ receivedMilli }) => receivedMilli > 0)
  if (back.length > 0) await books.eventLog.append(returnedEvent(taken, back))
  const granted = claims.reduce((sum, one) => sum + (isGivenFor ? one.creditedMilli : one.receivedMilli), 0)
  if (granted < wantedMilli) await books.eventLog.append(loss(taken, wantedMilli - granted))
}

/** Over all lines of the order with these goods: a receipt does not say which of them it means. */
async function claim(
  { accounts, orderOf, ours }: Books,
  taken: TakenBack,
  { wantedMilli, isGivenFor }: { wantedMilli: number; isGivenFor: boolean },
): Promise<Claimed[]> {
  const { event, line, orderId } = taken
  const article = line.sku ?? ""
  const [sku = article] = await ours([{ system: event.source, article }])
  const lines = (await orderOf(orderId))?.lines.filter((one) => one.sku === sku) ?? []
  const claims: Claimed[] = []
  let restMilli = wantedMilli
  for (const { id: lineId, quantity } of lines) {
    if (restMilli === 0) break
    const { unit } = quantity
    const key = derivedId("tb", event.fact, line.lineId, lineId)
    const wanted = { orderId, lineId, quantity: { milli: restMilli, unit }, isGivenFor, by: saleRefOf(event) }
    const { receivedMilli, creditedMilli } = await accounts.claimBack(wanted, key)
    claims.push({ lineId, unit, receivedMilli, creditedMilli, key })
    restMilli -= receivedMilli
  }
  return claims
}

const saleRefOf = (event: StoredEvent) => saleRef((event.data as Sold).receipt)

/** Where the goods are says the receipt, and the stock books them by it. */
function returnedEvent({ event, line, orderId }: TakenBack, back: readonly Claimed[]) {
  const { receipt } = event.data as Sold
  const where = line.returned?.disposition ?? "sell here"
  return newEvent({
    type: "goods.returned",
    fact: `crossdock:till:${event.fact}:${line.lineId}`,
    source: "crossdock:returns of tills",
    time: receipt.endedAt,
    data: {
      orderId,
      of: saleRefOf(event),
      ...(where === "gone" ? {} : { locationId: receipt.storeId }),
      disposition: where === "gone" ? "not restocked" : where === "sell here" ? "back in stock" : "set aside",
      lines: back.map(({ lineId, unit, receivedMilli: milli, creditedMilli, key }) => ({
        lineId,
        quantity: { milli, unit },
        ...(creditedMilli > 0 ? { claim: `${key}:c` } : {}),
        receipt: key,
      })),
      at: receipt.endedAt,
    },
  })
}

/** What the till gave for units of which the buyer had the money already, or that had never left. */
function loss({ event, line, orderId }: TakenBack, overMilli: number) {
  const { receipt } = event.data as Sold
  const lost = money(givenMinor(line, overMilli), receipt.currency)
  const exceptionId = derivedId("till-back", event.fact, line.lineId)
  const cause = "unit was given back before"
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:till:${exceptionId}`,
    source: "crossdock:returns of tills",
    time: receipt.endedAt,
    data: {
      exceptionId,
      about: saleRefOf(event),
      cause,
      summary: `${numberText(receipt)} took back ${overMilli / 1000} × ${line.sku ?? line.text ?? line.lineId} of order ${orderId}, which had been given back before or had never left. The till gave ${moneyText(lost)} for it.`,
      doneSoFar: ["kept the receipt", "the goods are in the store's stock as the receipt says"],
      ifNobodyActs: "the buyer has the money twice",
      allowedActions: ["acknowledge"],
      owner: "finance",
      atRisk: lost,
      because: { kind: "data", operation: cause, value: `${receipt.storeId}/${receipt.tillId}`.slice(0, 200) },
      at: receipt.endedAt,
    },
  })
}

/** The part of what a line gave, tax included, for so many of its units. */
function givenMinor({ amountMinor, quantityMilli, discounts = [], taxes = [] }: ReceiptLine, milli: number): number {
  const added = taxes.filter(({ isIncluded }) => !isIncluded)
  const sum = (parts: readonly { amountMinor: number }[]) => parts.reduce((total, one) => total + one.amountMinor, 0)
  const given = Math.abs(amountMinor + sum(added) - sum(discounts))
  return Number((BigInt(given) * BigInt(milli)) / BigInt(Math.abs(quantityMilli)))
}
