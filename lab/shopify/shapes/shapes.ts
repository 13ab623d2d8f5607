import type { Random } from "../../random.ts"
import type { OrderLine, ShopOrder } from "../orders/model.ts"
import { fromEuroCents } from "../orders/oddities.ts"
import { shapes, type Shape } from "./names.ts"

export function isIn(order: ShopOrder, shape: Shape): boolean {
  return order.shapes?.includes(shape) ?? false
}

/** One to four shapes of an order. */
export function chooseShapes(random: Random): Shape[] {
  const chosen = new Set<Shape>()
  const count = random.integer(1, 4)
  while (chosen.size < count) chosen.add(random.pick(shapes))
  return [...chosen]
}

/** Puts into the order what its shapes need; webhooks and answers are written by them. */
export function shapeOrder(order: ShopOrder, chosen: readonly Shape[]): void {
  order.shapes = [...chosen]
  const cents = (amount: number) => ({
    shop: fromEuroCents(amount, order.currencies.shop),
    presentment: fromEuroCents(amount, order.currencies.presentment),
  })
  if (isIn(order, "tip-line") && order.tip.shop === 0) order.tip = cents(300)
  if (isIn(order, "fees") || isIn(order, "unstated-fee")) order.fees = cents(150)
  if (isIn(order, "company")) {
    order.company = { id: order.id + 910, locationId: order.id + 911, name: "Jansen & Co" }
    order.isTaxExempt = true
  }
  if (isIn(order, "tags")) order.tags = ["vip", "gift"]
  if (isIn(order, "no-country")) order.billingAddress = { ...order.billingAddress, countryCode: null }
  if (isIn(order, "no-product")) order.lines = order.lines.map(withoutProduct)
}

/** The article was deleted from the shop after it was sold; its SKU stays. */
function withoutProduct(line: OrderLine): OrderLine {
  return { ...line, productId: null, variantId: null }
}

/** The id of the line that states the tip once more. */
export function tipLineId(order: ShopOrder): number | undefined {
  return isIn(order, "tip-line") ? order.id + 990 : undefined
}

/** What apps write as the values of notes and properties. */
export const appValues: readonly { name: string; value: unknown }[] = [
  { name: "partner_ref", value: 4711 },
  { name: "_parts", value: ["a", "b"] },
  { name: "_survey", value: { stars: 5 } },
]
