import type { DatabaseSync } from "node:sqlite"
import { noHead, linkHash, type Head } from "./chain.ts"

/** A place where a chain does not hold. */
export interface Break {
  tillId: string
  place: number
  what: string
}

/** A walk along all chains: how many entries hold, and each break. */
export interface Walk {
  entries: number
  /** Places before the first that is walked: the centre has what was there. */
  pruned: number
  breaks: readonly Break[]
}

const breaksMax = 20

/** Walks every till's chain from where it begins to the end that the journal remembers. Writes nothing. */
export function walkChains(database: DatabaseSync): Walk {
  const [check] = database.prepare("pragma quick_check(1)").all() as { quick_check: string }[]
  const breaks: Break[] = []
  if (check?.quick_check !== "ok")
    breaks.push({ tillId: "", place: 0, what: `SQLite finds damage: ${check?.quick_check}` })
  const tills = database
    .prepare("select till_id, place, hash, base_place, base_hash from kept_tills")
    .all() as unknown as Till[]
  let entries = 0
  let at: Head & { tillId: string; journal: string } = { ...noHead, tillId: "", journal: "" }
  const byTill = new Map(tills.map((till) => [till.till_id, till]))
  const end = () => {
    const till = byTill.get(at.tillId)
    byTill.delete(at.tillId)
    if (till && (till.place !== at.place || till.hash !== at.hash))
      breaks.push({
        tillId: at.tillId,
        place: till.place,
        what: `the chain ends at ${at.place}, and ${till.place} was its last entry`,
      })
  }
  const pruned = tills.reduce((sum, { base_place }) => sum + base_place, 0)
  const rows = database.prepare(
    "select till_id, place, journal, hash, receipt, before_hash from kept_rows order by till_id, place",
  )
  for (const row of rows.iterate() as Iterable<unknown> as Iterable<Row>) {
    const { till_id: tillId, place, receipt, journal: life, hash } = row
    if (tillId !== at.tillId) {
      if (at.tillId !== "") end()
      const till = byTill.get(tillId)
      at = { tillId, journal: "", place: till?.base_place ?? 0, hash: till?.base_hash ?? "" }
    }
    if (place <= (byTill.get(tillId)?.base_place ?? 0)) {
      if (linkHash(row.before_hash ?? "", { journal: life, tillId, place, receipt }) !== hash)
        breaks.push({ tillId, place, what: "the entry is not what was written" })
      entries += 1
      continue
    }
    // Numbers are left out only where a journal began anew.
    if (place !== at.place + 1 && life === at.journal)
      breaks.push({ tillId, place, what: `entries ${at.place + 1}-${place - 1} are missing` })
    else if (linkHash(at.hash, { journal: life, tillId, place, receipt }) !== hash)
      breaks.push({ tillId, place, what: "the entry, or the one before it, is not what was written" })
    at = { tillId, journal: life, place, hash }
    entries += 1
    if (breaks.length >= breaksMax) return { entries, pruned, breaks }
  }
  if (at.tillId !== "") end()
  for (const till of byTill.values())
    if (till.place !== till.base_place)
      breaks.push({ tillId: till.till_id, place: till.place, what: "all its entries are missing" })
  return { entries, pruned, breaks }
}

interface Till {
  till_id: string
  place: number
  hash: string
  base_place: number
  base_hash: string
}

interface Row {
  till_id: string
  place: number
  journal: string
  hash: string
  receipt: string
  before_hash: string | null
}
