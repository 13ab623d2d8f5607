import { useRef, useState } from "react"

interface Steady<Row> {
  rows: Row[]
  /** Rows that are no longer in the list, and stay where they were until it is shown anew. */
  goneKeys: ReadonlySet<string>
  newCount: number
  showNew: () => void
}

interface ListShape<Row> {
  keyOf: (row: Row) => string
  /** Names the list, with its filters: another one is shown at once. */
  listKey: string
  pages: number
  /** Whether there are rows below the last page. */
  hasMore: boolean
}

/**
 * Keeps a list still while it is read again and again: rows change in place, and none comes, goes or moves by itself. New ones
 * are counted until somebody asks for them.
 */
export function useSteadyRows<Row>(
  latest: readonly Row[] | undefined,
  { keyOf, listKey, pages, hasMore }: ListShape<Row>,
): Steady<Row> {
  const shown = useRef<{ listKey: string; pages: number; keys: string[]; rows: Map<string, Row> }>(undefined)
  const [, redraw] = useState(0)
  if (latest === undefined) return { rows: [], goneKeys: new Set(), newCount: 0, showNew: () => undefined }
  const now = new Map(latest.map((row) => [keyOf(row), row]))
  const before = shown.current
  if (!before || before.listKey !== listKey) {
    shown.current = { listKey, pages, keys: [...now.keys()], rows: now }
    return { rows: [...latest], goneKeys: new Set(), newCount: 0, showNew: () => undefined }
  }
  if (pages > before.pages) {
    // Somebody asked for a page more: what it holds comes below what is there.
    const below = lastKnownIndex(latest, before.keys, keyOf)
    before.keys.push(...latest.slice(below + 1).map(keyOf))
    before.pages = pages
  }
  for (const key of before.keys) {
    const row = now.get(key)
    if (row !== undefined) before.rows.set(key, row)
  }
  const known = new Set(before.keys)
  // New rows push old ones off the pages that are read; those below the last one that is seen are not gone.
  const horizon = before.keys.findLastIndex((key) => now.has(key))
  return {
    rows: before.keys.flatMap((key) => before.rows.get(key) ?? []),
    goneKeys: new Set(before.keys.filter((key, index) => !now.has(key) && (!hasMore || index < horizon))),
    newCount: [...now.keys()].filter((key) => !known.has(key)).length,
    showNew: () => {
      shown.current = undefined
      redraw((count) => count + 1)
    },
  }
}

function lastKnownIndex<Row>(rows: readonly Row[], keys: readonly string[], keyOf: (row: Row) => string): number {
  const known = new Set(keys)
  return rows.findLastIndex((row) => known.has(keyOf(row)))
}
