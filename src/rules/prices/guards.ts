import { Type, type Static } from "typebox"
import { moneyText, type Money } from "../../base/money.ts"
import type { Problem } from "../../base/errors.ts"
import type { Price } from "../../canonical/catalogue/price.ts"
import { orderProblems } from "../../canonical/catalogue/validity.ts"

const WholePercent = (description: string) => Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description }))

/** Limits for prices; what breaks one is held until a person decides. */
export const PriceGuards = Type.Object(
  {
    largestChangePercent: WholePercent("a price may move by at most so many per cent at a time, e.g. 50"),
    floorPercentOfCost: WholePercent(
      "a price that buyers pay is at least so many per cent of the cost price, e.g. 105",
    ),
  },
  { additionalProperties: false },
)
export type PriceGuards = Static<typeof PriceGuards>

/** What a price is compared with. */
export interface PriceBefore {
  /** The price of the same record until now. */
  before: Money | undefined
  cost: Money | undefined
}

/** The guard that a price breaks, by its name and in words. Only guards of policies hold; a price of zero is never right. */
export function brokenGuard(
  { type, amount }: Pick<Price, "type" | "amount">,
  { before, cost }: PriceBefore,
  guards: PriceGuards,
): { name: string; why: string } | undefined {
  const { largestChangePercent: most, floorPercentOfCost: floor } = guards
  if (most !== undefined && before && before.currency === amount.currency) {
    const moved = Math.abs(amount.amountMinor - before.amountMinor)
    if (BigInt(moved) * 100n > BigInt(before.amountMinor) * BigInt(most))
      return {
        name: "guard: largest change",
        why: `${moneyText(before)} would become ${moneyText(amount)}, more than ${most} % at a time`,
      }
  }
  if (
    floor !== undefined &&
    cost &&
    cost.currency === amount.currency &&
    type !== "cost" &&
    type !== "list" &&
    type !== "map"
  )
    if (BigInt(amount.amountMinor) * 100n < BigInt(cost.amountMinor) * BigInt(floor))
      return { name: "guard: floor", why: `${moneyText(amount)} is less than ${floor} % of what it costs` }
  return undefined
}

/**
 * Problems of a price by itself. Zero is refused: a parent's 0 is often passed on to its variants. A compare-at of zero
 * is no price but "there is none", and stands below the price it crosses out.
 */
export function priceProblems({ type, amount, compareAt, scope, validity }: Price): Problem[] {
  const problems = orderProblems(validity).map((one) => ({ ...one, pointer: `/validity${one.pointer}` }))
  if (amount.amountMinor < 0 || (amount.amountMinor === 0 && type !== "cost"))
    problems.push({ pointer: "/amount/amountMinor", message: `a ${type} price of ${moneyText(amount)} is never right` })
  if (type === "tier" && scope.minMilli === undefined)
    problems.push({ pointer: "/scope/minMilli", message: "a tier price names the quantity it begins at" })
  if (type === "staff" && scope.group === undefined)
    problems.push({ pointer: "/scope/group", message: "a staff price names its group" })
  if (compareAt && "set" in compareAt) {
    const { set } = compareAt
    if (set.currency !== amount.currency)
      problems.push({ pointer: "/compareAt/set/currency", message: `is not ${amount.currency}, as the price is` })
    else if (set.amountMinor <= amount.amountMinor)
      problems.push({
        pointer: "/compareAt/set",
        message:
          set.amountMinor === 0 ? "0 is no price: take it away by `clear`" : "is not above the price it crosses out",
      })
  }
  return problems
}
