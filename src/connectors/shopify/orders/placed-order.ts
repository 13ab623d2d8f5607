import { cut } from "../../../base/text.ts"
import { pieces } from "../../../base/quantity.ts"
import type { Problem } from "../../../base/errors.ts"
import { money, moneyToDecimal } from "../../../base/money.ts"
import { orderIdOf } from "../../../base/ids.ts"
import { chargedMinor } from "../../../canonical/order-invariants.ts"
import type { Order, OrderCharge, OrderLine } from "../../../canonical/order.ts"
import type { MoneyPair } from "../../../canonical/parts.ts"
import {
  addPairs,
  negatePair,
  type Attribute,
  type Snapshot,
  type SnapshotCharge,
  type SnapshotLine,
} from "../payloads.ts"

/** Conventions of the shop's theme and apps. */
export interface ShopConventions {
  /** Line property with the store where the buyer collects the line, because webhooks carry no delivery method. */
  pickupProperty: string
  /** Line property with the components of a kit, as `2 x SKU-1, 1 x SKU-2`. */
  componentsProperty: string
}

export type View = "shop" | "presentment"
export const views: readonly View[] = ["shop", "presentment"]

/** Builds a pair by computing each side. */
export function pairOf(snapshot: Snapshot, amountMinor: (view: View) => number): MoneyPair {
  const { currency } = snapshot
  return {
    shop: money(amountMinor("shop"), currency.shop),
    presentment: money(amountMinor("presentment"), currency.presentment),
  }
}

export interface Placing {
  channel: string
  conventions: ShopConventions
  problems: Problem[]
}

/**
 * The order as it was sold, whatever has happened since: `quantity`, never `current_quantity`. Tenders have facts of
 * their own, because webhooks carry no transactions and the states of tenders change.
 */
export function placedOrder(snapshot: Snapshot, placing: Placing): Order {
  const lines = linesAsPlaced(snapshot, placing)
  return orderOf(snapshot, lines, { ...placing, version: snapshot.createdAt })
}

/** An order of these lines, with the charges, addresses and texts of a snapshot. */
export function orderOf(snapshot: Snapshot, lines: OrderLine[], placing: Placing & { version: string }): Order {
  const charges = chargesOf(snapshot, lines)
  const parts = [...lines, ...charges].map((part) => part.total)
  const notes = notesOf(snapshot)
  return {
    id: orderId(placing.channel, snapshot.id),
    channel: placing.channel,
    externalId: snapshot.id,
    number: snapshot.name,
    version: placing.version,
    placedAt: snapshot.createdAt,
    currency: snapshot.currency,
    taxesIncluded: snapshot.taxesIncluded,
    customer: customerOf(snapshot, placing.channel),
    ...(snapshot.billingAddress && { billingAddress: snapshot.billingAddress }),
    ...(snapshot.shippingAddress && { shippingAddress: snapshot.shippingAddress }),
    ...(snapshot.poNumber !== undefined && { customerReference: snapshot.poNumber }),
    ...(notes !== "" && { notes }),
    lines,
    charges,
    cashRounding: snapshot.cashRounding,
    total: addPairs([...parts, snapshot.cashRounding], snapshot.currency),
    tenders: [],
    references: [{ system: placing.channel, type: "order", id: snapshot.id }],
  }
}

export function orderId(channel: string, externalId: string): string {
  return orderIdOf(channel, externalId)
}

/**
 * A line that a later edit added is not marked. When the snapshot has the order's original value, the oldest lines that
 * sum to it are the original ones. Webhooks do not have that value.
 */
function linesAsPlaced(snapshot: Snapshot, placing: Placing): OrderLine[] {
  const lines = snapshot.lines.map((line, index) => orderLine(snapshot, line, { ...placing, index }))
  const { originalTotal } = snapshot
  if (!originalTotal || originalTotal.presentment.amountMinor === snapshot.total.presentment.amountMinor) return lines
  const oldestFirst = [...lines].sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1))
  for (let count = lines.length - 1; count > 0; count--) {
    const kept = new Set(oldestFirst.slice(0, count).map((line) => line.id))
    const chosen = lines.filter((line) => kept.has(line.id))
    const worth = addPairs(
      [...chosen, ...chargesOf(snapshot, chosen)].map((part) => part.total),
      snapshot.currency,
    )
    if (views.every((view) => worth[view].amountMinor === originalTotal[view].amountMinor)) return chosen
  }
  return lines
}

export function orderLine(snapshot: Snapshot, line: SnapshotLine, placing: Placing & { index: number }): OrderLine {
  const gross = pairOf(snapshot, (view) => line.price[view].amountMinor * line.quantity)
  const components = componentsOf(line, placing)
  const { id, title, discounts, taxes } = line
  const built: OrderLine = {
    id,
    sku: line.sku,
    title,
    quantity: pieces(line.quantity),
    unitPriceText: moneyToDecimal(line.price.presentment),
    gross,
    discounts: discounts.filter(isNotZero),
    taxes,
    total: gross,
    fulfilment: fulfilmentOf(line, placing.conventions),
    ...(components.length > 0 && { components }),
    ...(line.isGiftCard && { isGiftCard: true }),
  }
  return withTotal(snapshot, built)
}

/** The buyer's charge for the part, in both currencies. */
export function withTotal<Part extends OrderLine | OrderCharge>(snapshot: Snapshot, part: Part): Part {
  return { ...part, total: pairOf(snapshot, (view) => chargedMinor(part, view, snapshot.taxesIncluded)) }
}

function isNotZero({ amount }: { amount: MoneyPair }): boolean {
  return amount.shop.amountMinor !== 0 || amount.presentment.amountMinor !== 0
}

function attribute(attributes: readonly Attribute[], name: string): string | undefined {
  return attributes.find((candidate) => candidate.name === name)?.value
}

function fulfilmentOf(line: SnapshotLine, conventions: ShopConventions): OrderLine["fulfilment"] {
  if (!line.requiresShipping) return { method: "digital" }
  const locationId = attribute(line.attributes, conventions.pickupProperty)
  return locationId ? { method: "pickup", locationId } : { method: "ship" }
}

function componentsOf(line: SnapshotLine, placing: Placing & { index: number }): NonNullable<OrderLine["components"]> {
  const text = attribute(line.attributes, placing.conventions.componentsProperty)
  if (text === undefined) return []
  return text.split(",").flatMap((part) => {
    const match = /^\s*(\d{1,6})\s*x\s+(\S.{0,63}?)\s*$/.exec(part)
    if (match?.[1] !== undefined && match[2] !== undefined)
      return [{ sku: match[2], quantity: pieces(Number(match[1]) * line.quantity) }]
    placing.problems.push({
      pointer: `/line_items/${placing.index}/properties`,
      message: `"${part}" does not have the form "2 x SKU" of a kit's component`,
    })
    return []
  })
}

function chargesOf(snapshot: Snapshot, lines: readonly OrderLine[]): OrderCharge[] {
  const kept = new Set(lines.map((line) => line.id))
  const duties = snapshot.lines.filter((line) => kept.has(line.id)).flatMap((line) => line.duties)
  const charges = [
    ...snapshot.shippingLines.map((line) => charge(snapshot, "shipping", line)),
    ...duties.map((duty) => charge(snapshot, "duty", duty)),
  ]
  if (snapshot.tip.shop.amountMinor === 0 && !snapshot.tip.presentment?.amountMinor) return charges
  const tip: SnapshotCharge = { id: "tip", title: "Tip", price: tipOf(snapshot, charges), taxes: [], discounts: [] }
  return [...charges, charge(snapshot, "tip", tip)]
}

function charge(snapshot: Snapshot, kind: OrderCharge["kind"], part: SnapshotCharge): OrderCharge {
  const { title, price, taxes } = part
  const discounts = part.discounts.filter(isNotZero)
  const id = kind === "tip" ? part.id : `${kind}-${part.id}`
  return withTotal(snapshot, { id, kind, title: cut(title, 200), gross: price, discounts, taxes, total: price })
}

/** Webhooks give the tip in the shop's currency only. In the buyer's it is the total without everything else. */
function tipOf(snapshot: Snapshot, charges: readonly OrderCharge[]): MoneyPair {
  const { shop, presentment } = snapshot.tip
  if (presentment) return { shop, presentment }
  if (snapshot.currency.shop === snapshot.currency.presentment) return { shop, presentment: shop }
  const priced = snapshot.lines.map((line) =>
    pairOf(snapshot, (view) => {
      const discounts = line.discounts.reduce((sum, discount) => sum + discount.amount[view].amountMinor, 0)
      const taxes = line.taxes.reduce((sum, tax) => sum + tax.amount[view].amountMinor, 0)
      return line.price[view].amountMinor * line.quantity - discounts + (snapshot.taxesIncluded ? 0 : taxes)
    }),
  )
  const rest = addPairs([...priced, ...charges.map((part) => part.total)], snapshot.currency)
  return { shop, presentment: addPairs([snapshot.total, negatePair(rest)], snapshot.currency).presentment }
}

function customerOf(snapshot: Snapshot, system: string): Order["customer"] {
  const { id, ...known } = snapshot.customer
  return { ...(id !== undefined && { reference: { system, type: "customer", id } }), ...known }
}

/** The buyer's note, and the line properties of the shop's theme (gift messages and the like), one per line. */
function notesOf(snapshot: Snapshot): string {
  const asked = snapshot.attributes
    .filter(({ name }) => name !== "" && !name.startsWith("_"))
    .map(({ name, value }) => `${name}: ${value}`)
  return cut([...(snapshot.note === undefined ? [] : [snapshot.note]), ...asked].join("\n"), 5000)
}
