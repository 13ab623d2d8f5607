import type { Problem } from "../base/errors.ts"
import { lacksAddress, type Order, type OrderCharge, type OrderLine } from "./order.ts"
import type { MoneyPair } from "./parts.ts"

type View = "shop" | "presentment"
const views: readonly View[] = ["shop", "presentment"]

/**
 * Every arithmetical or logical problem of an order, each with its place; empty when the order is valid.
 *
 * Checked in both currencies: currency of every amount, line and charge totals, the order total, coverage by tenders,
 * unique ids, positive quantities. Nothing is repaired. Runs at every hop and over generated orders (X-05, P-20, P-21).
 *
 * Only an edit may charge money for no goods: it takes the last unit off, and the shipping stays.
 */
export function orderProblems(order: Order, { isEdit = false } = {}): Problem[] {
  const problems: Problem[] = []
  for (const view of views) problems.push(...currencyProblems(order, view), ...sumProblems(order, view))
  problems.push(...duplicateIds(order.lines, "/lines"), ...duplicateIds(order.charges, "/charges"))
  problems.push(...duplicateIds(order.tenders, "/tenders"))
  if (
    !isEdit &&
    order.lines.every((line) => line.quantity.milli === 0 && line.gross.shop.amountMinor === 0) &&
    order.total.shop.amountMinor > 0
  )
    problems.push({
      pointer: "/lines",
      message: "the order charges money but every line is empty",
      code: "ORDER_TOTALS_WRONG",
    })
  for (const [index, line] of order.lines.entries())
    if (line.quantity.unit === "ea" && line.quantity.milli % 1000 !== 0)
      problems.push({ pointer: `/lines/${index}/quantity/milli`, message: "pieces must be whole: a multiple of 1000" })
  if (lacksAddress(order))
    problems.push({ pointer: "/shippingAddress", message: "a line is to be shipped but there is no shipping address" })
  return problems
}

/**
 * Expected total of a line or charge: gross − discounts (+ taxes when prices exclude tax), in one view. `taxesIncluded` is the
 * order's; a part with a basis of its own keeps that.
 */
export function chargedMinor(part: OrderLine | OrderCharge, view: View, taxesIncluded: boolean): number {
  const discounts = part.discounts.reduce((sum, discount) => sum + discount.amount[view].amountMinor, 0)
  return part.gross[view].amountMinor - discounts + ((part.taxesIncluded ?? taxesIncluded) ? 0 : taxMinor(part, view))
}

/** Sum of the taxes charged on a line or charge. */
export function taxMinor(part: OrderLine | OrderCharge, view: View): number {
  return part.taxes.reduce((sum, tax) => sum + tax.amount[view].amountMinor, 0)
}

/** The sum of all tenders that have not failed. */
export function tenderedMinor(order: Order, view: View): number {
  return order.tenders
    .filter((tender) => tender.state !== "failed")
    .reduce((sum, tender) => sum + tender.amount[view].amountMinor, 0)
}

function sumProblems(order: Order, view: View): Problem[] {
  const problems: Problem[] = []
  const compare = (pointer: string, stated: number, expected: number) => {
    if (stated !== expected)
      problems.push({
        pointer,
        code: "ORDER_TOTALS_WRONG",
        message: `the stated amount is ${stated} but the parts sum to ${expected} minor units of ${order.currency[view]} (${view})`,
      })
  }
  let total = order.cashRounding[view].amountMinor
  for (const [name, parts] of [
    ["lines", order.lines],
    ["charges", order.charges],
  ] as const)
    for (const [index, part] of parts.entries()) {
      compare(`/${name}/${index}/total`, part.total[view].amountMinor, chargedMinor(part, view, order.taxesIncluded))
      if (part.gross[view].amountMinor < 0 && !mayBeNegative(part))
        problems.push({ pointer: `/${name}/${index}/gross`, message: "a gross amount cannot be negative" })
      total += part.total[view].amountMinor
    }
  compare("/total", order.total[view].amountMinor, total)
  const tendered = tenderedMinor(order, view)
  if (tendered > order.total[view].amountMinor) compare("/tenders", tendered, order.total[view].amountMinor)
  return problems
}

/** A credit takes money off an order, and a rounding goes both ways. */
function mayBeNegative(part: OrderLine | OrderCharge): boolean {
  return "kind" in part && (part.kind === "credit" || part.kind === "rounding")
}

function currencyProblems(order: Order, view: View): Problem[] {
  const problems: Problem[] = []
  const expected = order.currency[view]
  const check = (pair: MoneyPair, pointer: string) => {
    if (pair[view].currency !== expected)
      problems.push({
        pointer: `${pointer}/${view}/currency`,
        message: `${pair[view].currency} in an order whose ${view} currency is ${expected}: currencies never mix in one view`,
      })
  }
  check(order.total, "/total")
  check(order.cashRounding, "/cashRounding")
  for (const [name, parts] of [
    ["lines", order.lines],
    ["charges", order.charges],
  ] as const)
    for (const [index, part] of parts.entries()) {
      const pointer = `/${name}/${index}`
      check(part.gross, `${pointer}/gross`)
      check(part.total, `${pointer}/total`)
      for (const [at, discount] of part.discounts.entries()) check(discount.amount, `${pointer}/discounts/${at}/amount`)
      for (const [at, tax] of part.taxes.entries()) check(tax.amount, `${pointer}/taxes/${at}/amount`)
    }
  for (const [index, tender] of order.tenders.entries()) check(tender.amount, `/tenders/${index}/amount`)
  return problems
}

function duplicateIds(parts: readonly { id: string }[], pointer: string): Problem[] {
  const seen = new Set<string>()
  const problems: Problem[] = []
  for (const [index, part] of parts.entries()) {
    if (seen.has(part.id))
      problems.push({ pointer: `${pointer}/${index}/id`, message: `the id ${part.id} is used twice` })
    seen.add(part.id)
  }
  return problems
}
