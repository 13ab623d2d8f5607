import { ref } from "../../canonical/refs.ts"
import type { Finding } from "./finding.ts"

/** One SKU at one place, in thousandths of its unit. */
export interface StockPlace {
  sku: string
  locationId: string
  /** What was there when the books began, with everything received since. */
  openingMilli: number
  shippedMilli: number
  /** Put back from what had shipped. */
  returnedMilli: number
  onHandMilli: number
  reservedMilli: number
  /** An order that is under way wants it. */
  isWanted: boolean
}

/** Places where opening less shipped, and what came back, is not what is there, or where more left than there was. */
export function findStockDifferences(places: readonly StockPlace[]): Finding[] {
  return places.flatMap(({ sku, locationId, openingMilli, shippedMilli, returnedMilli, onHandMilli }) => {
    const shouldMilli = openingMilli - shippedMilli + returnedMilli
    const about = ref("stock", locationId, sku)
    const found = units(onHandMilli)
    const differs = { what: "has another quantity than its movements say", about, expected: units(shouldMilli), found }
    const oversold = {
      what: "sent more than there ever was",
      about,
      expected: units(openingMilli),
      found: units(shippedMilli),
    }
    return [...(onHandMilli === shouldMilli ? [] : [differs]), ...(shouldMilli < 0 ? [oversold] : [])].map(
      (finding) => ({ ...finding, atRisk: null }),
    )
  })
}

/** Places where something stays promised though no order wants it. */
export function findForgottenReservations(places: readonly StockPlace[]): Finding[] {
  return places
    .filter(({ reservedMilli, isWanted }) => reservedMilli !== 0 && !isWanted)
    .map(({ sku, locationId, reservedMilli }) => ({
      what: "stays promised, and no open order wants it",
      about: ref("stock", locationId, sku),
      expected: "0",
      found: units(reservedMilli),
      atRisk: null,
    }))
}

const units = (milli: number) => String(milli / 1000)
