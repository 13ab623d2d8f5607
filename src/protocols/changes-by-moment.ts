import { AppError } from "../base/errors.ts"
import type { ChangeList, Delivery } from "../ports/capabilities/intake.ts"
import type { Call } from "../ports/write.ts"

interface Place {
  fromMs: number
  take: number
}

/**
 * A change list over a vendor's list that is sorted by a moment and read from a moment on.
 *
 * Each page begins at the moment of the last row of the page before it, that moment included, and never at a count of rows: rows that
 * move to the end while pages are read would shift the others by one, and a count would pass over them. Rows of the border are listed
 * twice, which is harmless. A page whose rows all have one moment is read again with twice the size.
 */
export function changesByMoment<Row>(options: {
  overlapMs: number
  pageSize: number
  /** Most rows the vendor gives at once. */
  takeMax: number
  /** The first `take` rows whose moment is `fromMs` or later, the oldest first. Of a vendor whose pages may be short it says whether there are more. */
  read: (place: Place, call: Omit<Call, "key">) => Promise<readonly Row[] | { rows: readonly Row[]; hasMore: boolean }>
  momentMsOf: (row: Row) => number
  deliveryOf: (row: Row, call: Omit<Call, "key">) => Promise<Delivery>
}): ChangeList {
  const { overlapMs, pageSize, takeMax, read, momentMsOf, deliveryOf } = options
  const next = (place: Place, last: Row | undefined, isFull: boolean): Place => {
    if (last === undefined) return place
    const lastMs = momentMsOf(last)
    if (!isFull || lastMs > place.fromMs) return { fromMs: lastMs, take: pageSize }
    if (place.take === takeMax)
      throw new AppError("VENDOR_MISBEHAVED", `more than ${takeMax} rows have one moment; they cannot be told apart`)
    return { fromMs: lastMs, take: Math.min(takeMax, place.take * 2) }
  }
  return {
    overlapMs,
    async listChanges({ cursor, sinceMs }, call) {
      const place = cursor === undefined ? { fromMs: sinceMs, take: pageSize } : readPlace(cursor)
      const page = await read(place, call)
      const { rows, hasMore: isFull } = "rows" in page ? page : { rows: page, hasMore: page.length >= place.take }
      return {
        deliveries: await Promise.all(rows.map((row) => deliveryOf(row, call))),
        nextCursor: JSON.stringify(next(place, rows.at(-1), isFull)),
        hasMore: isFull,
      }
    },
  }
}

function readPlace(cursor: string): Place {
  const value: unknown = JSON.parse(cursor)
  if (typeof value === "object" && value !== null && "fromMs" in value && "take" in value) {
    const { fromMs, take } = value
    if (typeof fromMs === "number" && typeof take === "number") return { fromMs, take }
  }
  throw new AppError("REQUEST_INVALID", `"${cursor}" is not a cursor of this list`)
}
