import {
  findForeignWrites,
  findOverpromises,
  findUntrueLevels,
  findVersionsGoneBack,
} from "../../../src/rules/tie-out/published.ts"
import type { Finding } from "../../../src/rules/tie-out/finding.ts"
import type { ChannelBook } from "../../books/books.ts"
import { violationsOf, type Findings, type View } from "../view.ts"

/** What the channel shows: true at rest, never more than there was, in versions that only grow, and nothing that others own. */
export function checkChannel({ books }: View): Findings {
  const { channel: book } = books
  const levels = levelsAtRest(book)
  const sets = levelsSet(book)
  const untrue = findUntrueLevels(levels)
  const over = findOverpromises(sets)
  const back = findVersionsGoneBack(book.sightings)
  const declared = new Set(book.rows.map(({ sku, locationId }) => `${locationId} ${sku}`))
  const written = sets.map((set) => ({ ...set, field: "stock" }))
  const foreign = findForeignWrites(written, ({ sku, locationId }) => declared.has(`${locationId} ${sku}`))
  const edits = book.changes.filter(({ by }) => by === "staff").length
  const row = (what: string, all: number, { length: differences }: readonly Finding[]) => {
    return { what, ours: String(all - differences), theirs: String(all), differences }
  }
  return {
    violations: [
      ...violationsOf("I-4", untrue),
      ...violationsOf("I-4", over),
      ...violationsOf("I-7", back),
      ...violationsOf("I-9", foreign),
    ],
    rows: [
      row("articles the channel shows as they may be promised, at rest", levels.length, untrue),
      row("levels set, none above what could be promised then", sets.length, over),
      row("sightings of rows under faults, versions never go back", book.sightings.length, back),
      row(`levels set at places that are declared (${edits} edits by the shop's people)`, sets.length, foreign),
    ],
  }
}

/** A kit is no level of the shop's own, and what the shop does not stock cannot be shown. */
function levelsAtRest({ channel, rows, levels }: ChannelBook) {
  return rows.flatMap(({ sku, locationId, state, promiseMilli, unseenMilli }) => {
    // A person was told of what is held or refused, and of an article that the shop has under another name: nothing is written until then.
    if (["held", "unmapped", "refused"].includes(state)) return []
    const own = levels.filter((level) => level.sku === sku && level.place === locationId && !level.isBundle)
    const [shown] = own
    // Two items of one SKU are refused, and told as a row.
    if (!shown || own.length > 1) return []
    const promise = Math.floor(Math.max(0, promiseMilli - unseenMilli) / 1000) * 1000
    return [{ channel, sku, locationId, shownMilli: shown.available * 1000, promiseMilli: promise }]
  })
}

/** As long as a write may be on its way: a process that is paused after it has computed, and a call that waits. */
const underWayMs = 20_000

function levelsSet({ channel, rows, changes, levels, steps }: ChannelBook) {
  const backorders = new Map(rows.map(({ sku, backorderMilli }) => [sku, backorderMilli]))
  const places = new Map(levels.map(({ locationId, place }) => [locationId, place]))
  const bySku = Map.groupBy(steps, ({ sku }) => sku)
  return changes
    .filter(({ by }) => by === "app")
    .map(({ sku, locationId, to, at }) => ({
      channel,
      sku,
      locationId: places.get(locationId) ?? String(locationId),
      at,
      setMilli: to * 1000,
      mostMilli:
        (backorders.get(sku) ?? 0) +
        mostWithin(bySku.get(sku) ?? [], { fromMs: Date.parse(at) - underWayMs, toMs: Date.parse(at) }),
    }))
}

/** The most that a sum of steps was at any moment of a time. */
function mostWithin(
  steps: readonly { atMs: number; milli: number }[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): number {
  let sum = 0
  let most = Number.NEGATIVE_INFINITY
  for (const { atMs, milli } of steps) {
    if (atMs > toMs) break
    // What stood when the time began counts, too.
    if (atMs > fromMs) most = Math.max(most, sum)
    sum += milli
  }
  return Math.max(most, sum)
}
