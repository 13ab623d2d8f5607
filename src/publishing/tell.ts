import { derivedId } from "../base/ids.ts"
import { cut } from "../base/text.ts"
import { becauseOf } from "../canonical/events/because.ts"
import { newEvent, type NewEvent } from "../canonical/events.ts"
import { ref } from "../canonical/refs.ts"
import { kindOf } from "./decide/kinds.ts"
import type { Aspect, PublishedRow } from "./decide/row.ts"
import type { CommonRefusal } from "./decide/stops.ts"

const source = "crossdock:publishing"

const refusals: Record<Aspect, { cause: string }> = {
  stock: { cause: "a channel refuses stock" },
  price: { cause: "a channel refuses prices" },
  product: { cause: "a channel refuses products" },
}
const edits: Record<Aspect, { cause: string }> = {
  stock: { cause: "stock was changed in a channel" },
  price: { cause: "a price was changed in a channel" },
  product: { cause: "a product was changed in a channel" },
}
const stops: Record<Aspect, { cause: string }> = {
  stock: { cause: "a channel refuses all stock" },
  price: { cause: "a channel refuses all prices" },
  product: { cause: "a channel refuses all products" },
}

/** What has to be told of a row that a person must know: opened once, and closed when the row is right again. */
export interface Told<Value> {
  row: PublishedRow<Value>
  events: NewEvent[]
}

const over: ReadonlySet<string> = new Set(["live", "gone", "unmapped", "derived"])

/** Cases of a row's new state. `refusal` is what the channel said, with its own code. */
export function told<Value>(
  row: PublishedRow<Value>,
  {
    connection,
    at,
    refusal,
  }: { connection: string; at: string; refusal: { code: string; vendorCode: string | undefined } | undefined },
): Told<Value> {
  const isOver = over.has(row.state)
  if (row.caseId !== null) return isOver ? closed(row, { at, why: closing(row) }) : { row, events: [] }
  const about = aboutOf(row)
  if (!about) return { row, events: [] }
  const caseId = derivedId("publish", row.channel, row.aspect, row.scope, row.item, String(row.cases))
  const event = newEvent({
    type: "exception.opened",
    fact: `exception:${caseId}:opened`,
    source,
    time: at,
    data: {
      exceptionId: caseId,
      about: aboutRow(row),
      cause: about.cause,
      summary: cut(`${row.channel}: ${nameOf(row)}: ${about.what}.`, 1000),
      doneSoFar: [shownText(row)],
      ifNobodyActs: about.ifNobodyActs,
      allowedActions: ["publish again", "acknowledge"],
      owner: "operations",
      sku: row.item,
      because: becauseOf(
        { code: refusal?.code ?? "VENDOR_CONFLICT" },
        { connection, operation: `publish ${kindOf(row).name}`, value: refusal?.vendorCode ?? about.cause },
      ),
      at,
    },
  })
  return { row: { ...row, caseId }, events: [event] }
}

const aboutRow = ({ aspect, scope, item }: PublishedRow<unknown>) =>
  aspect === "stock" ? ref("stock", scope, item) : ref("sku", item)

/** `stock of TEE-M at wh-berlin`, `price of TEE-M for CH`, `title of TEE-M`. */
function nameOf({ aspect, scope, item }: PublishedRow<unknown>): string {
  if (aspect === "stock") return `stock of ${item} at ${scope}`
  if (aspect === "product") return `${scope} of ${item}`
  return scope === "" ? `price of ${item}` : `price of ${item} for ${scope}`
}

function aboutOf<Value>(row: PublishedRow<Value>): { cause: string; what: string; ifNobodyActs: string } | undefined {
  const { text } = kindOf(row)
  const should = row.desired === null ? "there is nothing it should show" : `should show ${text(row.desired)}`
  if (row.state === "refused")
    return {
      ...refusals[row.aspect],
      what: `the channel refuses it: ${row.cause ?? ""}`,
      ifNobodyActs: "the channel goes on showing what it shows; it is tried again from time to time",
    }
  if (row.state === "held" && row.heldBy === "guard" && row.desired === null)
    return {
      cause: "a channel shows what nobody says",
      what: `${row.cause ?? "it has no value any more"}; the channel shows ${text(row.observed)}`,
      ifNobodyActs: "nothing is written to it, and the channel goes on showing what it shows",
    }
  const changed = edits[row.aspect]
  if (row.state === "held" && row.heldBy !== "person")
    return {
      ...changed,
      what: `${row.cause ?? "somebody changed it"}; it shows ${text(row.observed)}, and ${should}`,
      ifNobodyActs: "nothing is written to it, and the channel goes on showing what it shows",
    }
  if (row.state === "drifted" && row.dueAt === null)
    return {
      ...changed,
      what: `somebody changed it; it shows ${text(row.observed)}, and ${should}`,
      ifNobodyActs:
        row.aspect === "stock"
          ? "the next change of its stock is written over it"
          : "the next change by its owner is written over it",
    }
  return undefined
}

interface StopOf {
  aspect: Aspect
  exceptionId: string
  connection: string
  refusal: CommonRefusal
  at: string
}

/** The exception about a channel that refuses most of what it is told, for one cause. */
export function stopTold(
  channel: string,
  { aspect, exceptionId, connection, refusal, at }: StopOf,
): NewEvent<"exception.opened"> {
  const { name } = kindOf({ aspect })
  return newEvent({
    type: "exception.opened",
    fact: `exception:${exceptionId}:opened`,
    source,
    time: at,
    data: {
      exceptionId,
      about: ref("channel", channel),
      ...stops[aspect],
      summary: cut(`${channel} refuses what it is told of ${name}, for one cause: ${refusal.message}`, 1000),
      doneSoFar: [],
      ifNobodyActs:
        "it is tried again with a few articles, more and more seldom; this closes by itself when they go through",
      allowedActions: ["acknowledge"],
      owner: "integration",
      because: becauseOf(
        { code: refusal.code },
        { connection, operation: `publish ${name}`, value: refusal.vendorCode },
      ),
      at,
    },
  })
}

export function stopOver(
  channel: string,
  { aspect, caseId, at }: { aspect: Aspect; caseId: string; at: string },
): NewEvent {
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
      reason: `the channel takes ${kindOf({ aspect }).name} again`,
      at,
    },
  })
}

/** Ends the case of a row. */
function closed<Value>(
  row: PublishedRow<Value>,
  { at, why, by = "crossdock" }: { at: string; why: string; by?: string },
): Told<Value> {
  if (row.caseId === null) return { row, events: [] }
  const event = newEvent({
    type: "exception.decided",
    fact: `exception:${row.caseId}:decided`,
    source,
    time: at,
    data: {
      exceptionId: row.caseId,
      about: aboutRow(row),
      action: "published",
      decidedBy: by,
      reason: why,
      at,
    },
  })
  return { row: { ...row, caseId: null, cases: row.cases + 1 }, events: [event] }
}

function closing({ state }: PublishedRow<unknown>): string {
  if (state === "derived") return "the channel works it out itself"
  return state === "unmapped" ? "the channel does not have the article" : "the channel shows what it should"
}

function shownText<Value>(row: PublishedRow<Value>): string {
  const { text } = kindOf(row)
  const should = row.aspect === "stock" ? "may be promised" : "is what it should show"
  return `the channel showed ${text(row.observed)}; ${text(row.desired)} ${should}`
}
