import type { Order, OrderCharge, OrderLine } from "../../canonical/order.ts"
import { taxMinor } from "../../canonical/order-invariants.ts"
import type { Address } from "../../canonical/parts.ts"
import { own } from "../../base/lookup.ts"
import { houseAddress } from "../../protocols/house-http.ts"
import type { QuoteRequest } from "./payloads.ts"

export interface TaxSettings {
  homeAddress?: Address
  defaultTaxCode?: string
  taxCodesBySku?: Record<string, string>
}

/**
 * The quote request of an order: every line and charge after discounts, in the shop's currency. Ids in the request are
 * positions, because a line and a charge may have the same id.
 */
export function quoteFor(order: Order, settings: TaxSettings): QuoteRequest {
  const address = houseAddress(order, settings.homeAddress)
  // The protocol has one basis for all lines. Where an order mixes two, every amount is stated without its tax.
  const bases = new Set([...order.lines, ...order.charges].map((part) => part.taxesIncluded ?? order.taxesIncluded))
  const amountMinor = bases.size > 1 ? netMinor : afterDiscountsMinor
  const lines = order.lines.map((line, index) => ({
    lineId: `line-${index}`,
    taxCode: taxCodeOfLine(line, settings),
    amountMinor: amountMinor(line),
  }))
  const charges = order.charges.map((charge, index) => ({
    lineId: `charge-${index}`,
    taxCode: taxCodeOfCharge(charge, settings),
    amountMinor: amountMinor(charge),
  }))
  const [basis = order.taxesIncluded] = bases
  return {
    reference: order.id,
    currency: order.currency.shop,
    taxesIncluded: bases.size > 1 ? false : basis,
    shipTo: {
      ...(address.countryCode ? { countryCode: address.countryCode } : {}),
      postalCode: address.postalCode,
      ...(address.region ? { region: address.region } : {}),
    },
    lines: [...lines, ...charges],
  }
}

function afterDiscountsMinor(part: OrderLine | OrderCharge): number {
  return part.discounts.reduce((rest, discount) => rest - discount.amount.shop.amountMinor, part.gross.shop.amountMinor)
}

function netMinor(part: OrderLine | OrderCharge): number {
  return part.total.shop.amountMinor - taxMinor(part, "shop")
}

function taxCodeOfLine(line: OrderLine, settings: TaxSettings): string {
  // A gift card sold is a multi-purpose voucher: tax falls on what is bought with it. Directive (EU) 2016/1065, art. 30b.
  if (line.isGiftCard) return "zero"
  return own(settings.taxCodesBySku ?? {}, line.sku) ?? settings.defaultTaxCode ?? "standard"
}

function taxCodeOfCharge(charge: OrderCharge, settings: TaxSettings): string {
  if (charge.kind === "shipping") return "shipping"
  // A tip is not a payment for goods, and the shop does not tax duties a second time.
  return charge.kind === "fee" ? (settings.defaultTaxCode ?? "standard") : "zero"
}
