import { derivedId } from "../base/ids.ts"
import { inTransaction, storage, type SqlTransaction } from "../base/sql.ts"
import { instant } from "../base/time.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import type { EdgeAnnouncement, EdgeAnswer } from "../canonical/sales/edge-announcement.ts"
import { runOf } from "./policies.ts"
import { storeEvents, type Selling } from "./selling.ts"

interface HeadRow {
  till_id: string
  journal: string
  place: number
  hash: string
}

/**
 * Takes how far the journal of a store's agent is. What its tills gave and did not come is outstanding from now on. A journal that does not go on
 * from what it said before is an exception: an old backup was restored, or two agents speak for one store. Receipts are taken whatever this says.
 */
export async function takeAnnouncement(selling: Selling, announced: EdgeAnnouncement): Promise<EdgeAnswer> {
  const at = instant(selling.clock.now())
  let told = () => {}
  const answer = await storage(() =>
    inTransaction(selling.sql, async (tx) => {
      // One announcement of a store at a time, or two agents would not see each other.
      await tx`select pg_advisory_xact_lock(hashtextextended(${announced.storeId}, 530))`
      const { standing, events } = await standingOf(tx, announced, at)
      const tills = await takeHeads(tx, announced, { standing, at })
      await noteNumbers(tx, selling, { announced, at })
      const behind = standing === "current" ? tills.filter((till) => isBehind(till, announced)) : []
      told = await storeEvents(tx, selling, [
        ...events,
        ...(behind.length > 0 ? [behindEvent(announced, { behind, at })] : []),
        ...announced.incidents.map(({ incident, what }) =>
          opened(announced.storeId, { id: incident, cause: "a store's journal is not whole", what, at }),
        ),
      ])
      return { standing, tills }
    }),
  )
  told()
  return answer
}

async function standingOf(
  tx: SqlTransaction,
  { storeId, journal, before }: EdgeAnnouncement,
  at: string,
): Promise<{ standing: EdgeAnswer["standing"]; events: NewEvent[] }> {
  const known = await tx<{ journal: string; is_current: boolean }[]>`
    select journal, is_current from edge_journals where store_id = ${storeId}
      and (is_current or journal = ${journal}) for update`
  const current = known.find(({ is_current }) => is_current)?.journal
  if (current === journal) {
    await tx`update edge_journals set heard_at = ${at}::timestamptz where store_id = ${storeId} and journal = ${journal}`
    return { standing: "current", events: [] }
  }
  if (known.some((one) => one.journal === journal)) {
    const what = `Two agents speak for store ${storeId}: the journal ${journal} was followed by ${current ?? "another"}, and is heard again.`
    const cause = "two agents of one store"
    const event = opened(storeId, { id: derivedId("twin", storeId, journal), cause, what, at })
    return { standing: "superseded", events: [event] }
  }
  await tx`update edge_journals set is_current = false where store_id = ${storeId} and is_current`
  await tx`insert into edge_journals (store_id, journal, is_current, heard_at)
    values (${storeId}, ${journal}, true, ${at}::timestamptz)`
  // What an agent says of itself comes with its incidents.
  if (current === undefined || before === current) return { standing: "current", events: [] }
  const what = `The agent of store ${storeId} has begun a new journal that knows nothing of the one before it (${current}): it was installed anew, or there are two.`
  const cause = "a store's journal began anew"
  return {
    standing: "current",
    events: [opened(storeId, { id: derivedId("anew", storeId, journal), cause, what, at })],
  }
}

async function takeHeads(
  tx: SqlTransaction,
  { storeId, journal, tills }: EdgeAnnouncement,
  { standing, at }: { standing: EdgeAnswer["standing"]; at: string },
): Promise<EdgeAnswer["tills"][number][]> {
  const rows = await tx<HeadRow[]>`
    select till_id, journal, place, hash from edge_heads where store_id = ${storeId}`
  const known = new Map(rows.map((row) => [row.till_id, row]))
  const answers: EdgeAnswer["tills"][number][] = []
  for (const { tillId, place, hash, knownPlace, knownHash } of tills) {
    const head = known.get(tillId)
    const had = { place: head?.place ?? 0, hash: head?.hash ?? "" }
    const isSame = place === had.place && hash === had.hash
    // A journal that follows another goes on behind it; a till that has sold nothing since is where it was.
    const isNewLife = head !== undefined && head.journal !== journal
    const goesOn = head === undefined || isNewLife || (knownPlace === had.place && knownHash === had.hash)
    const isTaken = standing === "current" && goesOn && place > had.place
    if (isTaken)
      await tx`
        insert into edge_heads (store_id, till_id, journal, place, hash, heard_at)
        values (${storeId}, ${tillId}, ${journal}, ${place}, ${hash}, ${at}::timestamptz)
        on conflict (store_id, till_id) do update set journal = excluded.journal, place = excluded.place, hash = excluded.hash,
          heard_at = excluded.heard_at`
    const outcome = isTaken || isSame || (isNewLife && standing === "current") ? "taken" : "differs"
    answers.push({ tillId, outcome, ...(isTaken ? { place, hash } : had) })
  }
  return answers
}

/** Whether a till's chain ends before what the centre knows, or at the same place with other content. */
function isBehind({ tillId, outcome, place }: EdgeAnswer["tills"][number], { tills }: EdgeAnnouncement): boolean {
  const announced = tills.find((till) => till.tillId === tillId)
  return outcome === "differs" && announced !== undefined && announced.place <= place
}

async function noteNumbers(
  tx: SqlTransaction,
  { policies }: Selling,
  { announced: { storeId, tills }, at }: { announced: EdgeAnnouncement; at: string },
): Promise<void> {
  // As receipts do: first the store's lock, then the till's.
  await tx`select pg_advisory_xact_lock_shared(hashtextextended(${storeId}, 521))`
  for (const { tillId, last } of tills) {
    if (!last) continue
    const { epoch, businessDay, sequence } = last
    const run = runOf({ storeId, epoch, businessDay }, policies)
    // As receipts do: a till's numbers change under its lock.
    await tx`select pg_advisory_xact_lock(hashtextextended(${`${storeId}/${tillId}`}, 520))`
    await tx`insert into store_days (store_id, business_day) values (${storeId}, ${businessDay}::date) on conflict do nothing`
    await tx`select announce_last(${storeId}, ${businessDay}::date, ${tillId}, ${run}, ${sequence}, ${at}::timestamptz)`
  }
}

function behindEvent(
  { storeId, journal, tills }: EdgeAnnouncement,
  { behind, at }: { behind: EdgeAnswer["tills"]; at: string },
): NewEvent {
  const words = behind.map(({ tillId, place }) => {
    const here = tills.find((till) => till.tillId === tillId)?.place ?? 0
    return `till ${tillId}: entry ${place} is known here, and the agent is at ${here}`
  })
  return opened(storeId, {
    id: derivedId("behind", storeId, journal, ...behind.map(({ tillId, hash }) => `${tillId}/${hash}`)),
    cause: "a store's journal went back",
    what: `The journal of store ${storeId} is not the one that was heard before (${words.join("; ")}): an old backup was restored, or two agents speak for the store.`,
    at,
  })
}

function opened(storeId: string, text: { id: string; cause: string; what: string; at: string }): NewEvent {
  const { id: exceptionId, cause, what, at } = text
  return newEvent({
    type: "exception.opened",
    fact: `crossdock:sales:${exceptionId}`,
    source: "crossdock:sales",
    time: at,
    data: {
      exceptionId,
      about: ref("location", storeId),
      cause,
      summary: what.slice(0, 1000),
      doneSoFar: ["took the receipts that came"],
      ifNobodyActs: "receipts go on being taken; numbers that never come stay outstanding",
      allowedActions: ["acknowledge"],
      owner: "operations",
      because: { kind: "data", operation: cause, value: storeId.slice(0, 200) },
      at,
    },
  })
}
