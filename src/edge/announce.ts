import type { EdgeAnnouncement, EdgeAnswer } from "../canonical/sales/edge-announcement.ts"
import type { Journal } from "./journal/journal.ts"
import { headAt, knownHeads, lastNumber, noteKnown, prunedUpTo, sendAgain } from "./journal/sending.ts"
import type { UplinkSend } from "./uplink.ts"

/** Answers that were lost make one more round; a restored backup makes another. */
const roundsMax = 4

/**
 * Tells the centre how far the chains are, and hears where they stand there. Where the centre knows a later head than this journal has, an old
 * copy was restored: a new life of the journal begins behind it, so that no place is given twice. What a journal must tell people goes along.
 */
export function announcer({ journal, storeId }: { journal: Journal; storeId: string }) {
  return async (send: UplinkSend): Promise<void> => {
    for (let round = 0; round < roundsMax; round += 1) {
      const incidents = journal.incidents({ isTold: false })
      const announced = announcementOf(journal, { storeId, incidents })
      const { standing, tills } = (await send("POST", "/v1/edge-journals", announced)) as EdgeAnswer
      journal.told(incidents.map(({ incident }) => incident))
      if (standing === "superseded") {
        journal.note(
          `Another agent speaks for store ${storeId}: the centre knows a later journal than ${journal.journal}. Stop one of the two.`,
        )
        return
      }
      if (!reconcile(journal, tills)) return
    }
  }
}

function announcementOf(
  journal: Journal,
  { storeId, incidents }: { storeId: string; incidents: EdgeAnnouncement["incidents"] },
): EdgeAnnouncement {
  const known = knownHeads(journal.file)
  const before = journal.fact("before")
  return {
    storeId,
    journal: journal.journal,
    ...(before === undefined ? {} : { before }),
    tills: [...journal.heads].map(([tillId, { place, hash }]) => {
      const last = lastNumber(journal.file, tillId)
      const { place: knownPlace = 0, hash: knownHash = "" } = known.get(tillId) ?? {}
      return { tillId, place, hash, knownPlace, knownHash, ...(last ? { last } : {}) }
    }),
    incidents: incidents.map(({ incident, what, at }) => ({ incident, what: what.slice(0, 4000), at })),
  }
}

/** Whether the centre stands where this journal has nothing any more to compare with, and goes on behind it. */
function isBeforePruned(journal: Journal, tillId: string, place: number): boolean {
  return place < prunedUpTo(journal.file, tillId)
}

/** Takes what the centre knows; true when there is something new to announce. */
function reconcile(journal: Journal, tills: EdgeAnswer["tills"]): boolean {
  const apart: string[] = []
  const places = new Map<string, number>()
  let isAgain = false
  for (const { tillId, outcome, place, hash } of tills) {
    if (outcome === "taken") noteKnown(journal.file, tillId, { place, hash })
    else if (headAt(journal.file, tillId, place) === hash || isBeforePruned(journal, tillId, place)) {
      // The centre took it, and its answer was lost. Or the centre itself is a restored one: it gets again what it does not know any more.
      const pruned = prunedUpTo(journal.file, tillId)
      if (place < pruned)
        journal.note(
          `The centre knows till ${tillId} up to entry ${place} only: it was restored from an old backup. Entries ${place + 1}-${pruned} are pruned here and cannot be sent again.`,
        )
      sendAgain(journal.file, tillId, { after: place })
      noteKnown(journal.file, tillId, { place, hash })
      isAgain = true
    } else {
      apart.push(
        `till ${tillId}: the centre knows entry ${place}, and this journal ends at ${journal.heads.get(tillId)?.place ?? 0} without it`,
      )
      noteKnown(journal.file, tillId, { place, hash })
    }
    places.set(tillId, Math.max(place, journal.heads.get(tillId)?.place ?? 0))
  }
  if (apart.length === 0) return isAgain
  journal.beginAnew(
    `An older journal was put back, or a second agent runs with a copy of this one (${apart.join("; ")}). New entries are numbered behind the centre's.`,
    places,
  )
  return true
}
