import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { derivedId } from "../../base/ids.ts"
import { minorDigits, money, moneyToDecimal, splitMoney, type Money } from "../../base/money.ts"
import { quantityToDecimal, type Quantity } from "../../base/quantity.ts"
import type { BusinessDate } from "../../base/time.ts"
import type { Order, OrderCharge, OrderLine } from "../../canonical/order.ts"
import { own } from "../../base/lookup.ts"
import { dayText } from "../../protocols/odata-v2.ts"
import type { RoutedLine } from "../../ports/capabilities/goods.ts"
import type { PricingElement, SalesOrderBody, SalesOrderItemBody } from "./payloads.ts"
import type { SapSettings } from "./settings.ts"

/** One item of the sales order: the part of a line that one plant delivers. */
export interface ItemPlan {
  lineReference: string
  plant: string
  quantity: Quantity
  body: SalesOrderItemBody
}

/**
 * The deep insert of an order, in the shop's currency, because that is the company code's.
 *
 * Prices are net; charged tax is a separate tax condition and is never recomputed. Every condition is the amount for
 * the item's whole quantity, so that the document's value is exact and shrinks in proportion when units are removed.
 */
export function salesOrderBody(
  order: Order,
  routing: readonly RoutedLine[],
  options: { key: string; settings: SapSettings; businessDate: BusinessDate },
): SalesOrderBody {
  const { key, settings, businessDate } = options
  return {
    SalesOrderType: settings.salesOrderType,
    SalesOrganization: settings.salesOrganization,
    DistributionChannel: settings.distributionChannel,
    OrganizationDivision: settings.division,
    SoldToParty: settings.soldToParty,
    PurchaseOrderByCustomer: key,
    AssignmentReference: cut(order.number, 18),
    SalesOrderDate: dayText(businessDate),
    TransactionCurrency: order.currency.shop,
    to_PricingElement: { results: headerConditions(order, settings) },
    to_Text: {
      results: order.notes
        ? [{ Language: settings.language, LongTextID: settings.noteTextId, LongText: order.notes }]
        : [],
    },
    to_Item: { results: itemPlans(order, routing, settings).map((plan) => plan.body) },
  }
}

/** The items an order must have: one for each location that ships a line. Lines that an edit has emptied have none. */
export function itemPlans(order: Order, routing: readonly RoutedLine[], settings: SapSettings): ItemPlan[] {
  return order.lines.flatMap((line) => {
    if (line.quantity.milli === 0) return []
    const routed = routing.filter((part) => part.lineId === line.id)
    const parts = routed.length > 0 ? routed : [{ quantity: line.quantity, locationId: undefined }]
    const share = (whole: Money) =>
      splitMoney(
        whole,
        parts.map((part) => part.quantity.milli),
      )
    const net = share(netOf(line, order))
    const taxes = share(taxOf(line, order))
    return parts.map(({ quantity, locationId }, index) => {
      const plant = plantOf(locationId, settings)
      const amounts = { net: net[index] ?? zero(order), tax: taxes[index] ?? zero(order) }
      return {
        lineReference: lineReference(line.id),
        plant,
        quantity,
        body: itemBody(line, { plant, quantity, ...amounts, settings }),
      }
    })
  })
}

function itemBody(
  line: OrderLine,
  part: { plant: string; quantity: Quantity; net: Money; tax: Money; settings: SapSettings },
): SalesOrderItemBody {
  const { settings, quantity } = part
  const condition = (type: string, amount: Money): PricingElement => ({
    ConditionType: type,
    ...rateFor(amount, quantity),
    ConditionCurrency: amount.currency,
  })
  return {
    // SAP keeps material numbers in upper case.
    Material: line.sku.toUpperCase(),
    SalesOrderItemText: cut(line.title, 40),
    PurchaseOrderByCustomer: lineReference(line.id),
    RequestedQuantity: quantityToDecimal(quantity),
    // Pieces use the material's own sales unit. Weights need an explicit unit, otherwise SAP reads them as pieces.
    ...(quantity.unit !== "ea" && { RequestedQuantityUnit: quantity.unit.toUpperCase() }),
    ProductionPlant: part.plant,
    to_PricingElement: {
      results: [
        condition(settings.conditions.price, part.net),
        ...(part.tax.amountMinor === 0 ? [] : [condition(settings.conditions.tax, part.tax)]),
      ],
    },
  }
}

/**
 * Shipping, tips, duties and cash rounding belong to the whole order, and so do their taxes. SAP spreads them over the items
 * so that they sum to the amount, provided that the condition types are group conditions.
 */
function headerConditions(order: Order, settings: SapSettings): PricingElement[] {
  const { conditions } = settings
  const element = (type: string, amount: Money): PricingElement => ({
    ConditionType: type,
    ConditionRateValue: moneyToDecimal(amount),
    ConditionCurrency: amount.currency,
  })
  const elements = order.charges.map((charge) => element(conditionOf(charge, conditions), netOf(charge, order)))
  const taxMinor = order.charges.reduce((sum, charge) => sum + taxOf(charge, order).amountMinor, 0)
  if (taxMinor !== 0) elements.push(element(conditions.tax, money(taxMinor, order.currency.shop)))
  elements.push(element(conditions.rounding, order.cashRounding.shop))
  return elements.filter((one) => !/^-?0(\.0*)?$/.test(one.ConditionRateValue))
}

/** A credit is a fee with a minus, unless the tenant has a condition type of its own for it. */
function conditionOf({ kind }: OrderCharge, conditions: SapSettings["conditions"]): string {
  return kind === "credit" ? (conditions.credit ?? conditions.fee) : conditions[kind]
}

function zero(order: Order): Money {
  return money(0, order.currency.shop)
}

function taxOf(part: OrderLine | OrderCharge, order: Order): Money {
  return money(
    part.taxes.reduce((sum, tax) => sum + tax.amount.shop.amountMinor, 0),
    order.currency.shop,
  )
}

/** The net charge of the part, whether its price includes tax or not. */
function netOf(part: OrderLine | OrderCharge, order: Order): Money {
  return money(part.total.shop.amountMinor - taxOf(part, order).amountMinor, order.currency.shop)
}

// ConditionRateValue has up to 9 decimals (decimal 24.9), and ConditionQuantity is a whole number.
const rateDigits = 9n

/** A rate that gives exactly this amount for this quantity. For whole quantities: the amount, per that quantity. */
function rateFor(amount: Money, quantity: Quantity): { ConditionRateValue: string; ConditionQuantity: string } {
  if (quantity.milli % 1000 === 0)
    return { ConditionRateValue: moneyToDecimal(amount), ConditionQuantity: String(quantity.milli / 1000) }
  const scale = rateDigits - BigInt(minorDigits(amount.currency))
  const numerator = BigInt(amount.amountMinor) * 1000n * 10n ** scale
  const milli = BigInt(quantity.milli)
  const half = numerator < 0n ? -milli / 2n : milli / 2n
  const digits = ((numerator + half) / milli).toString()
  const sign = digits.startsWith("-") ? "-" : ""
  const padded = digits.replace("-", "").padStart(Number(rateDigits) + 1, "0")
  return {
    ConditionRateValue: `${sign}${padded.slice(0, -Number(rateDigits))}.${padded.slice(-Number(rateDigits))}`,
    ConditionQuantity: "1",
  }
}

/** The line's id where it fits the field, otherwise an id derived from it. */
export function lineReference(lineId: string): string {
  return lineId.length <= 35 ? lineId : derivedId("line", lineId)
}

/** The plant of a location. VENDOR_REJECTED when the connection's `plants` do not have it, so that a person adds it. */
export function plantOf(locationId: string | undefined, settings: SapSettings): string {
  if (locationId === undefined) return settings.defaultPlant
  const plant = own(settings.plants, locationId)
  if (plant === undefined)
    throw new AppError("VENDOR_REJECTED", `no plant is configured for the location ${locationId}`, {
      problems: [{ pointer: "/plants", message: `add ${locationId} to the connection's plants` }],
    })
  return plant
}
