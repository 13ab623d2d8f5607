import { money } from "../../src/base/money.ts"
import { orderIdOf } from "../../src/base/ids.ts"
import { pieces } from "../../src/base/quantity.ts"
import { orderProblems } from "../../src/canonical/order-invariants.ts"
import type { Order } from "../../src/canonical/order.ts"
import type { MoneyPair } from "../../src/canonical/parts.ts"
import type { RoutedLine } from "../../src/ports/capabilities/goods.ts"

export interface Sample {
  /** Tells orders apart; the same number makes the same order. */
  number: number
  currency?: string
  email?: string
  skus?: readonly string[]
  channel?: string
}

/** A sound order with two lines and shipping, whose amounts follow from its number. */
export function sampleOrder(sample: Sample): Order {
  const currency = sample.currency ?? "EUR"
  const channel = sample.channel ?? "laws"
  const pair = (amountMinor: number): MoneyPair => ({
    shop: money(amountMinor, currency),
    presentment: money(amountMinor, currency),
  })
  const skus = sample.skus ?? ["LAW-1", "LAW-2"]
  const lines = skus.map((sku, index) => {
    const amountMinor = 1_190 + ((sample.number * 7_919 + index * 613) % 900) * 10
    return {
      id: String(index + 1),
      sku,
      title: `Law book ${index + 1}`,
      quantity: pieces(index + 1),
      gross: pair(amountMinor),
      discounts: [],
      taxes: [{ title: "NL VAT 21%", ratePercent: "21", amount: pair(Math.round((amountMinor * 21) / 121)) }],
      total: pair(amountMinor),
      fulfilment: { method: "ship" as const },
    }
  })
  const total = lines.reduce((sum, line) => sum + line.total.shop.amountMinor, 490)
  const at = "2026-11-20T10:00:00.000Z"
  const order: Order = {
    id: orderIdOf(channel, String(sample.number)),
    channel,
    externalId: String(sample.number),
    number: `#L${sample.number}`,
    version: at,
    placedAt: at,
    currency: { shop: currency, presentment: currency },
    taxesIncluded: true,
    customer: { email: sample.email ?? "ada+accept@example.com", name: "Ada Jansen" },
    shippingAddress: {
      name: "Ada Jansen",
      line1: "Coolsingel 40",
      postalCode: "3011 AD",
      city: "Rotterdam",
      countryCode: "NL",
    },
    lines,
    charges: [
      { id: "s1", kind: "shipping", title: "Post", gross: pair(490), discounts: [], taxes: [], total: pair(490) },
    ],
    cashRounding: pair(0),
    total: pair(total),
    tenders: [
      { id: "t1", kind: "card", provider: "stripe", state: "pending", amount: pair(total), reference: "pm_card_visa" },
    ],
    references: [],
  }
  const problems = orderProblems(order)
  if (problems.length > 0) throw new Error(`the sample order is not sound: ${JSON.stringify(problems)}`)
  return order
}

/** Everything from one place. */
export function routedTo(order: Order, locationId: string): RoutedLine[] {
  return order.lines.map((line) => ({ lineId: line.id, sku: line.sku, quantity: line.quantity, locationId }))
}
