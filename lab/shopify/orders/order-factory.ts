import type { Customer } from "../../estate/customers.ts"
import type { Random } from "../../random.ts"
import { randomStream } from "../../random.ts"
import type { Address, Duty, MoneyPair, OrderLine, ShippingLine, ShopOrder } from "./model.ts"
import { zero } from "./model.ts"
import { eachSide } from "./money.ts"
import type { Market, Oddity } from "./oddities.ts"
import { fromEuroCents, marketOf, oddities, placeOddities } from "./oddities.ts"
import type { Draft, FactoryOptions } from "./order-lines.ts"
import { addLines, namedPick, weightedPick } from "./order-lines.ts"
import { discountAcross, discountOne, taxLinesOn } from "./pricing.ts"
import type { Shape } from "../shapes/names.ts"
import { chooseShapes, shapeOrder } from "../shapes/shapes.ts"
import { lineTotal } from "./totals.ts"

export type OrderRequest = {
  number: number
  nowMs: number
  odd?: boolean | readonly Oddity[]
  /** How it is written; by chance when left out. */
  shapes?: readonly Shape[]
  note?: string
  skus?: readonly string[]
}

export type OrderFactory = { create(request: OrderRequest): { order: ShopOrder; oddities: ReadonlySet<Oddity> } }

/** Real ids of orders are far above 2^32 and below 2^53. */
const orderIdBase = 5_500_000_000_000

/** The order with a given number is the same whatever was asked before it. */
export function createOrderFactory(options: FactoryOptions): OrderFactory {
  const plain = options.skus.filter((item) => item.kind === "plain")
  const taxCodes = new Map(options.skus.map((item) => [item.sku, item.taxCode]))
  const pickItem = weightedPick(plain.length > 0 ? plain : options.skus)
  return {
    create: (request) => {
      const random = randomStream(options.seed, `shopify/order/${request.number}`)
      const odd = chooseOddities(request.odd ?? random.chance(options.oddShare), random)
      const customer = random.pick(options.customers)
      const market = marketOf(odd, customer.address.countryCode)
      let id = orderIdBase + request.number * 1_000
      const draft: Draft = {
        random,
        odd,
        market,
        options,
        nextId: () => ++id,
        taxCodeOf: (sku) => taxCodes.get(sku) ?? "standard",
        price: (cents) => ({
          shop: fromEuroCents(cents, options.shopCurrency),
          presentment: fromEuroCents(cents, market.presentment),
        }),
      }
      const order = emptyOrder(draft, request, customer)
      addLines(order, draft, request.skus === undefined ? pickItem : namedPick(options.skus, request.skus))
      addShipping(order, draft)
      addDiscounts(order, draft)
      addTaxes(order, draft)
      if (odd.has("duties")) addDuties(order, draft)
      if (odd.has("tip")) order.tip = draft.price(random.integer(1, 10) * 50)
      // A stream of its own, so that what the order is does not depend on how it is written.
      const writing = randomStream(options.seed, `shopify/shapes/${request.number}`)
      const chosen = request.shapes ?? (writing.chance(options.oddShare) ? chooseShapes(writing) : [])
      if (chosen.length > 0) shapeOrder(order, chosen)
      return { order, oddities: odd }
    },
  }
}

function chooseOddities(odd: boolean | readonly Oddity[], random: Random): ReadonlySet<Oddity> {
  if (typeof odd !== "boolean") return new Set(odd)
  const chosen = new Set<Oddity>()
  if (!odd) return chosen
  const count = random.integer(1, 3)
  while (chosen.size < count) {
    const next = random.pick(oddities)
    const isSecondPlace = placeOddities.includes(next) && [...chosen].some((other) => placeOddities.includes(other))
    if (!isSecondPlace) chosen.add(next)
  }
  return chosen
}

function emptyOrder(draft: Draft, request: OrderRequest, customer: Customer): ShopOrder {
  const { odd, market, random, options } = draft
  const address = addressOf(customer, market, odd.has("no-phone"))
  const isWithoutAddress = odd.has("pickup") || odd.has("till")
  const stores = options.locations.filter(({ kind }) => kind === "store")
  return {
    id: orderIdBase + request.number * 1_000,
    number: request.number,
    name: `#${1_000 + request.number}`,
    createdAtMs: request.nowMs,
    updatedAtMs: request.nowMs,
    cancelledAtMs: null,
    cancelReason: null,
    currencies: { shop: options.shopCurrency, presentment: market.presentment },
    taxesIncluded: market.taxesIncluded,
    email: customer.email,
    phone: address.phone,
    note: request.note ?? (odd.has("note") ? "Please leave at the neighbours' – bell is broken 🔔" : null),
    noteAttributes: odd.has("note") ? [{ name: "gift_message", value: "Alles Gute!\nDeine Oma" }] : [],
    poNumber: odd.has("po-number") ? `PO-${random.integer(10_000, 99_999)}/${request.number}` : null,
    tags: [],
    customerId: 7_000_000_000_000 + Number(customer.customerId.replace(/\D/g, "")),
    shippingAddress: isWithoutAddress ? null : address,
    billingAddress: address,
    browserIp: customer.ipAddress,
    sourceName: sourceOf(odd),
    retailLocationId: odd.has("till") && stores.length > 0 ? random.pick(stores).id : null,
    isTest: odd.has("test-order"),
    paymentTerms: odd.has("terms") ? { name: "Net 30", dueInDays: 30 } : null,
    sourceIdentifier: null,
    lines: [],
    groups: [],
    shippingLines: [],
    discountApplications: [],
    tip: zero,
    transactions: [],
    refunds: [],
    editRemovals: [],
    addedLineIds: [],
    fulfillmentOrders: [],
    fulfillments: [],
  }
}

function sourceOf(odd: ReadonlySet<Oddity>): string {
  if (odd.has("till") || odd.has("cash-rounding")) return "pos"
  return odd.has("draft") ? "shopify_draft_order" : "web"
}

function addressOf(customer: Customer, market: Market, hasNoPhone: boolean): Address {
  const [firstName = "", ...rest] = customer.name.split(" ")
  const { address } = customer
  const place = market.shipTo ?? {
    countryCode: address.countryCode,
    city: address.city,
    zip: address.postalCode,
    provinceCode: address.region ?? null,
  }
  return {
    firstName,
    lastName: rest.join(" "),
    line1: address.line1,
    line2: address.line2 ?? null,
    phone: hasNoPhone ? null : (address.phone ?? null),
    ...place,
  }
}

function addShipping(order: ShopOrder, draft: Draft): void {
  if (order.shippingAddress === null || !order.lines.some((line) => line.delivery === "ship")) return
  const isForeign = draft.market.shipTo !== undefined
  const cents = isForeign ? 1_995 : draft.random.pick([0, 495, 695])
  order.shippingLines.push({
    id: draft.nextId(),
    title: isForeign ? "International" : "Standard",
    code: isForeign ? "INTL" : "STD",
    price: draft.price(cents),
    taxLines: [],
    discountAllocations: [],
  })
}

function addDiscounts(order: ShopOrder, draft: Draft): void {
  const { odd, random } = draft
  const [first] = order.lines
  const [shipping] = order.shippingLines
  const begin = { targetType: "line_item", targetSelection: "all", allocationMethod: "across" } as const
  const applications = order.discountApplications
  if (odd.has("line-discount") && first) {
    const amount = draft.price(random.integer(1, 9) * 50)
    const value = { amountMinor: amount.presentment }
    applications.push({
      ...begin,
      type: "manual",
      label: "Damaged box",
      targetSelection: "explicit",
      allocationMethod: "one",
      value,
    })
    discountOne(first, { index: applications.length - 1, amount })
  }
  if (odd.has("order-discount")) {
    const percentage = random.pick([5, 10, 15, 33])
    applications.push({ ...begin, type: "discount_code", label: `SAVE${percentage}`, value: { percentage } })
    discountAcross(discountable(order), { index: applications.length - 1, percentage })
  }
  if (odd.has("fixed-discount")) {
    const amount = draft.price(1_000)
    applications.push({ ...begin, type: "automatic", label: "Ten off", value: { amountMinor: amount.presentment } })
    discountAcross(discountable(order), { index: applications.length - 1, amount })
  }
  if (odd.has("shipping-discount") && shipping) {
    const value = { percentage: 100 }
    applications.push({
      ...begin,
      type: "discount_code",
      label: "FREESHIP",
      targetType: "shipping_line",
      allocationMethod: "each",
      value,
    })
    discountOne(shipping, { index: applications.length - 1, percentage: 100 })
  }
}

/** The lab gives no discount on gift cards, as most shops do; the real platform leaves that to the merchant. */
function discountable(order: ShopOrder): OrderLine[] {
  return order.lines.filter((line) => !line.isGiftCard)
}

function addTaxes(order: ShopOrder, draft: Draft): void {
  const { market } = draft
  for (const line of order.lines) {
    const taxCode = line.isGiftCard ? "zero" : draft.taxCodeOf(line.sku)
    line.taxLines = taxLinesOn(lineTotal(line), market.rates({ taxCode }), market.taxesIncluded)
  }
  for (const line of order.shippingLines) {
    line.taxLines = taxLinesOn(shippingTotal(line), market.rates({ taxCode: "standard" }), market.taxesIncluded)
  }
}

function shippingTotal(line: ShippingLine): MoneyPair {
  return eachSide((side) => line.discountAllocations.reduce((left, item) => left - item.amount[side], line.price[side]))
}

function addDuties(order: ShopOrder, draft: Draft): void {
  for (const line of order.lines) {
    if (line.isGiftCard) continue
    const [price] = taxLinesOn(lineTotal(line), [{ title: "duty", ratePpm: 160_000 }], false)
    const duty: Duty = {
      id: draft.nextId(),
      harmonizedSystemCode: "610910",
      countryCodeOfOrigin: "PT",
      price: price?.price ?? zero,
      taxLines: [],
    }
    line.duties.push(duty)
  }
}
