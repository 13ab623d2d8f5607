import type { Incident, Journal } from "./journal/journal.ts"
import type { SnapshotAge } from "./snapshot/follow.ts"
import type { Line } from "./uplink.ts"

/** How the agent of a store is, for its people. */
export interface EdgeStatus extends Line {
  /** False while a till would be refused. */
  isWell: boolean
  storeId: string
  journal: string
  /** Kept here, and not answered by the centre. */
  outstanding: number
  /** The centre cannot read them; they are in the journal and are sent again from time to time. */
  refused: number
  tills: readonly TillStatus[]
  disk: { freeBytes: number; reserveBytes: number; isFull: boolean }
  /** What people must know; the centre is told of it, too. */
  incidents: readonly (Incident & { isTold: boolean })[]
  snapshot: SnapshotStatus
  [field: string]: unknown
}

/** What the store has of the centre. */
export interface SnapshotStatus extends SnapshotAge {
  isStale: boolean
  /** Things of each kind. */
  counts: Readonly<Record<string, number>>
  /** Lines that were sold and are not off the centre's stock, as far as the store knows. */
  soldSince: number
  /** When and why it was thrown away last, to be read anew. */
  thrownAway?: string
}

interface TillStatus {
  tillId: string
  /** The end of its chain. */
  place: number
  hash: string
  lastSequence?: number
  outstanding: number
  /** Numbers of the first and the last of them. */
  from?: number
  to?: number
}

export function statusOf(of: {
  journal: Journal
  storeId: string
  line: Line
  freeBytes: number
  reserveBytes: number
  snapshot: SnapshotStatus
}): EdgeStatus {
  const { journal, storeId, line, freeBytes, reserveBytes, snapshot } = of
  const tills = tillsOf(journal)
  const [refused] = journal.file.all("select count(*) as n from kept_rows where outcome = 'refused'")
  const isFull = freeBytes < reserveBytes
  const incidents = [true, false].flatMap((isTold) =>
    journal.incidents({ isTold }).map((incident) => ({ ...incident, isTold })),
  )
  return {
    isWell: !isFull,
    storeId,
    journal: journal.journal,
    ...line,
    outstanding: tills.reduce((sum, { outstanding }) => sum + outstanding, 0),
    refused: Number(refused?.["n"] ?? 0),
    tills,
    disk: { freeBytes, reserveBytes, isFull },
    snapshot,
    incidents: incidents.sort((a, b) => (a.at < b.at ? 1 : -1)),
  }
}

const ends = [
  "select sequence from kept_rows where till_id = ? and outcome is null and sequence is not null order by place limit 1",
  "select sequence from kept_rows where till_id = ? and outcome is null and sequence is not null order by place desc limit 1",
]

function tillsOf(journal: Journal): TillStatus[] {
  return [...journal.heads].map(([tillId, { place, hash }]) => {
    const [last] = journal.file.all(
      "select sequence from kept_rows where till_id = ? and sequence is not null order by place desc limit 1",
      [tillId],
    )
    // A monitor asks every few seconds, and a store that was alone has days of receipts: they are counted in the index and never read.
    const [unsent] = journal.file.all("select count(*) as n from kept_rows where till_id = ? and outcome is null", [
      tillId,
    ])
    const [low, high] = ends.map((sql) => journal.file.all(sql, [tillId])[0]?.["sequence"])
    return {
      tillId,
      place,
      hash,
      ...(last ? { lastSequence: Number(last["sequence"]) } : {}),
      outstanding: Number(unsent?.["n"] ?? 0),
      ...(typeof low === "number" && typeof high === "number" ? { from: low, to: high } : {}),
    }
  })
}
