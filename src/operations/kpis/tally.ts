import { epochMs } from "../../base/time.ts"
import { hourOf, type HourCount, type Move, type Sheet } from "./sheet.ts"
import { spanOf } from "./spans.ts"

/** The counters of a batch of events. Starts from sheets as they were stored; a batch of any size and any cut of batches end in the same figures. */
export class Tally {
  readonly #before: ReadonlyMap<string, Sheet>
  readonly #sheets = new Map<string, Sheet>()
  readonly #counts = new Map<string, HourCount>()

  constructor(known: readonly Sheet[]) {
    this.#before = new Map(known.map((sheet) => [sheet.ref, sheet]))
    for (const sheet of known) this.#sheets.set(sheet.ref, { ...sheet, counted: [...sheet.counted] })
  }

  get sheets(): Sheet[] {
    return [...this.#sheets.values()].filter((sheet) => !isSame(sheet, this.#before.get(sheet.ref)))
  }

  get counts(): HourCount[] {
    return sorted([...this.#counts.values()].filter(({ by }) => by !== 0))
  }

  /** From each object's counter before to that after. */
  get moves(): Move[] {
    const moves = new Map<string, Move>()
    const move = (sheet: Sheet | undefined, sign: 1 | -1) => {
      if (!sheet || sheet.state === null) return
      const { kind, state, channel, place, currency, isFinal } = sheet
      const counter = { kind, state, hour: hourOf(sheet.openedAt), channel, place, currency, isFinal }
      const key = JSON.stringify(counter)
      const known = moves.get(key) ?? { ...counter, count: 0, valueMinor: 0 }
      known.count += sign
      known.valueMinor += sign * sheet.valueMinor
      moves.set(key, known)
    }
    for (const sheet of this.sheets) {
      move(this.#before.get(sheet.ref), -1)
      move(sheet, 1)
    }
    return sorted([...moves.values()].filter(({ count, valueMinor }) => count !== 0 || valueMinor !== 0))
  }

  /** The sheet of an object; a new one when nothing is known of it. */
  sheet(named: string, kind: string, at: string): Sheet {
    const known = this.#sheets.get(named)
    if (known) return known
    const sheet = newSheet(named, kind, at)
    this.#sheets.set(named, sheet)
    return sheet
  }

  /** The sheet of a part of an order, which has the order's channel and place. */
  part(named: string, { kind, at, of }: { kind: string; at: string; of: Sheet | undefined }): Sheet {
    const sheet = this.sheet(named, kind, at)
    if (of && sheet.channel === "") Object.assign(sheet, { channel: of.channel, place: of.place })
    return sheet
  }

  count(
    name: string,
    {
      at,
      of,
      label = "",
      by = 1,
    }: { at: string; of: Pick<Sheet, "channel" | "place"> | undefined; label?: string; by?: number },
  ): void {
    const { channel = "", place = "" } = of ?? {}
    const counter = { name, hour: hourOf(at), channel, place, label }
    const key = JSON.stringify(counter)
    const known = this.#counts.get(key)
    if (known) known.by += by
    else this.#counts.set(key, { ...counter, by })
  }

  /** Counts what counts once for an object, in the hour it was opened: shares of an hour's orders never exceed the whole. */
  once(sheet: Sheet, what: string): void {
    if (sheet.counted.includes(what)) return
    sheet.counted.push(what)
    this.count(`orders ${what}`, { at: sheet.openedAt, of: { channel: sheet.channel, place: sheet.soldAt } })
  }

  /** Counts how long something took, once for an object, in the hour it was done. */
  took(name: string, { from, to, of, label }: { from: string | null; to: string; of: Sheet; label?: string }): void {
    if (from === null || of.counted.includes(name)) return
    of.counted.push(name)
    this.span(name, { ms: epochMs(to) - epochMs(from), at: to, of, ...(label === undefined ? {} : { label }) })
  }

  span(
    name: string,
    { ms, at, of, label }: { ms: number; at: string; of: Pick<Sheet, "channel" | "place"> | undefined; label?: string },
  ): void {
    const span = spanOf(Math.max(0, ms))
    this.count(name, { at, of, label: label === undefined ? span : `${label}|${span}` })
  }
}

function newSheet(named: string, kind: string, at: string): Sheet {
  const nothing = { state: null, isFinal: false, version: null, leftAt: null, askedAt: null, counted: [] }
  return {
    ref: named,
    kind,
    channel: "",
    place: "",
    soldAt: "",
    payment: "",
    currency: "",
    valueMinor: 0,
    openedAt: at,
    since: at,
    ...nothing,
  }
}

const isSame = (one: Sheet, other: Sheet | undefined) =>
  other !== undefined && JSON.stringify(one) === JSON.stringify(other)

const sorted = <Row extends { hour: string }>(rows: readonly Row[]) =>
  rows
    .map((row) => [JSON.stringify(row), row] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, row]) => row)
