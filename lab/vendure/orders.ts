import type { SimulatorContext } from "../simulator.ts"
import type { ShopStock } from "./stock.ts"

// The Admin API of Vendure 3.7.3 as `real.md` describes it: what of an order the mutations change.

type Part = { orderLineId: string; quantity: number }
export type Refund = {
  id: string
  createdAt: string
  state: string
  total: number
  reason: string | null
  lines: Part[]
}
export type Payment = {
  id: string
  createdAt: string
  method: string
  amount: number
  state: string
  transactionId: string | null
  refunds: Refund[]
}
export type Fulfillment = {
  id: string
  state: string
  method: string
  trackingCode: string
  updatedAt: string
  lines: Part[]
}
export type Line = {
  id: string
  quantity: number
  orderPlacedQuantity: number
  productVariant: { id: string; sku: string; name: string }
  unitPrice: number
  linePrice: number
  proratedLinePrice: number
  proratedLinePriceWithTax: number
  taxLines: { description: string; taxRate: number }[]
  discounts: { description: string; type: string }[]
}
export type Order = {
  id: string
  code: string
  state: string
  active: boolean
  orderPlacedAt: string
  updatedAt: string
  currencyCode: string
  totalWithTax: number
  lines: Line[]
  payments: Payment[]
  fulfillments: Fulfillment[]
  [field: string]: unknown
}

/** A refusal of the shop: 200 with a type whose name ends in Error. */
export class Refused {
  readonly __typename: string
  readonly errorCode: string
  readonly message: string

  constructor(name: string, message: string) {
    this.__typename = `${name}Error`
    this.errorCode = `${name.replaceAll(/(?<=[a-z])(?=[A-Z])/g, "_").toUpperCase()}_ERROR`
    this.message = message
  }
}

const money = (order: Order) => order.payments.reduce((sum, payment) => sum + payment.amount, 0)
const now = () => new Date().toISOString()

/** The orders of one shop. Methods check first and return either a refusal or the change to be made. */
export class Orders {
  readonly #orders: Map<string, Order>
  readonly #stock: ShopStock
  #ids = 0

  constructor(context: Pick<SimulatorContext, "keep">, stock: ShopStock) {
    this.#stock = stock
    this.#orders = context.keep<string, Order>("orders")
  }

  find(id: string): Order | undefined {
    return this.#orders.get(id)
  }

  all(): Order[] {
    return [...this.#orders.values()]
  }

  clear(): void {
    this.#orders.clear()
  }

  /** An order as a buyer leaves it: placed, paid in full, nothing shipped. */
  place(wanted: { lines: { sku: string; quantity: number; unitPrice: number }[]; method?: string }): Order {
    const id = this.#next()
    const at = now()
    const lines = wanted.lines.map(({ sku, quantity, unitPrice }): Line => {
      const price = unitPrice * quantity
      return {
        id: this.#next(),
        quantity,
        orderPlacedQuantity: quantity,
        productVariant: { id: `v-${sku}`, sku, name: sku },
        unitPrice,
        linePrice: price,
        proratedLinePrice: price,
        proratedLinePriceWithTax: Math.round(price * 1.2),
        taxLines: [{ description: "Standard tax", taxRate: 20 }],
        discounts: [],
      }
    })
    const net = lines.reduce((sum, line) => sum + line.proratedLinePrice, 0)
    const goods = lines.reduce((sum, line) => sum + line.proratedLinePriceWithTax, 0)
    const total = goods + 600
    const shipping = { id: this.#next(), price: 500, discountedPrice: 500, discountedPriceWithTax: 600 }
    const method = wanted.method ?? "card"
    const payment = { id: this.#next(), createdAt: at, method, amount: total, state: "Settled" }
    const order: Order = {
      id,
      code: `LAB${id.padStart(8, "0")}`,
      state: "PaymentSettled",
      active: false,
      orderPlacedAt: at,
      updatedAt: at,
      currencyCode: "EUR",
      couponCodes: [],
      subTotal: net,
      subTotalWithTax: goods,
      shipping: 500,
      shippingWithTax: 600,
      total: net + 500,
      totalWithTax: total,
      customer: { id: "1", emailAddress: "ada@example.com", firstName: "Ada", lastName: "Jansen", phoneNumber: null },
      shippingAddress: null,
      billingAddress: null,
      lines,
      surcharges: [],
      shippingLines: [{ ...shipping, shippingMethod: { code: "standard", name: "Standard" } }],
      payments: [{ ...payment, transactionId: `t-${id}`, refunds: [] }],
      fulfillments: [],
      history: { items: [{ createdAt: at }] },
      cancellations: { items: [] },
    }
    this.#orders.set(id, order)
    for (const { sku, quantity } of wanted.lines) this.#stock.move("ALLOCATION", sku, quantity)
    return order
  }

  addFulfillment(lines: readonly Part[], input: Record<string, string>): Refused | (() => Fulfillment) {
    const order = this.all().find((one) => one.lines.some(({ id }) => id === lines[0]?.orderLineId))
    if (!order || lines.every(({ quantity }) => quantity === 0))
      return new Refused("EmptyOrderLineSelection", "At least one OrderLine must be specified")
    for (const { orderLineId, quantity } of lines)
      if (openOf(order, orderLineId) < quantity)
        return new Refused("ItemsAlreadyFulfilled", "One or more OrderItems are already part of a Fulfillment")
    const moved = lines.map(({ orderLineId, quantity }) => {
      const sku = order.lines.find(({ id }) => id === orderLineId)?.productVariant.sku ?? ""
      return { sku, quantity }
    })
    for (const { sku, quantity } of moved)
      if (this.#stock.fulfillable(sku) < quantity)
        return new Refused(
          "InsufficientStockOnHand",
          "Cannot create a Fulfillment as there is insufficient stockOnHand",
        )
    return () => {
      for (const { sku, quantity } of moved) this.#stock.move("SALE", sku, quantity)
      const { method = "", trackingCode = "" } = input
      const made = { id: this.#next(), state: "Pending", method, trackingCode, updatedAt: now(), lines: [...lines] }
      order.fulfillments.push(made)
      return made
    }
  }

  fulfillment(id: string): Fulfillment | undefined {
    return this.all()
      .flatMap(({ fulfillments }) => fulfillments)
      .find((one) => one.id === id)
  }

  cancel(order: Order, reason: string): void {
    for (const { id, productVariant } of order.lines) {
      const open = openOf(order, id)
      if (open > 0) this.#stock.move("RELEASE", productVariant.sku, open)
    }
    order.state = "Cancelled"
    order["totalWithTax"] = 0
    // The shop rewrites the amounts of a cancelled order to zero.
    for (const line of order.lines)
      Object.assign(line, { quantity: 0, linePrice: 0, proratedLinePrice: 0, proratedLinePriceWithTax: 0 })
    order["cancellations"] = { items: [{ createdAt: now(), data: { reason } }] }
  }

  refund(input: { paymentId: string; amount: number; reason: string; lines: Part[] }): Refused | (() => Refund) {
    const order = this.all().find(({ payments }) => payments.some(({ id }) => id === input.paymentId))
    const payment = order?.payments.find(({ id }) => id === input.paymentId)
    if (!order || !payment)
      return new Refused("PaymentOrderMismatch", "The Payment and OrderLines do not belong together")
    const given = payment.refunds.filter(({ state }) => state !== "Failed").reduce((sum, { total }) => sum + total, 0)
    if (input.amount <= 0 || given + input.amount > payment.amount || input.amount > money(order))
      return new Refused("RefundAmount", "The amount specified exceeds the refundable amount for this payment")
    return () => {
      // A method that people settle leaves its refunds pending.
      const state = payment.method === "by-hand" ? "Pending" : "Settled"
      const { amount: total, reason, lines } = input
      const made = { id: this.#next(), createdAt: now(), state, total, reason, lines }
      payment.refunds.push(made)
      return made
    }
  }

  findRefund(id: string): Refund | undefined {
    return this.all()
      .flatMap(({ payments }) => payments.flatMap(({ refunds }) => refunds))
      .find((one) => one.id === id)
  }

  #next(): string {
    this.#ids += 1
    return String(this.#ids)
  }
}

function openOf(order: Order, lineId: string): number {
  const line = order.lines.find(({ id }) => id === lineId)
  const shipped = order.fulfillments
    .filter(({ state }) => state !== "Cancelled")
    .flatMap(({ lines }) => lines)
    .filter(({ orderLineId }) => orderLineId === lineId)
    .reduce((sum, { quantity }) => sum + quantity, 0)
  return (line?.quantity ?? 0) - shipped
}
