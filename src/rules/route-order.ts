import type { RoutedLine } from "../ports/capabilities/goods.ts"

/** A location that can ship, with the figures routing weighs. */
export interface ShippingLocation {
  id: string
  kind: "warehouse" | "store"
  latitude: number
  longitude: number
  /** Cost of one parcel from here, in minor units of the shop's currency. */
  costPerShipmentMinor: number
  /** Working days from release to delivery. */
  serviceDays: number
  /** Parcels the location can still take today. */
  capacityLeft: number
}

/** One line that must ship. A kit ships as whole kits, each from one location. */
export interface WantedLine {
  lineId: string
  sku: string
  milli: number
  unit: string
  /** Stock needed for the whole line of `milli`: the line's own SKU, or a kit's components. */
  needs: readonly { sku: string; milli: number }[]
  /** The smallest part that may be split off, in thousandths: one piece, or one gram. */
  stepMilli: number
}

/** Weights of the routing, in minor units of the shop's currency. */
export interface RoutingWeights {
  perKilometreMinor: number
  perServiceDayMinor: number
  /** Extra cost of each parcel beyond the first. */
  splitPenaltyMinor: number
  /** Extra cost of a location near its capacity, in proportion to how full it is. */
  fullnessMinor: number
}

/** The result of routing: what ships from where, and what no location has. */
export interface Routing {
  lines: RoutedLine[]
  /** Quantities that no location has. */
  unfilled: { lineId: string; sku: string; milli: number; unit: string }[]
  /** The reason for the choice, for people. */
  explanation: string
}

/** The input of routing. */
export interface RoutingInput {
  wanted: readonly WantedLine[]
  locations: readonly ShippingLocation[]
  /** Free stock in thousandths: sku → location → milli. */
  stock: ReadonlyMap<string, ReadonlyMap<string, number>>
  destination: { latitude: number; longitude: number } | undefined
  weights: RoutingWeights
}

interface Plan {
  lines: RoutedLine[]
  missingMilli: number
  costMinor: number
  used: string[]
}

const combinationLocationsMax = 12

/**
 * Chooses which location ships what: the cheapest set of one, two or three locations that has everything. The cost
 * counts parcels, distance, service days, fullness and a penalty per split. If no set has everything, chooses the set
 * that leaves least unfilled. Pure. Ties go to the location id that sorts first, so the same input always gives the
 * same result.
 */
export function routeOrder(input: RoutingInput): Routing {
  const open = input.locations.filter((location) => location.capacityLeft > 0)
  const ranked = open
    .map((location) => ({ location, cost: locationCost(location, input), has: coverage(location.id, input) }))
    .filter((candidate) => candidate.has > 0)
    .sort((a, b) => b.has - a.has || a.cost - b.cost || (a.location.id < b.location.id ? -1 : 1))
    .slice(0, combinationLocationsMax)
    .map((candidate) => candidate.location)
  let best: Plan = emptyPlan(input)
  for (const size of [1, 2, 3]) {
    for (const set of combinations(ranked, size)) {
      const plan = fill(set, input)
      if (isBetter(plan, best)) best = plan
    }
    if (best.missingMilli === 0) break
  }
  return { lines: best.lines, unfilled: unfilled(best, input.wanted), explanation: explain(best) }
}

function isBetter(plan: Plan, best: Plan): boolean {
  if (plan.missingMilli !== best.missingMilli) return plan.missingMilli < best.missingMilli
  return plan.costMinor < best.costMinor
}

/** Fills the lines from a set of locations, cheapest location first, and sums the cost. */
function fill(set: readonly ShippingLocation[], input: RoutingInput): Plan {
  const byCost = [...set].sort((a, b) => locationCost(a, input) - locationCost(b, input) || (a.id < b.id ? -1 : 1))
  const left = new Map<string, number>()
  const free = (sku: string, location: string) =>
    left.get(`${sku}\n${location}`) ?? input.stock.get(sku)?.get(location) ?? 0
  const lines: RoutedLine[] = []
  let missingMilli = 0
  for (const wanted of input.wanted) {
    let wantMilli = wanted.milli
    for (const location of byCost) {
      const milli = Math.min(
        wantMilli,
        available(wanted, (sku) => free(sku, location.id)),
      )
      if (milli <= 0) continue
      for (const need of wanted.needs)
        left.set(`${need.sku}\n${location.id}`, free(need.sku, location.id) - share(need.milli, milli, wanted.milli))
      lines.push({
        lineId: wanted.lineId,
        sku: wanted.sku,
        quantity: { milli, unit: wanted.unit },
        locationId: location.id,
      })
      wantMilli -= milli
    }
    missingMilli += wantMilli
  }
  const used = [...new Set(lines.map((line) => line.locationId))]
  const usedCost = byCost
    .filter((location) => used.includes(location.id))
    .reduce((sum, location) => sum + locationCost(location, input), 0)
  return {
    lines,
    missingMilli,
    used,
    costMinor: usedCost + Math.max(0, used.length - 1) * input.weights.splitPenaltyMinor,
  }
}

/** The available quantity of a line in whole steps, given the free stock of everything it needs. */
function available(wanted: WantedLine, free: (sku: string) => number): number {
  const perNeed = wanted.needs.map((need) =>
    need.milli === 0 ? wanted.milli : Math.floor((Math.max(0, free(need.sku)) * wanted.milli) / need.milli),
  )
  const most = Math.min(wanted.milli, ...perNeed)
  return Math.floor(most / wanted.stepMilli) * wanted.stepMilli
}

function share(needMilli: number, partMilli: number, wholeMilli: number): number {
  return Math.ceil((needMilli * partMilli) / wholeMilli)
}

function coverage(locationId: string, input: RoutingInput): number {
  return input.wanted.reduce(
    (sum, wanted) => sum + available(wanted, (sku) => input.stock.get(sku)?.get(locationId) ?? 0),
    0,
  )
}

function locationCost(location: ShippingLocation, { destination, weights }: RoutingInput): number {
  const distance = destination ? kilometres(location, destination) * weights.perKilometreMinor : 0
  const fullness = weights.fullnessMinor / Math.max(1, location.capacityLeft)
  return location.costPerShipmentMinor + distance + location.serviceDays * weights.perServiceDayMinor + fullness
}

/** Great-circle distance by the haversine formula, on a sphere of 6,371 km. */
export function kilometres(
  from: { latitude: number; longitude: number },
  to: { latitude: number; longitude: number },
): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180
  const halfLatitude = Math.sin(radians(to.latitude - from.latitude) / 2)
  const halfLongitude = Math.sin(radians(to.longitude - from.longitude) / 2)
  const h = halfLatitude ** 2 + Math.cos(radians(from.latitude)) * Math.cos(radians(to.latitude)) * halfLongitude ** 2
  return 2 * 6371 * Math.asin(Math.min(1, Math.sqrt(h)))
}

function* combinations<Item>(items: readonly Item[], size: number, from = 0): Generator<Item[]> {
  if (size === 0) return yield []
  for (let index = from; index <= items.length - size; index += 1)
    for (const rest of combinations(items, size - 1, index + 1)) yield [items[index] as Item, ...rest]
}

function emptyPlan(input: RoutingInput): Plan {
  return {
    lines: [],
    missingMilli: input.wanted.reduce((sum, wanted) => sum + wanted.milli, 0),
    costMinor: 0,
    used: [],
  }
}

function unfilled(plan: Plan, wanted: readonly WantedLine[]): Routing["unfilled"] {
  return wanted.flatMap(({ lineId, sku, milli, unit }) => {
    const routed = plan.lines
      .filter((line) => line.lineId === lineId)
      .reduce((sum, line) => sum + line.quantity.milli, 0)
    return routed < milli ? [{ lineId, sku, milli: milli - routed, unit }] : []
  })
}

function explain(plan: Plan): string {
  if (plan.used.length === 0) return "no location has any of it"
  const parcels =
    plan.used.length === 1
      ? `one parcel from ${plan.used[0]}`
      : `${plan.used.length} parcels, from ${plan.used.join(", ")}`
  return plan.missingMilli === 0 ? parcels : `${parcels}; part of it is nowhere`
}
