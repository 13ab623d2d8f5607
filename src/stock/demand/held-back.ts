import { Batcher } from "../../base/batch.ts"
import { epochMs, type Clock } from "../../base/time.ts"
import type { AvailabilityReader } from "../availability.ts"

interface Line {
  sku: string
  channel: string
  locationId: string
}

/** What is held back of each line from a channel. */
export type HeldBack = (
  lines: readonly { sku: string; locationId?: string }[],
  channel: string | undefined,
) => Promise<number[]>

/** A new count may widen or narrow a buffer; nobody waits longer than this for it. */
const keptMs = 1000
const keptMost = 50_000

/**
 * What has to stay free because sources may have sold it since they were heard. Kept for a second, so that a rush for one article asks
 * once; all that is asked at the same time shares a round trip.
 */
export function heldBack(availability: Pick<AvailabilityReader, "query">, clock: Clock): HeldBack {
  const kept = new Map<string, { milli: number; untilMs: number }>()
  const asked = new Batcher<Line, number>({
    sizeMax: 500,
    queueMax: 100_000,
    async flush(lines) {
      const answers = await availability.query(
        lines.map(({ sku, channel, locationId }) => ({
          sku,
          ...(channel === "" ? {} : { channel }),
          ...(locationId === "" ? {} : { locationId }),
        })),
      )
      const nowMs = clock.now()
      if (kept.size > keptMost) kept.clear()
      return answers.map(({ bufferMilli, withheldMilli, nextChangeAt }, n) => {
        const milli = bufferMilli + withheldMilli
        const untilMs = Math.min(nowMs + keptMs, nextChangeAt === undefined ? Infinity : epochMs(nextChangeAt))
        const line = lines[n]
        if (line) kept.set(nameOf(line), { milli, untilMs })
        return milli
      })
    },
  })
  return async (lines, channel = "") => {
    const nowMs = clock.now()
    return Promise.all(
      lines.map(({ sku, locationId = "" }) => {
        const line = { sku, channel, locationId }
        const known = kept.get(nameOf(line))
        return known && known.untilMs > nowMs ? known.milli : asked.add(line)
      }),
    )
  }
}

const nameOf = ({ sku, channel, locationId }: Line) => JSON.stringify([sku, channel, locationId])
