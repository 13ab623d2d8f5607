import { storage, type Sql } from "../../base/sql.ts"

/** By what figures are told apart. */
export const dimensions = ["channel", "store", "region", "payment method", "connection"] as const
export type Dimension = (typeof dimensions)[number]

/** Counters that belong together: of one channel, of one day. */
export class Counters {
  readonly #byName = new Map<string, Map<string, number>>()

  add(name: string, label: string, value: number): void {
    const labels = this.#byName.get(name) ?? new Map<string, number>()
    this.#byName.set(name, labels.set(label, (labels.get(label) ?? 0) + value))
  }

  /** Adds all counters of another group. */
  take(other: Counters): void {
    for (const [name, labels] of other.#byName) for (const [label, value] of labels) this.add(name, label, value)
  }

  /** All of a name, or of its labels that begin so. */
  sum(name: string, fits: (label: string) => boolean = () => true): number {
    return [...this.labels(name)].reduce((sum, [label, value]) => (fits(label) ? sum + value : sum), 0)
  }

  labels(name: string): ReadonlyMap<string, number> {
    return this.#byName.get(name) ?? new Map<string, number>()
  }

  /** How often something took how long. */
  spans(name: string): ReadonlyMap<string, number> {
    const spans = new Map<string, number>()
    for (const [label, value] of this.labels(name)) {
      const span = label.slice(label.lastIndexOf("|") + 1)
      spans.set(span, (spans.get(span) ?? 0) + value)
    }
    return spans
  }
}

export type Step = "hour" | "day" | "week"

export interface CountersOf {
  names: readonly string[]
  since: string
  until: string
  by?: Dimension | undefined
  step?: Step | undefined
  /** Days and weeks are counted there. */
  timeZone: string
  channels?: readonly string[] | undefined
  /** Regions of places. */
  regionOf: (place: string) => string
}

/** A group of counters: of which channel, store …, and from when on. */
export interface Group {
  of: string
  from: string
  counters: Counters
}

/** A counter of a channel and place, from a moment on. */
export interface Row {
  name: string
  label: string
  channel: string
  place: string
  from: string
  value: number
}

/** Counters of some names by a dimension and by time. Those that the dimension does not apply to are left out. */
export async function readCounters(sql: Sql, request: CountersOf): Promise<Group[]> {
  const { names, since, until, step, timeZone, channels } = request
  const rows = await storage(
    () => sql<(Omit<Row, "from"> & { from: Date })[]>`
      select name, label, channel, place, coalesce(date_trunc(${step ?? null}::text, hour, ${timeZone}), ${since}::timestamptz) as from,
        sum(value)::bigint as value
      from figures
      where name = any(${[...names]}) and hour >= date_trunc('hour', ${since}::timestamptz) and hour < ${until}::timestamptz
        and (${channels === undefined} or channel = any(${[...(channels ?? [])]}))
      group by 1, 2, 3, 4, 5 order by 5, 3, 4, 1, 2`,
  )
  return grouped(
    rows.map((row) => ({ ...row, from: row.from.toISOString() })),
    request,
  )
}

/** Puts rows of counters into their groups. */
export function grouped(rows: readonly Row[], { by, regionOf }: Pick<CountersOf, "by" | "regionOf">): Group[] {
  const groups = new Map<string, Group>()
  for (const row of rows) {
    const of = groupOf(row, by, regionOf)
    if (of === undefined) continue
    const key = `${row.from} ${of}`
    const group = groups.get(key) ?? { of, from: row.from, counters: new Counters() }
    group.counters.add(row.name, row.label, row.value)
    groups.set(key, group)
  }
  return [...groups.values()]
}

function groupOf(row: Row, by: Dimension | undefined, regionOf: (place: string) => string): string | undefined {
  const [first = ""] = row.label.split("|")
  switch (by) {
    case undefined:
      return ""
    case "channel":
      return row.channel
    case "store":
      return row.place
    case "region":
      return regionOf(row.place)
    case "payment method":
      return paymentLabels.has(row.name) ? first : undefined
    case "connection":
      return connectionLabels.has(row.name) ? first : undefined
  }
}

/** Counters whose labels begin with a payment method, or with a connection. */
const paymentLabels = new Set(["orders by payment", "refund time"])
const connectionLabels = new Set(["effects", "attempts", "deliveries"])
