import { own } from "../../base/lookup.ts"
import { minorDigits } from "../../base/money.ts"
import { withoutCardNumbers } from "../../base/text.ts"
import type { ReceiptLine } from "../../canonical/sales/receipt-line.ts"
import { readDay, readNumber, readStore, type PoslogSetting } from "./header.ts"
import { decimal, scale, type Spot } from "./spot.ts"

/** What a line takes off, as the file writes it: positive for less. */
export interface RawDiscount {
  amountMinor: number
  promotionId?: string
  reason?: string
}

/** A tax as the file writes it. Its amount may be finer than the smallest unit of money, in 10⁻¹⁰. */
export interface RawTax {
  spot: Spot
  code: string
  ratePercent?: string
  amount?: bigint
  baseMinor?: number
  exemption?: string
}

/** An item that was sold or came back, before it is known what its amount holds. */
export interface RawLine {
  spot: Spot
  sequence: string
  isReturn: boolean
  line: Omit<ReceiptLine, "amountMinor" | "taxes" | "discounts" | "quantityMilli">
  charge?: "fee" | "donation"
  /** Without a sign for what comes back. */
  quantityMilli: number
  extendedMinor: number
  discounts: readonly RawDiscount[]
  taxes: readonly RawTax[]
  isTaxIncluded: boolean | undefined
  isTaxable: boolean | undefined
  /** Whether unit price × quantity says that the amount is without its discounts (`before`) or with them. */
  discountsLookTaken: "before" | "after" | undefined
  voids: { link: string | undefined } | undefined
}

// GK POSLog Structure v3, 4.3.6.1 (github.com search: "SES:DownpaymentClearing"); `Service`: files of Wincor Nixdorf. `Deposit` is the
// deposit on a bottle to some and a payment in advance to others, so only the retailer can say it.
const itemTypes = {
  Stock: "goods",
  Service: "service",
  GiftCertificate: "gift card",
  "SES:GiftCertificate": "gift card",
  "SES:Downpayment": "deposit",
  "SES:DownpaymentClearing": "deposit",
  "SES:InvoicePayment": "account payment",
} as const
const charges = { Fee: "fee", "SES:Donation": "donation" } as const

// UN/ECE Recommendation 20, and the short forms that tills write. The standard's default is EA.
const units: Readonly<Record<string, string>> = {
  EA: "ea",
  H87: "ea",
  C62: "ea",
  PCE: "ea",
  KG: "kg",
  KGM: "kg",
  GRM: "g",
  LBR: "lb",
  LTR: "l",
  MTR: "m",
}

/** An item of a receipt; undefined, with every problem noted, when the envelope cannot hold it. */
export function readLine(item: Spot, sold: Spot, of: PoslogSetting & { currency: string }): RawLine | undefined {
  const before = item.problems.length
  const { currency, policy } = of
  const sequence = item.value("SequenceNumber") ?? item.fail("expected the number of the line", "/SequenceNumber") ?? ""
  const type = sold.attribute("ItemType") ?? "Stock"
  const charge = own(policy.items ?? {}, type) === undefined ? own(charges, type) : undefined
  const as = own(policy.items ?? {}, type) ?? own(itemTypes, type)
  if (as === undefined && charge === undefined)
    sold.fail(`"${type}" is no kind of item that is known: say what it is in policies.sales.poslog.items`, "/@ItemType")
  const extendedMinor = sold.child("ExtendedAmount")?.minor(currency)
  if (!sold.child("ExtendedAmount")) sold.fail("expected the amount of the line", "/ExtendedAmount")
  const quantity = readQuantity(sold, policy.units ?? {})
  const isReturn = sold.element.local === "Return"
  // What a void of a line has for signs is its own.
  if (quantity && extendedMinor && !isReturn && !item.flag("VoidFlag")) {
    if (quantity.isNegative && extendedMinor > 0)
      sold.fail("is negative, and the amount is not: whether it was sold or came back cannot be told", "/Quantity")
    if (quantity.milli === 0 && as === "goods") sold.fail("expected how much of it was sold, not 0", "/Quantity")
  }
  const sku = sold.value("ItemID") ?? sold.child("POSIdentity")?.value("POSItemID")
  if (sku === undefined && as === "goods") sold.fail("expected the article", "/ItemID")
  const discounts = readDiscounts(sold, currency)
  const line: RawLine["line"] = {
    lineId: sequence,
    ...(as === undefined || as === "goods" ? {} : { as }),
    ...(sku === undefined ? {} : { sku }),
    ...optional("text", sold.value("Description")?.slice(0, 255)),
    unit: quantity?.unit ?? "ea",
    ...optional("listPriceMinor", price(sold, "RegularSalesUnitPrice", currency)),
    ...optional("unitPriceMinor", price(sold, "ActualSalesUnitPrice", currency)),
    ...optional(as === "gift card" ? "cardId" : "serial", sold.value("SerialNumber")),
    ...readOrder(sold),
    ...(isReturn ? readReturn(sold, of) : {}),
  }
  const taxes = atMost(sold, "Tax", 20).flatMap((tax) => readTax(tax, of) ?? [])
  const isTaxIncluded = sold.truth(sold.value("TaxIncludedInPriceFlag"), "/TaxIncludedInPriceFlag")
  const isTaxable = sold.truth(sold.attribute("TaxableFlag"), "/@TaxableFlag")
  if (item.problems.length > before || extendedMinor === undefined || !quantity) return undefined
  return {
    spot: sold,
    sequence,
    isReturn,
    line,
    ...(charge ? { charge } : {}),
    quantityMilli: quantity.milli,
    extendedMinor,
    discounts,
    taxes,
    isTaxIncluded,
    isTaxable,
    discountsLookTaken: looks(sold, { currency, extendedMinor, discounts, milli: quantity.milli }),
    voids: readVoids(item, sold),
  }
}

/** Its parts of a name; none, and a problem, when there are more than the envelope of a line can hold. */
function atMost(sold: Spot, local: string, max: number): Spot[] {
  const found = sold.all(local)
  if (found.length <= max) return found
  sold.fail(`expected at most ${max}, not ${found.length}`, `/${local}`)
  return []
}

/** Whether and what a line takes back: Voids/ItemLink of GK, ItemLink of Wincor Nixdorf; NCR names none. */
export function readVoids(item: Spot, inner: Spot): RawLine["voids"] {
  if (!item.flag("VoidFlag")) return undefined
  const link = item.child("Voids")?.child("ItemLink")?.value("LineItemSequenceNumber") ?? inner.value("ItemLink")
  return { link }
}

/** One tax: what the books call it, and what was charged. */
export function readTax(tax: Spot, { currency, policy }: PoslogSetting & { currency: string }): RawTax | undefined {
  const percent = tax.value("Percent")
  if (percent !== undefined && !/^\d{1,3}(\.\d{1,8})?$/.test(percent)) return tax.fail("expected a rate", "/Percent")
  const named = tax.value("TaxGroupID") ?? tax.value("TaxRuleID")
  const word = named ?? `${tax.attribute("TaxType") ?? "tax"} ${percent ?? ""}`.trim()
  const amount = tax.child("Amount")
  const charged = amount && decimal(amount.text)
  if (amount && charged === undefined) return amount.fail("expected a decimal amount")
  const exempt = tax.child("TaxExemption")
  const exemption = exempt && (exempt.value("ReasonCode") ?? exempt.value("CustomerExemptionID") ?? "exempt")
  return {
    spot: tax,
    code: own(policy.taxCodes ?? {}, word) ?? word,
    ...optional("ratePercent", percent),
    // A refund of tax has its amount without a sign (GK, 4.3.6.1).
    ...optional("amount", charged),
    ...optional("baseMinor", price(tax, "TaxableAmount", currency)),
    ...optional("exemption", exemption?.slice(0, 200)),
  }
}

function readDiscounts(sold: Spot, currency: string): RawDiscount[] {
  const modifiers = atMost(sold, "RetailPriceModifier", 50).flatMap((modifier) => {
    const amount = modifier.child("Amount")
    const action = amount?.attribute("Action") ?? modifier.attribute("Action") ?? "Subtract"
    // The price was replaced before it was multiplied: the amount of the line has it (Wincor Nixdorf).
    if (!amount || action === "Replace") return []
    // GK writes Substract.
    const sign = action === "Subtract" || action === "Substract" ? 1 : action === "Add" ? -1 : undefined
    if (sign === undefined) amount.fail(`"${action}" is neither Subtract, Add nor Replace`, "/@Action")
    const minor = amount.minor(currency)
    return minor === undefined || sign === undefined
      ? []
      : [{ ...wordsOf(modifier), amountMinor: sign * Math.abs(minor) }]
  })
  if (modifiers.length > 0) return modifiers.filter(({ amountMinor }) => amountMinor !== 0)
  const minor = sold.child("ExtendedDiscountAmount")?.minor(currency) ?? 0
  return minor === 0 ? [] : [{ amountMinor: Math.abs(minor) }]
}

/** The promotion and the reason of a discount. */
export function wordsOf(spot: Spot): Pick<RawDiscount, "promotionId" | "reason"> {
  const rule = spot.child("PriceDerivationRule")?.value("PriceDerivationRuleID")
  const reason = spot.value("ReasonCode") ?? spot.value("Description")
  return {
    ...optional("promotionId", (spot.value("PromotionID") ?? rule)?.slice(0, 128)),
    ...optional("reason", reason?.slice(0, 200)),
  }
}

/**
 * Quantity is what was sold, in the unit it is sold by; `Units` counts what was scanned (ARTS ODM 7.3, SaleReturnLineItem). A fraction without a
 * unit is a weight whose unit nobody said.
 */
function readQuantity(
  sold: Spot,
  said: Readonly<Record<string, string>>,
): { milli: number; unit: string; isNegative: boolean } | undefined {
  const spot = sold.child("Quantity")
  if (!spot) return sold.fail("expected how much", "/Quantity")
  const amount = decimal(spot.text)
  const finer = 10n ** BigInt(scale - 3)
  if (amount === undefined || amount % finer !== 0n)
    return spot.fail("expected a decimal number of at most three digits behind the point")
  const milli = Math.abs(Number(amount / finer))
  const code = spot.attribute("UnitOfMeasureCode")
  // The standard's default is a piece; a part of one is a weight.
  const word = code ?? (milli % 1000 === 0 ? "EA" : "")
  const unit = own(said, word) ?? own(units, word)
  if (unit === undefined && code === undefined)
    return spot.fail(
      `${spot.text} of what? Say the unit, or by "" in policies.sales.poslog.units`,
      "/@UnitOfMeasureCode",
    )
  if (unit === undefined)
    return spot.fail(`"${code}" is no unit that is known: say it in policies.sales.poslog.units`, "/@UnitOfMeasureCode")
  return { milli, unit, isNegative: amount < 0n }
}

function readOrder(sold: Spot): { orderId?: string } {
  const number = sold.value("SpecialOrderNumber")
  if (number === undefined || /^ord_[0-9a-z]+$/.test(number)) return optional("orderId", number)
  sold.fail(
    `"${number.slice(0, 60)}" is an order of another system: its goods may have left by it, and would leave twice`,
    "/SpecialOrderNumber",
  )
  return {}
}

function readReturn(sold: Spot, { policy }: PoslogSetting): Pick<ReceiptLine, "returned"> {
  const link = sold.child("TransactionLink") ?? sold.child("ReturnTransactionLink")
  const said = sold.value("Reason") ?? sold.value("ReasonCode") ?? sold.value("ReturnReasonCode")
  const reason = said && withoutCardNumbers(said)
  for (const local of ["Disposal", "Disposition", "ItemCondition"])
    if (sold.child(local)) sold.fail("says where the goods are or how they are, which is not read", `/${local}`)
  const line = link?.child("LineItemSequenceNumber")
  const sequence = link?.child("SequenceNumber")
  const tillId = link?.value("WorkstationID")
  if (!link || !line || !sequence || tillId === undefined) {
    // The original line is not named whole: people read what is.
    const words = [
      reason,
      link &&
        `of ${link
          .own()
          .map(({ element, text }) => `${element.local} ${withoutCardNumbers(text)}`)
          .join(", ")}`,
    ]
    const text = words
      .filter((word) => word !== undefined)
      .join(", ")
      .slice(0, 200)
    return { returned: text === "" ? {} : { reason: text } }
  }
  const day = link.child("BusinessDayDate")
  const businessDay = day && readDay(day)
  const storeId = readStore(link, policy)
  const number = readNumber(sequence)
  if (storeId === undefined || number === undefined) return {}
  const original = { storeId, tillId, ...optional("businessDay", businessDay), sequence: number, lineId: line.text }
  return { returned: { original, ...optional("reason", reason?.slice(0, 200)) } }
}

function looks(
  sold: Spot,
  of: { currency: string; extendedMinor: number; discounts: readonly RawDiscount[]; milli: number },
): RawLine["discountsLookTaken"] {
  const regular = sold.child("RegularSalesUnitPrice")
  const each = regular && decimal(regular.text)
  if (each === undefined || ![undefined, "1"].includes(regular?.attribute("Quantity"))) return undefined
  const unit = 10n ** BigInt(scale - minorDigits(of.currency)) * 1000n
  const product = each * BigInt(of.milli)
  const whole = Number((product * 2n + unit) / (unit * 2n))
  const less = of.discounts.reduce((sum, { amountMinor }) => sum + amountMinor, 0)
  if (less === 0) return undefined
  if (whole === Math.abs(of.extendedMinor)) return "before"
  return whole === Math.abs(of.extendedMinor) + less ? "after" : undefined
}

/** A price that people read; one that is finer than money is left out, because the line's amount counts. */
function price(spot: Spot, local: string, currency: string): number | undefined {
  const amount = decimal(spot.value(local) ?? "")
  const finer = 10n ** BigInt(scale - minorDigits(currency))
  return amount === undefined || amount % finer !== 0n ? undefined : Number(amount / finer)
}

/** A field, or nothing. */
export function optional<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return (value === undefined ? {} : { [key]: value }) as { [K in Key]?: Value }
}
