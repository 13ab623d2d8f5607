import type { SimulatorContext } from "../simulator.ts"
import type { Row } from "./search.ts"

// Locations and moves of Tryton 6.0 as `real.md` describes them.

export type Move = Row & {
  id: number
  product: number
  quantity: number
  internal_quantity: number
  from_location: number
  to_location: number
  state: "draft" | "assigned" | "done" | "cancelled"
  origin: string | null
  shipment: string | null
  write_date: object | null
  /** When the transaction that did it commits: until then nobody sees it. */
  visibleAtMs: number
}

/** The locations that Tryton 6.0 makes by itself, by their ids, and a shelf and a shop beside its warehouse. */
export const trytonLocations = {
  input: 1,
  output: 2,
  storage: 3,
  lostAndFound: 4,
  warehouse: 5,
  supplier: 6,
  customer: 7,
  transit: 8,
  repairShelf: 9,
  shop: 10,
  window: 11,
} as const

const { warehouse, shop } = trytonLocations
const locationRows: readonly Row[] = (
  [
    [1, "Input Zone", "storage", warehouse],
    [2, "Output Zone", "storage", warehouse],
    [3, "Storage Zone", "storage", warehouse],
    [4, "Lost and Found", "lost_found", null],
    [5, "Warehouse", "warehouse", null],
    [6, "Supplier", "supplier", null],
    [7, "Customer", "customer", null],
    [8, "Transit", "storage", null],
    [9, "Repair shelf", "storage", warehouse],
    [10, "Shop", "storage", null],
    [11, "Shop window", "storage", shop],
  ] as const
).map(([id, name, type, parent]) => ({ id, name, type, parent, active: true }))

export type Wanted = {
  product: number
  quantity: number
  from: number
  to: number
  state: Move["state"]
  origin?: string
  shipment?: string
  /** How long its transaction takes after the time that it stands under. */
  lateMs?: number
}

/** What lies where. Quantities are floats in the product's own unit. */
export class Stock {
  readonly moves: Map<number, Move>
  readonly locations = new Map(locationRows.map((row) => [Number(row["id"]), row]))
  readonly internals: Map<number, Row>

  constructor({ keep }: Pick<SimulatorContext, "keep">) {
    this.moves = keep<number, Move>("moves")
    this.internals = keep<number, Row>("internalShipments")
  }

  add({ product, quantity, from, to, state, origin, shipment, lateMs = 0 }: Wanted): Move {
    const id = 1 + Math.max(0, ...this.moves.keys())
    const made: Move = {
      id,
      product,
      quantity,
      internal_quantity: quantity,
      from_location: from,
      to_location: to,
      state,
      origin: origin ?? null,
      shipment: shipment ?? null,
      write_date: datetime(Date.now()),
      visibleAtMs: Date.now() + lateMs,
    }
    this.moves.set(id, made)
    return made
  }

  /** Moves of which the transaction is over. */
  visible(): Move[] {
    return [...this.moves.values()].filter(({ visibleAtMs }) => visibleAtMs <= Date.now())
  }

  /** Sets the state of a shipment's moves: those that bring goods to the dispatch area, or those that leave the house. */
  set(shipment: string, which: "to dispatch" | "to customer" | "all", state: Move["state"]): void {
    for (const move of this.moves.values()) {
      const isOutgoing = move.to_location === trytonLocations.customer
      const isMeant = which === "all" || isOutgoing === (which === "to customer")
      // What is done stays done.
      if (move.shipment !== shipment || !isMeant || move.state === "done") continue
      Object.assign(move, { state, write_date: datetime(Date.now()) })
    }
  }

  /** What lies at exactly these locations: moves that are done, and nothing that is planned. */
  quantity(product: number, locations: readonly number[]): number {
    const done = this.visible().filter((move) => move.product === product && move.state === "done")
    const sum = (end: "to_location" | "from_location") =>
      done.filter((move) => locations.includes(move[end])).reduce((all, move) => all + move.internal_quantity, 0)
    return sum("to_location") - sum("from_location")
  }

  clear(): void {
    this.moves.clear()
    this.internals.clear()
  }
}

/** A moment as Tryton's JSON has it. */
export function datetime(atMs: number): object {
  const at = new Date(atMs)
  return {
    __class__: "datetime",
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
    microsecond: at.getUTCMilliseconds() * 1000,
  }
}

/** A day as Tryton's JSON has it. */
export function today(): object {
  const at = new Date()
  return { __class__: "date", year: at.getUTCFullYear(), month: at.getUTCMonth() + 1, day: at.getUTCDate() }
}
