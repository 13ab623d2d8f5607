import { Batcher } from "../../base/batch.ts"
import { epochMs, type Clock } from "../../base/time.ts"
import type { AvailabilityReader } from "../availability.ts"

interface Line {
  sku: string
  channel: string
  locationId: string
}

interface Wanted {
  lineId?: string
  sku: string
  locationId?: string
  milli: number
}

/** Lines as the stock keeps them, with what has to stay free of each: kits and sales units are the goods they are made of. */
export type HeldBack = (
  lines: readonly Wanted[],
  channel: string | undefined,
) => Promise<{ lines: Wanted[]; floorsMilli: number[] }>

interface Kept {
  milli: number
  /** Of an article without stock of its own. */
  parts?: readonly { sku: string; milli: number }[]
}

/** A new count may widen or narrow a buffer; nobody waits longer than this for it. */
const keptMs = 1000
const keptMost = 50_000

/**
 * What has to stay free because sources may have sold it since they were heard. Kept for a second, so that a rush for one article asks
 * once; all that is asked at the same time shares a round trip.
 */
export function heldBack(availability: Pick<AvailabilityReader, "query">, clock: Clock): HeldBack {
  const kept = new Map<string, Kept & { untilMs: number }>()
  const asked = new Batcher<Line, Kept>({
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
      return answers.map(({ bufferMilli, withheldMilli, nextChangeAt, madeOf }, n) => {
        const found: Kept = { milli: bufferMilli + withheldMilli, ...(madeOf ? { parts: madeOf.parts } : {}) }
        const untilMs = Math.min(nowMs + keptMs, nextChangeAt === undefined ? Infinity : epochMs(nextChangeAt))
        const line = lines[n]
        if (line) kept.set(nameOf(line), { ...found, untilMs })
        return found
      })
    },
  })
  const look = (line: Line, nowMs: number): Kept | Promise<Kept> => {
    const known = kept.get(nameOf(line))
    return known && known.untilMs > nowMs ? known : asked.add(line)
  }
  return async (lines, channel = "") => {
    const nowMs = clock.now()
    const all = async (wanted: readonly Wanted[]) =>
      Promise.all(wanted.map(({ sku, locationId = "" }) => look({ sku, channel, locationId }, nowMs)))
    const found = await all(lines)
    if (!found.some(({ parts }) => parts)) return { lines: [...lines], floorsMilli: found.map(({ milli }) => milli) }
    const goods = lines.flatMap((line, n) => {
      const parts = found[n]?.parts
      if (!parts) return [line]
      return parts.map(({ sku, milli }) => ({ ...line, sku, milli: Math.ceil((milli * line.milli) / 1000) }))
    })
    return { lines: goods, floorsMilli: (await all(goods)).map(({ milli }) => milli) }
  }
}

const nameOf = ({ sku, channel, locationId }: Line) => JSON.stringify([sku, channel, locationId])
