import type { KeptMap } from "../keep/kept.ts"

export type ShelfRow = { sku: string; locationId: string; onHandMilli: number; unit: string }

type ShelfPlace = { locationId: string; sku: string }
type Slot = ShelfRow & { committedMilli: number }

/**
 * The physical stock of each place, and the units set aside for requests in work. A place without opening stock never runs out.
 */
export type Shelf = {
  /** Sets aside up to this many units; returns how many there were. */
  commit(at: ShelfPlace, wantedMilli: number): number
  /** Undoes a part of `commit`. */
  release(at: ShelfPlace, milli: number): void
  /** Removes the set-aside units from the place. */
  ship(at: ShelfPlace, milli: number): void
  set(row: ShelfRow): void
  /** Adds units to a place, or takes them away; never below nothing. */
  add(at: ShelfPlace & { unit: string }, milli: number): void
  rowsAt(locationId: string, skus?: readonly string[]): ShelfRow[]
  reset(): void
}

/** `kept`: the differences from the opening stock. */
export function createShelf(opening: readonly ShelfRow[] | undefined, kept: KeptMap<string, Slot>): Shelf {
  const places = new Map<string, Map<string, Slot>>()
  const put = (slot: Slot): void => {
    const place = places.get(slot.locationId) ?? new Map<string, Slot>()
    places.set(slot.locationId, place)
    place.set(slot.sku, slot)
  }
  const keep = (slot: Slot): void => void kept.set(`${slot.locationId}/${slot.sku}`, slot)
  const set = (row: ShelfRow): void => {
    const slot = { ...row, committedMilli: slotAt(row)?.committedMilli ?? 0 }
    put(slot)
    keep(slot)
  }
  const reset = (): void => {
    places.clear()
    for (const row of opening ?? []) put({ ...row, committedMilli: 0 })
  }
  const slotAt = ({ locationId, sku }: ShelfPlace): Slot | undefined => places.get(locationId)?.get(sku)
  reset()
  for (const slot of kept.values()) put(slot)
  return {
    commit: (at, wantedMilli) => {
      if (!places.has(at.locationId)) return wantedMilli
      const slot = slotAt(at)
      if (slot === undefined) return 0
      const committed = Math.max(0, Math.min(wantedMilli, slot.onHandMilli - slot.committedMilli))
      slot.committedMilli += committed
      keep(slot)
      return committed
    },
    release: (at, milli) => {
      const slot = slotAt(at)
      if (slot === undefined) return
      slot.committedMilli = Math.max(0, slot.committedMilli - milli)
      keep(slot)
    },
    ship: (at, milli) => {
      const slot = slotAt(at)
      if (slot === undefined) return
      slot.committedMilli = Math.max(0, slot.committedMilli - milli)
      slot.onHandMilli = Math.max(0, slot.onHandMilli - milli)
      keep(slot)
    },
    set,
    add: ({ sku, locationId, unit }, milli) => {
      const onHandMilli = Math.max(0, (slotAt({ sku, locationId })?.onHandMilli ?? 0) + milli)
      if (milli !== 0) set({ sku, locationId, unit, onHandMilli })
    },
    rowsAt: (locationId, skus) => {
      const place = places.get(locationId) ?? new Map<string, Slot>()
      const slots = skus === undefined ? [...place.values()] : skus.flatMap((sku) => place.get(sku) ?? [])
      return slots.map(({ committedMilli: _set, ...row }) => row)
    },
    reset: () => {
      kept.clear()
      reset()
    },
  }
}
