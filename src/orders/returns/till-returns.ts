import { derivedId } from "../../base/ids.ts"
import { newEvent, type EventData } from "../../canonical/events.ts"
import type { Order, OrderLine } from "../../canonical/order.ts"
import type { Ref } from "../../canonical/refs.ts"
import { saleRef } from "../../canonical/sales/events.ts"
import { lineMinor } from "../../canonical/sales/receipt-law.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import type { EventLog, StoredEvent } from "../../eventlog/event-log.ts"
import type { OrderAccounts } from "../accounts.ts"

type Sold = EventData<"sale.recorded">

interface Books {
  accounts: Pick<OrderAccounts, "claimBack" | "read">
  eventLog: Pick<EventLog, "append">
  /** An order with the SKUs that the stock knows. */
  orderOf: (orderId: string) => Promise<Order | undefined>
  /** The SKUs that the stock knows of articles as a till calls them. */
  ours: (named: readonly { system: string; article: string }[]) => Promise<string[]>
}

/** A line of a receipt that takes goods of an order back; of them so many thousandths. */
interface TakenBack {
  event: StoredEvent & { data: Sold }
  line: ReceiptLine
  orderId: string
  milli: number
  /** Tells a later try from the first, which was not granted. */
  again?: string
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
 * What tills take back of orders by their receipts, claimed on the order's account, so that a unit comes back once, whether at a till or by
 * a return. Both are safe to repeat.
 */
export function tillReturns(books: Books) {
  return {
    /** How much was granted, in thousandths; `partOf`: the kit or sales unit of the order that has such goods in it. */
    async claim(taken: TakenBack): Promise<{ grantedMilli: number; partOf?: string }> {
      const isGivenFor = lineMinor(taken.line) > 0
      const { claims, partOf } = await claim(books, taken, isGivenFor)
      const back = claims.filter(({ receivedMilli }) => receivedMilli > 0)
      if (back.length > 0) await books.eventLog.append(returnedEvent(taken, back))
      const grantedMilli = claims.reduce((sum, one) => sum + (isGivenFor ? one.creditedMilli : one.receivedMilli), 0)
      return { grantedMilli, ...(partOf === undefined ? {} : { partOf }) }
    },
    /** What a receipt had claimed is not back after all: it was voided. */
    async giveBack(of: { orderId: string; receipt: Ref; at: string }): Promise<void> {
      const voided = await claimsOf(books, of)
      if (voided.length > 0) await books.eventLog.append(voidedEvent(of, voided))
    },
  }
}

/** Over all lines of the order with these goods: a receipt does not say which of them it means. */
async function claim(
  { accounts, orderOf, ours }: Books,
  taken: TakenBack,
  isGivenFor: boolean,
): Promise<{ claims: Claimed[]; partOf?: string }> {
  const { event, line, orderId, milli: wantedMilli, again } = taken
  const article = line.sku ?? ""
  const [sku = article] = await ours([{ system: event.source, article }])
  const order = await orderOf(orderId)
  const lines = order?.lines.filter((one) => isSold(one, { sku, unit: line.unit })) ?? []
  const claims: Claimed[] = []
  let restMilli = wantedMilli
  for (const { id: lineId, quantity } of lines) {
    if (restMilli === 0) break
    const { unit } = quantity
    const key = derivedId("tb", event.fact, line.lineId, lineId, ...(again === undefined ? [] : [again]))
    const wanted = { orderId, lineId, quantity: { milli: restMilli, unit }, isGivenFor, by: saleRefOf(event) }
    const { receivedMilli, creditedMilli } = await accounts.claimBack(wanted, key)
    claims.push({ lineId, unit, receivedMilli, creditedMilli, key })
    restMilli -= receivedMilli
  }
  // A part of a kit is no unit of the order, so nothing of it is claimed.
  const of = lines.length > 0 ? undefined : order?.lines.find(({ components = [] }) => hasPart(components, sku))
  return { claims, ...(of ? { partOf: of.sku } : {}) }
}

/** One can of a line that sold a case of them is not what the line sold, though both have one SKU. */
function isSold({ sku, quantity, components }: OrderLine, back: { sku: string; unit: string }): boolean {
  return sku === back.sku && (components === undefined || quantity.unit === back.unit)
}

const hasPart = (components: readonly { sku: string }[], sku: string) => components.some((one) => one.sku === sku)

const saleRefOf = (event: TakenBack["event"]) => saleRef(event.data.receipt)

/** Where the goods are says the receipt, and the stock books them by it. */
function returnedEvent({ event, line, orderId, again }: TakenBack, back: readonly Claimed[]) {
  const { receipt } = event.data
  const where = line.returned?.disposition ?? "sell here"
  return newEvent({
    type: "goods.returned",
    fact: `crossdock:till:${event.fact}:${line.lineId}${again === undefined ? "" : `:${derivedId("again", again)}`}`,
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

type Voided = EventData<"goods.return-voided">["lines"][number]

/** The claims of a receipt that count, by the line of the order. */
async function claimsOf({ accounts }: Books, of: { orderId: string; receipt: Ref }): Promise<Voided[]> {
  const { claims } = await accounts.read(of.orderId)
  return claims
    .filter(({ by, kind, state }) => {
      return by === of.receipt && (kind === "receipt" || kind === "return") && (state === "open" || state === "settled")
    })
    .map(({ key, kind, part: lineId, amount: milli, unit }) => {
      const quantity = { milli, unit }
      return kind === "return" ? { lineId, quantity, claim: key } : { lineId, quantity, receipt: key }
    })
}

/** The store gave the goods out again and took the money: its own stock is booked by the receipt of the void. */
function voidedEvent({ orderId, receipt, at }: { orderId: string; receipt: Ref; at: string }, lines: Voided[]) {
  const keys = lines.map(({ claim, receipt: key }) => claim ?? key ?? "")
  return newEvent({
    type: "goods.return-voided",
    fact: `crossdock:till:${derivedId("void", receipt, ...keys)}`,
    source: "crossdock:returns of tills",
    time: at,
    data: { orderId, of: receipt, lines, at },
  })
}
