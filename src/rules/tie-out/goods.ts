import { ref, type Ref } from "../../canonical/refs.ts"
import type { Finding } from "./finding.ts"

/** A parcel as one of the books has it: the warehouse's, the ERP's deliveries, the channel's fulfilments. */
export interface Parcel {
  /** What all of them call it, such as its tracking number. */
  parcel: string
  order: Ref
  /** Units in it, in thousandths; absent where the book does not say. */
  milli?: number
}

/** What was sold of a line, and what became of it. */
export interface ShippedLine {
  order: Ref
  lineId: string
  soldMilli: number
  /** Asked of locations and neither cancelled nor missing there. */
  askedMilli: number
  shippedMilli: number
}

interface OtherBook {
  /** Its name for people: "the ERP". */
  name: string
  parcels: readonly Parcel[]
}

/** Parcels that left and that another book lacks, has twice, or has with another quantity. */
export function findUnbookedParcels(
  shipped: readonly Parcel[],
  { name, parcels }: OtherBook,
  /** Orders that a person has: what is missing for them is not missed yet. */
  isExcused: (order: Ref) => boolean = () => false,
): Finding[] {
  const there = Map.groupBy(parcels, keyOf)
  return shipped.flatMap((left): Finding[] => {
    const { parcel, order, milli } = left
    const own = there.get(keyOf(left)) ?? []
    const about = shipmentRef(order, parcel)
    const found = String(own.length)
    if (own.length === 0 && isExcused(order)) return []
    if (own.length !== 1) return [{ what: `is in ${name} not once`, about, expected: "1", found, atRisk: null }]
    const [booked] = own
    if (milli === undefined || booked?.milli === undefined || booked.milli === milli) return []
    const what = `is in ${name} with another quantity`
    return [{ what, about, expected: units(milli), found: units(booked.milli), atRisk: null }]
  })
}

/** Parcels of another book that never left. */
export function findUnshippedParcels(shipped: readonly Parcel[], { name, parcels }: OtherBook): Finding[] {
  const left = new Set(shipped.map(keyOf))
  return parcels
    .filter((parcel) => !left.has(keyOf(parcel)))
    .map(({ parcel, order }) => ({
      what: `is in ${name} and never left`,
      about: shipmentRef(order, parcel),
      expected: "none",
      found: "1",
      atRisk: null,
    }))
}

/** Lines of which more was shipped, or asked for, than was sold. */
export function findOvershipped(lines: readonly ShippedLine[]): Finding[] {
  return lines.flatMap(({ order, lineId, soldMilli, askedMilli, shippedMilli }) => {
    const most = Math.max(askedMilli, shippedMilli)
    if (most <= soldMilli) return []
    const what = `line ${lineId} ${shippedMilli > soldMilli ? "shipped" : "was asked for"} more than was sold`
    return [{ what, about: order, expected: units(soldMilli), found: units(most), atRisk: null }]
  })
}

// A parcel that a book has under another order is one that is missing and one that never left.
const keyOf = ({ order, parcel }: Parcel) => `${order} ${parcel}`
const units = (milli: number) => String(milli / 1000)
const shipmentRef = (order: Ref, parcel: string) => ref("shipment", order.slice(order.indexOf("/") + 1), parcel)
