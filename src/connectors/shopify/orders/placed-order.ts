import { pieces } from "../../../base/quantity.ts"
import type { Problem } from "../../../base/errors.ts"
import { orderIdOf } from "../../../base/ids.ts"
import { cut } from "../../../base/text.ts"
import type { Order, OrderLine } from "../../../canonical/order.ts"
import { textMax, type MoneyPair, type Property } from "../../../canonical/parts.ts"
import { addPairs, optional, type SnapshotLine } from "../payloads.ts"
import { isNotZero, partsOf, roundingOf, views, withTotal, type Parts, type Sold } from "./charges.ts"

/** Conventions of the shop's theme and apps. */
export interface ShopConventions {
  /** Line property with the store where the buyer collects the line, because webhooks carry no delivery method. */
  pickupProperty: string
  /** Line property with the components of a kit, as `2 x SKU-1, 1 x SKU-2`. */
  componentsProperty: string
}

export interface Placing {
  channel: string
  conventions: ShopConventions
  /** Our location for each number of the shop's. */
  places: ReadonlyMap<string, string>
  problems: Problem[]
}

/**
 * The order as it was sold, whatever has happened since: `quantity`, never `current_quantity`. Tenders have facts of
 * their own, because webhooks carry no transactions and the states of tenders change.
 */
export function placedOrder(sold: Sold, placing: Placing): Order {
  const parts = partsOf(sold)
  const lines = linesAsPlaced(sold, parts, placing)
  const stated = sold.content.originalTotal ?? sold.content.total
  return orderOf(sold, { lines, parts, stated, version: sold.createdAt }, placing)
}

/** An order of these lines, with the charges, addresses and texts of a snapshot. `stated` is what it has to sum to, without cash rounding. */
export function orderOf(
  sold: Sold,
  { lines, parts, stated, version }: { lines: OrderLine[]; parts: Parts; stated: MoneyPair; version: string },
  placing: Placing,
): Order {
  const { content } = sold
  const known = parts.chargesOf(lines)
  const made = addPairs(
    [...lines, ...known].map((part) => part.total),
    sold.currency,
  )
  const charges = [...known, ...roundingOf(sold, { stated, made })]
  return {
    id: orderIdOf(placing.channel, sold.id),
    channel: placing.channel,
    externalId: sold.id,
    number: cut(sold.name, textMax),
    version,
    placedAt: sold.createdAt,
    currency: sold.currency,
    taxesIncluded: sold.taxesIncluded,
    customer: customerOf(sold, placing.channel),
    ...(content.billingAddress && { billingAddress: content.billingAddress }),
    ...(content.shippingAddress && { shippingAddress: content.shippingAddress }),
    ...detailsOf(sold, placing),
    lines,
    charges,
    cashRounding: content.cashRounding,
    total: addPairs([...[...lines, ...charges].map((part) => part.total), content.cashRounding], sold.currency),
    tenders: [],
    references: [{ system: placing.channel, type: "order", id: sold.id }],
  }
}

/** What a retailer needs further on and no sum depends on. */
function detailsOf({ content, isTest }: Sold, { places }: Placing) {
  const { poNumber, paymentTerms, taxExempt, tags, attributes, source } = content
  const notes = notesOf(content)
  const { place } = source
  return {
    ...optional("customerReference", poNumber === undefined ? undefined : cut(poNumber, textMax)),
    ...(paymentTerms && { paymentTerms }),
    ...(taxExempt && { taxExempt }),
    ...(source.name !== undefined && {
      source: { ...source, name: source.name, ...optional("place", place && (places.get(place) ?? place)) },
    }),
    ...(tags.length > 0 && { tags: tags.slice(0, 250) }),
    ...(attributes.length > 0 && { properties: attributes.slice(0, 250) }),
    ...(isTest && { isTest }),
    ...(notes !== "" && { notes }),
  }
}

/**
 * A line that a later edit added is not marked. When the snapshot has the order's original value, the oldest lines that
 * sum to it are the original ones. Webhooks do not have that value.
 */
function linesAsPlaced(sold: Sold, parts: Parts, placing: Placing): OrderLine[] {
  const lines = parts.lines.map((line, index) => orderLine(sold, line, { ...placing, index }))
  const { originalTotal, total } = sold.content
  if (!originalTotal || originalTotal.presentment.amountMinor === total.presentment.amountMinor) return lines
  const oldestFirst = [...lines].sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1))
  for (let count = lines.length - 1; count > 0; count--) {
    const kept = new Set(oldestFirst.slice(0, count).map((line) => line.id))
    const chosen = lines.filter((line) => kept.has(line.id))
    const worth = addPairs(
      [...chosen, ...parts.chargesOf(chosen)].map((part) => part.total),
      sold.currency,
    )
    if (views.every((view) => worth[view].amountMinor === originalTotal[view].amountMinor)) return chosen
  }
  return lines
}

export function orderLine(sold: Sold, line: SnapshotLine, placing: Placing & { index: number }): OrderLine {
  const components = componentsOf(line, placing)
  const { id, title, discounts, taxes, gross, attributes } = line
  const references = referencesOf(line, placing.channel)
  const built: OrderLine = {
    id,
    sku: line.sku,
    title,
    quantity: pieces(line.quantity),
    ...optional("unitPriceText", line.unitPriceText),
    gross,
    discounts: discounts.filter(isNotZero),
    taxes,
    total: gross,
    fulfilment: fulfilmentOf(sold, line, placing.conventions),
    ...(components.length > 0 && { components }),
    ...(line.isGiftCard && { isGiftCard: true }),
    ...(attributes.length > 0 && { properties: attributes.slice(0, 100) }),
    ...(references.length > 0 && { references }),
  }
  return withTotal(sold, built)
}

function referencesOf({ variantId, productId }: SnapshotLine, system: string): NonNullable<OrderLine["references"]> {
  return [
    ...(variantId === undefined ? [] : [{ system, type: "variant", id: variantId }]),
    ...(productId === undefined ? [] : [{ system, type: "product", id: productId }]),
  ]
}

function attribute(attributes: readonly Property[], name: string): string | undefined {
  return attributes.find((candidate) => candidate.name === name)?.value
}

/** Whether a line is to be shipped is what Shopify says of it, not what kind of product it is: gift cards exist on paper, too. */
function fulfilmentOf(sold: Sold, line: SnapshotLine, conventions: ShopConventions): OrderLine["fulfilment"] {
  if (!line.requiresShipping) return { method: "digital" }
  const locationId = attribute(line.attributes, conventions.pickupProperty)
  if (locationId) return { method: "pickup", locationId: cut(locationId, 64) }
  return isOverTheCounter(sold) ? { method: "handed over" } : { method: "ship" }
}

/** A till's order that nobody's address is on: the buyer left with the goods. */
function isOverTheCounter({ content: { shippingAddress, source } }: Sold): boolean {
  return !shippingAddress && (source.name === "pos" || source.place !== undefined)
}

function componentsOf(line: SnapshotLine, placing: Placing & { index: number }): NonNullable<OrderLine["components"]> {
  const text = attribute(line.attributes, placing.conventions.componentsProperty)
  if (text === undefined || line.quantity === 0) return []
  return text.split(",").flatMap((part) => {
    const match = /^\s*(\d{1,6})\s*x\s+(\S.{0,254}?)\s*$/.exec(part)
    if (match?.[1] !== undefined && match[2] !== undefined)
      return [{ sku: match[2], quantity: pieces(Number(match[1]) * line.quantity) }]
    placing.problems.push({
      pointer: `/line_items/${placing.index}/properties`,
      message: `"${part}" does not have the form "2 x SKU" of a kit's component`,
    })
    return []
  })
}

function customerOf({ content: { customer } }: Sold, system: string): Order["customer"] {
  const { id, company, ...known } = customer
  return {
    ...(id !== undefined && { reference: { system, type: "customer", id } }),
    ...known,
    ...(company && {
      company: {
        name: cut(company.name ?? "", textMax),
        reference: { system, type: "company", id: company.id },
        ...optional("location", company.location),
      },
    }),
  }
}

/** The buyer's note, and the attributes of the shop's theme (gift messages and the like), one per line. */
function notesOf({ note, attributes }: Sold["content"]): string {
  const asked = attributes
    .filter(({ name }) => name !== "" && !name.startsWith("_"))
    .map(({ name, value }) => `${name}: ${value}`)
  return cut([...(note === undefined ? [] : [note]), ...asked].join("\n"), 5000)
}
