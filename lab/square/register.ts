import type { Applied, LineItem, Money, Order, Payment, Tax, Tender } from "./records.ts"

/** A sale at a register. Each price is for one piece, in minor units. */
export type Sale = {
  locationId: string
  currency?: string
  lines: {
    variationId?: string
    name?: string
    itemType?: LineItem["item_type"]
    price: number
    quantity?: string
    unit?: object
    modifiers?: { name: string; price: number }[]
  }[]
  /** On the whole order, as a catalogue applies it. */
  tax?: { name: string; percentage: number; type: "ADDITIVE" | "INCLUSIVE"; id?: string }
  discount?: { name: string; percentage: number }
  serviceCharge?: { name: string; percentage: number }
  tip?: number
  /** To the smallest coin, when somebody pays in cash. */
  roundTo?: number
  /** Without one: the whole in cash. Amounts are without the tip, which is on the first. */
  tenders?: { type: string; amount?: number; given?: number; details?: object; status?: string }[]
  deviceId?: string
  teamMemberId?: string
  /** When a till that was away made it. */
  offlineSince?: string
  at?: string
}

export type Ids = (length: number) => string

/** Half a unit goes to the even one (developer.squareup.com/docs/orders-api/how-it-works: bankers' rounding). */
export function halfEven(value: number): number {
  const floor = Math.floor(value)
  const rest = value - floor
  if (Math.abs(rest - 0.5) > 1e-9) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}

/** Parts of an amount in proportion, so that they sum to it. */
function shares(whole: number, weights: readonly number[]): number[] {
  const total = weights.reduce((sum, one) => sum + one, 0)
  let [left, seen] = [whole, 0]
  return weights.map((weight) => {
    seen += weight
    const rest = total === 0 ? 0 : halfEven(whole - (whole * seen) / total)
    const part = left - rest
    left = rest
    return part
  })
}

/** The order that a register makes of a sale, and its payments. Calculated as Square documents it. */
export function ringUp(sale: Sale, nextId: Ids): { order: Order; payments: Payment[] } {
  const currency = sale.currency ?? "EUR"
  const money = (amount: number): Money => ({ amount, currency })
  const priced = price(sale, { money, nextId })
  const service = serviceChargeOf(sale, priced.subtotal, { money, nextId })
  const tip = sale.tip ?? 0
  const exact = priced.total + service.amount + tip
  const rounding = sale.roundTo === undefined ? 0 : Math.round(exact / sale.roundTo) * sale.roundTo - exact
  const total = exact + rounding
  const at = sale.at ?? new Date().toISOString()
  const id = nextId(27)
  const paid = payFor(sale, { id, total, at, money, nextId })
  const totals = {
    total_money: money(total),
    tax_money: money(priced.tax),
    discount_money: money(priced.discount),
    tip_money: money(tip),
    service_charge_money: money(service.amount),
  }
  const order: Order = {
    id,
    location_id: sale.locationId,
    source: { name: "Point of Sale" },
    line_items: priced.lines,
    ...(priced.taxes.length > 0 ? { taxes: priced.taxes } : {}),
    ...(priced.discounts.length > 0 ? { discounts: priced.discounts } : {}),
    ...(service.charges.length > 0 ? { service_charges: service.charges } : {}),
    net_amounts: totals,
    ...(rounding === 0
      ? {}
      : { rounding_adjustment: { uid: nextId(22), name: "Cash rounding", amount_money: money(rounding) } }),
    tenders: paid.tenders,
    created_at: sale.offlineSince ?? at,
    updated_at: at,
    closed_at: at,
    state: "COMPLETED",
    total_money: money(total),
    total_tax_money: money(priced.tax),
    total_discount_money: money(priced.discount),
    total_tip_money: money(tip),
    total_service_charge_money: money(service.amount),
  }
  return { order, payments: paid.payments }
}

type Making = { money: (amount: number) => Money; nextId: Ids }

function price(sale: Sale, { money, nextId }: Making) {
  const taxUid = nextId(22)
  const discountUid = nextId(22)
  const before = sale.lines.map(({ price, quantity = "1", modifiers = [] }) => {
    const of = Number(quantity)
    return halfEven(price * of) + modifiers.reduce((sum, one) => sum + halfEven(one.price * of), 0)
  })
  const subtotal = before.reduce((sum, one) => sum + one, 0)
  const discount = sale.discount ? halfEven((subtotal * sale.discount.percentage) / 100) : 0
  const discounts = shares(discount, before)
  const lines = sale.lines.map((line, n) =>
    lineItem(sale, line, { taxUid, discountUid, money, nextId, n, gross: before[n] ?? 0, own: discounts[n] ?? 0 }),
  )
  const tax = lines.reduce((sum, one) => sum + one.total_tax_money.amount, 0)
  const taxes: Tax[] = sale.tax
    ? [
        {
          uid: taxUid,
          name: sale.tax.name,
          type: sale.tax.type,
          percentage: String(sale.tax.percentage),
          scope: "ORDER",
          ...(sale.tax.id === undefined ? {} : { catalog_object_id: sale.tax.id }),
          applied_money: money(tax),
        },
      ]
    : []
  const percentage = String(sale.discount?.percentage)
  return {
    lines,
    tax,
    discount,
    taxes,
    subtotal: subtotal - discount,
    discounts: sale.discount
      ? [
          {
            uid: discountUid,
            name: sale.discount.name,
            type: "FIXED_PERCENTAGE",
            percentage,
            scope: "ORDER",
            applied_money: money(discount),
          },
        ]
      : [],
    total: lines.reduce((sum, one) => sum + one.total_money.amount, 0),
  }
}

type Lining = Making & { taxUid: string; discountUid: string; n: number; gross: number; own: number }

function lineItem(
  sale: Sale,
  line: Sale["lines"][number],
  { taxUid, discountUid, money, nextId, n, gross, own }: Lining,
): LineItem {
  const { price, quantity = "1", modifiers = [] } = line
  const left = gross - own
  const percentage = sale.tax?.percentage ?? 0
  const isIncluded = sale.tax?.type === "INCLUSIVE"
  const tax = isIncluded ? halfEven((left * percentage) / (100 + percentage)) : halfEven((left * percentage) / 100)
  const applied = (of: object, amount: number) => ({ uid: nextId(22), ...of, applied_money: money(amount) }) as Applied
  return {
    uid: nextId(22),
    name: line.name ?? `Article ${line.variationId ?? n}`,
    quantity,
    item_type: line.itemType ?? "ITEM",
    ...(line.variationId === undefined ? {} : { catalog_object_id: line.variationId, variation_name: "Regular" }),
    ...(line.unit === undefined ? {} : { quantity_unit: line.unit }),
    ...(modifiers.length === 0
      ? {}
      : {
          modifiers: modifiers.map((one) => ({
            uid: nextId(22),
            name: one.name,
            base_price_money: money(one.price),
            total_price_money: money(halfEven(one.price * Number(quantity))),
          })),
        }),
    ...(sale.tax ? { applied_taxes: [applied({ tax_uid: taxUid }, tax)] } : {}),
    ...(sale.discount ? { applied_discounts: [applied({ discount_uid: discountUid }, own)] } : {}),
    base_price_money: money(price),
    variation_total_price_money: money(halfEven(price * Number(quantity))),
    // In Europe and Australia included tax stays in it (OrderLineItem).
    gross_sales_money: money(gross),
    total_tax_money: money(sale.tax ? tax : 0),
    total_discount_money: money(own),
    total_service_charge_money: money(0),
    total_money: money(left + (isIncluded ? 0 : tax)),
  }
}

/** In the phase after the total, so that it is not taxed (OrderServiceCharge, `taxable`). */
function serviceChargeOf({ serviceCharge }: Sale, subtotal: number, { money, nextId }: Making) {
  if (!serviceCharge) return { amount: 0, charges: [] }
  const amount = halfEven((subtotal * serviceCharge.percentage) / 100)
  const charge = {
    uid: nextId(22),
    name: serviceCharge.name,
    percentage: String(serviceCharge.percentage),
    applied_money: money(amount),
    total_money: money(amount),
    total_tax_money: money(0),
    calculation_phase: "TOTAL_PHASE",
    taxable: false,
    type: "CUSTOM",
    treatment_type: "LINE_ITEM_TREATMENT",
  }
  return { amount, charges: [charge] }
}

/** The Payment's `source_type` of a tender's type. */
const sourceTypes: Readonly<Record<string, string>> = {
  CASH: "CASH",
  CARD: "CARD",
  SQUARE_GIFT_CARD: "CARD",
  OTHER: "EXTERNAL",
}

function payFor(
  sale: Sale,
  { id, total, at, money, nextId }: Making & { id: string; total: number; at: string },
): { tenders: Tender[]; payments: Payment[] } {
  const tip = sale.tip ?? 0
  const wanted = sale.tenders ?? [{ type: "CASH" }]
  const made = wanted.map(({ type, amount: given, given: cash, details = {}, status = "COMPLETED" }, n) => {
    const ownTip = n === 0 ? tip : 0
    // The last one pays what the others left.
    const others = wanted.slice(0, n).reduce((sum, one) => sum + (one.amount ?? 0), 0)
    const amount = given ?? total - tip - others
    const whole = amount + ownTip
    const supplied = cash ?? whole
    const paymentId = nextId(27)
    const card = {
      status: "CAPTURED",
      card: { card_brand: type === "SQUARE_GIFT_CARD" ? "SQUARE_GIFT_CARD" : "VISA", last_4: "1111" },
      entry_method: "EMV",
    }
    const isCard = type === "CARD" || type === "SQUARE_GIFT_CARD"
    const tender: Tender = {
      id: paymentId,
      location_id: sale.locationId,
      transaction_id: id,
      created_at: at,
      amount_money: money(whole),
      ...(ownTip > 0 ? { tip_money: money(ownTip) } : {}),
      type,
      ...(isCard ? { card_details: card } : {}),
      ...(type === "CASH"
        ? { cash_details: { buyer_tendered_money: money(supplied), change_back_money: money(supplied - whole) } }
        : {}),
      payment_id: paymentId,
    }
    const payment: Payment = {
      id: paymentId,
      order_id: id,
      location_id: sale.locationId,
      status,
      source_type: sourceTypes[type] ?? type,
      amount_money: money(amount),
      ...(ownTip > 0 ? { tip_money: money(ownTip) } : {}),
      total_money: money(whole),
      created_at: at,
      updated_at: at,
      ...(isCard ? { card_details: card } : {}),
      ...(type === "CASH"
        ? { cash_details: { buyer_supplied_money: money(supplied), change_back_money: money(supplied - whole) } }
        : {}),
      ...(sale.deviceId === undefined ? {} : { device_details: { device_id: sale.deviceId, device_name: "Front" } }),
      ...(sale.teamMemberId === undefined ? {} : { team_member_id: sale.teamMemberId }),
      ...(sale.offlineSince === undefined
        ? {}
        : { is_offline_payment: true, offline_payment_details: { client_created_at: sale.offlineSince } }),
      buyer_email_address: "buyer@example.com",
      ...details,
    }
    return { tender, payment }
  })
  return { tenders: made.map(({ tender }) => tender), payments: made.map(({ payment }) => payment) }
}
