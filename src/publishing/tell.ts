import { derivedId } from "../base/ids.ts"
import { cut } from "../base/text.ts"
import { becauseOf } from "../canonical/events/because.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import type { PublishedRow } from "./decide/row.ts"
import type { CommonRefusal } from "./decide/stops.ts"

const source = "crossdock:publishing"

/** What has to be told of a row that a person must know: opened once, and closed when the row is right again. */
export interface Told {
  row: PublishedRow
  events: NewEvent[]
}

/** Cases of a row's new state. `refusal` is what the channel said, with its own code. */
export function told(
  row: PublishedRow,
  {
    connection,
    at,
    refusal,
  }: { connection: string; at: string; refusal: { code: string; vendorCode: string | undefined } | undefined },
): Told {
  const isOver = row.state === "live" || row.state === "gone" || row.state === "unmapped"
  if (row.caseId !== null) return isOver ? closed(row, { at, why: closing(row) }) : { row, events: [] }
  const about = aboutOf(row)
  if (!about) return { row, events: [] }
  const caseId = derivedId("publish", row.channel, row.scope, row.item, String(row.cases))
  const event = newEvent({
    type: "exception.opened",
    fact: `exception:${caseId}:opened`,
    source,
    time: at,
    data: {
      exceptionId: caseId,
      about: ref("stock", row.scope, row.item),
      cause: about.cause,
      summary: cut(`${row.channel}: stock of ${row.item} at ${row.scope}: ${about.what}.`, 1000),
      doneSoFar: [shownText(row)],
      ifNobodyActs: about.ifNobodyActs,
      allowedActions: ["publish again", "acknowledge"],
      owner: "operations",
      sku: row.item,
      because: becauseOf(
        { code: refusal?.code ?? "VENDOR_CONFLICT" },
        { connection, operation: "publish stock", value: refusal?.vendorCode ?? about.cause },
      ),
      at,
    },
  })
  return { row: { ...row, caseId }, events: [event] }
}

function aboutOf(row: PublishedRow): { cause: string; what: string; ifNobodyActs: string } | undefined {
  if (row.state === "refused")
    return {
      cause: "a channel refuses stock",
      what: `the channel refuses it: ${row.cause ?? ""}`,
      ifNobodyActs: "the channel goes on showing what it shows; it is tried again from time to time",
    }
  if (row.state === "held" && row.heldBy !== "person")
    return {
      cause: "stock was changed in a channel",
      what: `${row.cause ?? "somebody changed it"}; it shows ${pieces(row.observed)}, and should show ${pieces(row.desired)}`,
      ifNobodyActs: "nothing is written to it, and the channel goes on showing what it shows",
    }
  if (row.state === "drifted" && row.dueAt === null)
    return {
      cause: "stock was changed in a channel",
      what: `somebody changed it; it shows ${pieces(row.observed)}, and should show ${pieces(row.desired)}`,
      ifNobodyActs: "the next change of its stock is written over it",
    }
  return undefined
}

/** The exception about a channel that refuses most of what it is told, for one cause. */
export function stopTold(
  channel: string,
  {
    exceptionId,
    connection,
    refusal,
    at,
  }: { exceptionId: string; connection: string; refusal: CommonRefusal; at: string },
): NewEvent<"exception.opened"> {
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}:opened`,
    source,
    time: at,
    data: {
      exceptionId,
      about: ref("channel", channel),
      cause: "a channel refuses all stock",
      summary: cut(`${channel} refuses what it is told of stock, for one cause: ${refusal.message}`, 1000),
      doneSoFar: [],
      ifNobodyActs:
        "it is tried again with a few articles, more and more seldom; this closes by itself when they go through",
      allowedActions: ["acknowledge"],
      owner: "integration",
      because: becauseOf({ code: refusal.code }, { connection, operation: "publish stock", value: refusal.vendorCode }),
      at,
    },
  })
}

export function stopOver(channel: string, { caseId, at }: { caseId: string; at: string }): NewEvent {
  return newEvent({
    type: "exception.decided",
    fact: `exception:${caseId}:decided`,
    source,
    time: at,
    data: {
      exceptionId: caseId,
      about: ref("channel", channel),
      action: "published",
      decidedBy: "crossdock",
      reason: "the channel takes stock again",
      at,
    },
  })
}

/** Ends the case of a row. */
function closed(row: PublishedRow, { at, why, by = "crossdock" }: { at: string; why: string; by?: string }): Told {
  if (row.caseId === null) return { row, events: [] }
  const event = newEvent({
    type: "exception.decided",
    fact: `exception:${row.caseId}:decided`,
    source,
    time: at,
    data: {
      exceptionId: row.caseId,
      about: ref("stock", row.scope, row.item),
      action: "published",
      decidedBy: by,
      reason: why,
      at,
    },
  })
  return { row: { ...row, caseId: null, cases: row.cases + 1 }, events: [event] }
}

function closing({ state }: PublishedRow): string {
  return state === "unmapped" ? "the channel does not have the article" : "the channel shows what it should"
}

const shownText = (row: PublishedRow): string =>
  `the channel showed ${pieces(row.observed)}; ${pieces(row.desired)} may be promised`

function pieces(milli: number | null): string {
  return milli === null ? "nothing known" : String(milli / 1000)
}
