/** What a line of a receipt sold, as its own receipt says. */
export interface LineSold {
  /** Thousandths of the unit. */
  milli: number
  /** What was paid for all of it, net of its discounts, tax included. */
  paidMinor: number
  unit: string
  sku?: string
  serial?: string
  /** SKUs of what it is made of: a kit's components. */
  parts?: readonly string[]
}

/** What a till took back of a line of a receipt, and gave for it. */
export interface Taking {
  key: string
  milli: number
  givenMinor: number
  /** How many amounts of it the till rounded, each by itself: amount, discounts, taxes. So many minor units more are no loss. */
  amounts: number
  unit: string
  sku?: string
  serial?: string
}

/** Why a till gave more than was due. */
export type LossWhy = "given back before" | "other goods" | "part of a kit" | "more than was paid"

/** What counts of a taking. The rest of what the till gave is lost: the buyer has it. */
export interface Standing {
  key: string
  grantedMilli: number
  lostMilli: number
  lostMinor: number
  why?: LossWhy
}

/**
 * Which of the takings of one line stand, the first first: together never more than was sold. A taking that is voided is left out, and what
 * it had is the next one's. One of other goods, or of another piece than the one with its serial, stands for nothing; nor does a part of a
 * kit that was sold whole: what is due for it, nobody has said.
 */
export function standTakings(sold: LineSold, takings: readonly Taking[]): Standing[] {
  let leftMilli = sold.milli
  return takings.map((taking) => {
    const { key, milli, givenMinor, amounts } = taking
    if (!isOf(sold, taking)) {
      const isPart = taking.sku !== undefined && sold.parts?.includes(taking.sku)
      const why = isPart ? ("part of a kit" as const) : ("other goods" as const)
      return { key, grantedMilli: 0, lostMilli: milli, lostMinor: givenMinor, why }
    }
    const grantedMilli = Math.min(milli, leftMilli)
    leftMilli -= grantedMilli
    const lostMilli = milli - grantedMilli
    const overMinor = partOf(givenMinor, lostMilli, milli)
    const dueMinor = partOf(sold.paidMinor, grantedMilli, sold.milli)
    const aboveMinor = givenMinor - overMinor - dueMinor
    const overpaidMinor = aboveMinor > amounts ? aboveMinor : 0
    const why: LossWhy | undefined =
      lostMilli > 0 ? "given back before" : overpaidMinor > 0 ? "more than was paid" : undefined
    return { key, grantedMilli, lostMilli, lostMinor: overMinor + overpaidMinor, ...(why ? { why } : {}) }
  })
}

/** What one side does not say is not compared. */
function isOf(sold: LineSold, { unit, sku, serial }: Taking): boolean {
  const fits = (one: string | undefined, other: string | undefined) =>
    one === undefined || other === undefined || one === other
  return sold.unit === unit && fits(sold.sku, sku) && fits(sold.serial, serial)
}

/** The part of an amount for so much of a quantity, in whole minor units: towards nothing. */
function partOf(amountMinor: number, milli: number, ofMilli: number): number {
  return ofMilli === 0 ? 0 : Number((BigInt(amountMinor) * BigInt(milli)) / BigInt(ofMilli))
}
