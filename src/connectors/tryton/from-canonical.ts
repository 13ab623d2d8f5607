import { cut } from "../../base/text.ts"
import { AppError } from "../../base/errors.ts"
import { minorDigits, money, moneyToDecimal, type Money } from "../../base/money.ts"
import { quantityToDecimal, type Quantity } from "../../base/quantity.ts"
import type { BusinessDate } from "../../base/time.ts"
import type { Order, OrderCharge, OrderLine } from "../../canonical/order.ts"
import { own } from "../../base/lookup.ts"
import type { RoutedLine } from "../../ports/capabilities/goods.ts"
import { day, decimal } from "./payloads.ts"
import type { TrytonSettings } from "./settings.ts"

/** A line of a sale before its product's id is known. */
export interface SaleLine {
  productCode: string
  quantity: Quantity
  unitPriceText: string
  description: string
}

const one: Quantity = { milli: 1000, unit: "ea" }

// A unit price has at most four decimals ("The number of digits … exceeds the limit of "4"", seen), and the line's amount is
// rounded to the cent. Up to this quantity the best price of four decimals always rounds back to the amount charged.
const divisibleMilliMax = 90_000

/** Lines whose amounts sum to the charge before tax, line by line and to the cent. */
export function saleLines(order: Order, settings: TrytonSettings): SaleLine[] {
  const { chargeProducts } = settings
  const lines = order.lines.flatMap((line) => goodsLines(line, chargeProducts.rounding))
  const charges = order.charges.map((charge) => {
    const productCode = chargeProducts[charge.kind]
    if (productCode === undefined)
      throw new AppError("VENDOR_REJECTED", `no product is configured for charges of the kind "${charge.kind}"`)
    return amountLine(productCode, netOf(charge), charge.title)
  })
  const rounding = order.cashRounding.shop
  return [
    ...lines,
    ...charges.filter(({ unitPriceText }) => !/^-?0(\.0+)?$/.test(unitPriceText)),
    ...(rounding.amountMinor === 0 ? [] : [amountLine(chargeProducts.rounding, rounding, "cash rounding")]),
  ]
}

function goodsLines(line: OrderLine, roundingCode: string): SaleLine[] {
  if (line.quantity.milli === 0) return []
  const net = netOf(line)
  const description = `${line.title} [${line.id}]`
  const { unitPriceText, restMinor } = unitPrice(net, line.quantity.milli)
  const goods = { productCode: line.sku, quantity: line.quantity, unitPriceText, description }
  if (restMinor === 0) return [goods]
  return [goods, amountLine(roundingCode, money(restMinor, net.currency), `rounding of ${description}`)]
}

function amountLine(productCode: string, amount: Money, description: string): SaleLine {
  return { productCode, quantity: one, unitPriceText: moneyToDecimal(amount), description }
}

/** The price of one unit with four decimals, and the rest of the amount that it cannot express. */
function unitPrice(net: Money, milli: number): { unitPriceText: string; restMinor: number } {
  const extraDigits = 4 - minorDigits(net.currency)
  const scale = 10n ** BigInt(Math.max(0, extraDigits))
  const wholeFine = BigInt(net.amountMinor) * scale * 1000n
  if (milli <= divisibleMilliMax && net.amountMinor >= 0)
    return { unitPriceText: fineText((wholeFine * 2n + BigInt(milli)) / (2n * BigInt(milli))), restMinor: 0 }
  const perUnitMinor = (BigInt(net.amountMinor) * 1000n) / BigInt(milli)
  const expressedMinor = Number(roundedThousandths(perUnitMinor * BigInt(milli)))
  return { unitPriceText: fineText(perUnitMinor * scale), restMinor: net.amountMinor - expressedMinor }
}

/** Rounds a line's amount as Tryton does: half to even (`Currency.round` of 6.0). */
function roundedThousandths(thousandths: bigint): bigint {
  const floor = thousandths / 1000n - (thousandths % 1000n < 0n ? 1n : 0n)
  const rest = thousandths - floor * 1000n
  const isUp = rest > 500n || (rest === 500n && floor % 2n !== 0n)
  return isUp ? floor + 1n : floor
}

/** Ten-thousandths as decimal text. */
function fineText(fine: bigint): string {
  const text = String(fine < 0n ? -fine : fine).padStart(5, "0")
  return `${fine < 0n ? "-" : ""}${text.slice(0, -4)}.${text.slice(-4)}`
}

/** The price of a line or charge without tax, in the shop's currency. */
export function netOf(part: OrderLine | OrderCharge): Money {
  const taxMinor = part.taxes.reduce((sum, tax) => sum + tax.amount.shop.amountMinor, 0)
  // `total` is the paid amount. It contains tax whether prices include tax or not.
  return money(part.total.shop.amountMinor - taxMinor, part.total.shop.currency)
}

/** A new sale; `productIds` are Tryton's ids by code. */
export function saleBody(
  order: Order,
  routing: readonly RoutedLine[],
  made: {
    key: string
    settings: TrytonSettings
    businessDate: BusinessDate
    lines: readonly SaleLine[]
    productIds: ReadonlyMap<string, number>
  },
): Record<string, unknown> {
  const { key, settings, businessDate, lines, productIds } = made
  return {
    party: settings.party,
    invoice_address: settings.address,
    shipment_address: settings.address,
    warehouse: warehouseOf(routing, settings),
    payment_term: settings.paymentTerm,
    invoice_method: "order",
    shipment_method: "order",
    sale_date: day(businessDate),
    reference: key,
    description: cut(`${order.number} ${order.customer.name ?? ""}`.trim(), 120),
    comment: addressText(order),
    lines: [
      [
        "create",
        lines.map((line) => ({
          type: "line",
          product: productIds.get(line.productCode),
          // Tryton stores quantities as floats; they represent thousandths exactly, far beyond any order.
          quantity: Number(quantityToDecimal(line.quantity)),
          unit: unitOf(line.quantity, settings),
          unit_price: decimal(line.unitPriceText),
          description: cut(line.description, 200),
        })),
      ],
    ],
  }
}

function unitOf({ unit }: Quantity, settings: TrytonSettings): number {
  const id = own(settings.units, unit)
  if (id === undefined) throw new AppError("VENDOR_REJECTED", `no unit of measure is configured for "${unit}"`)
  return id
}

/** Tryton 6.0 keeps one warehouse per sale. */
function warehouseOf(routing: readonly RoutedLine[], settings: TrytonSettings): number {
  const ids = new Set(
    routing.map(({ locationId }) => {
      const id = own(settings.warehouses, locationId)
      if (id === undefined) throw new AppError("VENDOR_REJECTED", `no warehouse is configured for "${locationId}"`)
      return id
    }),
  )
  if (ids.size > 1) throw new AppError("VENDOR_REJECTED", "a sale has one warehouse, and the order ships from several")
  const [id = Object.values(settings.warehouses)[0]] = ids
  if (id === undefined) throw new AppError("VENDOR_REJECTED", "no warehouse is configured")
  return id
}

/** Where the goods go, as the comment of a sale says it. */
export function addressText(order: Order): string {
  const to = order.shippingAddress
  if (!to) return ""
  const place = [to.postalCode, to.city, to.countryCode].filter(Boolean).join(" ")
  return [to.name, to.company, to.line1, to.line2, place].filter(Boolean).join("\n")
}
