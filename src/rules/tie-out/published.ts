import { ref } from "../../canonical/refs.ts"
import type { Finding } from "./finding.ts"

/** One article at one place of a channel, in thousandths of its unit. */
interface Listing {
  channel: string
  sku: string
  locationId: string
}

/** What a channel shows when nothing moves any more, and what may be promised there then. */
export interface LevelAtRest extends Listing {
  shownMilli: number
  promiseMilli: number
}

/** A version of a row of a channel, as it was seen at some moment. */
export interface RowSighting extends Listing {
  version: number
  sentVersion: number
}

/** A level that Crossdock set in a channel. */
export interface LevelSet extends Listing {
  at: string
  setMilli: number
  /** The most that was there to promise at any moment while the write was on its way. */
  mostMilli: number
}

/** Something in a channel that was written by Crossdock. */
export interface WrittenField extends Listing {
  field: string
}

/** Levels that are not what may be promised although nothing moves any more. */
export function findUntrueLevels(levels: readonly LevelAtRest[]): Finding[] {
  return levels
    .filter(({ shownMilli, promiseMilli }) => shownMilli !== promiseMilli)
    .map((level) => finding(level, "shows another level than may be promised", [level.promiseMilli, level.shownMilli]))
}

/** Rows whose version went back, or that were sent in a version that they had not reached. Sightings stand in the order of their time. */
export function findVersionsGoneBack(sightings: readonly RowSighting[]): Finding[] {
  const last = new Map<string, RowSighting>()
  return sightings.flatMap((seen) => {
    const { version, sentVersion } = seen
    const before = last.get(nameOf(seen))
    last.set(nameOf(seen), seen)
    const plain = (what: string, expected: string, found: number): Finding => ({
      what,
      about: aboutOf(seen),
      expected,
      found: String(found),
      atRisk: null,
    })
    return [
      ...(before && version < before.version
        ? [plain("has an older version than before", `${before.version} or later`, version)]
        : []),
      ...(before && sentVersion < before.sentVersion
        ? [plain("was sent in an older version than before", `${before.sentVersion} or later`, sentVersion)]
        : []),
      ...(sentVersion > version
        ? [plain("was sent in a version that it never had", `${version} at most`, sentVersion)]
        : []),
    ]
  })
}

/** Levels that were set higher than anything that could be promised while they were on their way. */
export function findOverpromises(sets: readonly LevelSet[]): Finding[] {
  return sets
    .filter(({ setMilli, mostMilli }) => setMilli > Math.max(0, mostMilli))
    .map((set) => finding(set, `was set at ${set.at} to more than there was to promise`, [set.mostMilli, set.setMilli]))
}

/** What Crossdock wrote and does not own: other fields, and levels of places that nobody declared. */
export function findForeignWrites(
  written: readonly WrittenField[],
  isOwned: (written: WrittenField) => boolean,
): Finding[] {
  return written
    .filter((one) => !isOwned(one))
    .map((one) => ({
      what: `had its ${one.field} written, which is not Crossdock's`,
      about: aboutOf(one),
      expected: "nothing",
      found: one.field,
      atRisk: null,
    }))
}

function finding(listing: Listing, what: string, [expected, found]: [number, number]): Finding {
  return { what, about: aboutOf(listing), expected: String(expected / 1000), found: String(found / 1000), atRisk: null }
}

const aboutOf = ({ channel, sku, locationId }: Listing) => ref("listing", channel, `${locationId}/${sku}`)
const nameOf = ({ channel, sku, locationId }: Listing) => `${channel} ${locationId} ${sku}`
