import type { Problem } from "../../base/errors.ts"
import type { Sql } from "../../base/sql.ts"
import { aboutOf, type NewEvent } from "../../canonical/events.ts"
import { corrected } from "../../eventlog/deliveries/corrections.ts"
import { readDelivery, readDeliveryState, type IncomingDelivery } from "../../eventlog/deliveries/stored-deliveries.ts"
import { showJson } from "./shown.ts"

/** A text line by line, and what is wrong on which line. */
export interface MarkedText {
  lines: string[]
  marks: { line: number; pointer: string; message: string }[]
  /** Lines that are not shown because there are too many. */
  left: number
}

/** A delivery beside our translation of it. */
export interface DeliveryView {
  id: number
  connection: string
  via: string
  topic: string
  receivedAt: string
  state: string
  reason: string
  attempts: number
  /** As its sender wrote it, or as people corrected it. Missing when it is no JSON and the caller may not read raw payloads. */
  payload?: MarkedText
  /** What the mapping of today makes of it. */
  canonical: MarkedText
  /** Problems at no place of either. */
  problems: Problem[]
  /** Something personal was left out for the caller. */
  isRedacted: boolean
  /** It is shown as people corrected it. */
  isCorrected: boolean
  bytes: number
}

interface ViewParts {
  sql: Sql
  inbox: { readAgain(delivery: IncomingDelivery): { facts: readonly NewEvent[]; problems: readonly Problem[] } }
}

const linesMax = 3000

/** A delivery and its translation, with the faults marked; personal values are left out unless the caller may read them. */
export async function viewDelivery(
  { sql, inbox }: ViewParts,
  id: number,
  { channels, hidesPersonal }: { channels: readonly string[] | undefined; hidesPersonal: boolean },
): Promise<DeliveryView | undefined> {
  const stored = await readDelivery(sql, id)
  const state = await readDeliveryState(sql, id)
  if (!stored || !state || (channels && !channels.includes(stored.connection))) return undefined
  const delivery = await corrected(sql, { inboxId: id, delivery: stored })
  const { facts, problems } = inbox.readAgain(delivery)
  const body = Buffer.from(delivery.bytes).toString("utf8")
  const payload = showJson(body, { hides: hidesPersonal })
  const canonical = showJson(JSON.stringify({ facts: facts.map(factOf) }), { hides: hidesPersonal })
  const marked = payload && marksOf(payload, problems)
  const translated = canonical && marksOf(canonical, problems)
  const placed = new Set([...(marked?.marks ?? []), ...(translated?.marks ?? [])].map(({ pointer }) => pointer))
  const shown = marked ?? (hidesPersonal ? undefined : plain(body))
  return {
    id,
    connection: delivery.connection,
    via: delivery.via,
    topic: delivery.topic,
    receivedAt: delivery.receivedAt,
    state: state.state,
    reason: state.reason,
    attempts: state.attempts,
    ...(shown ? { payload: shown } : {}),
    canonical: translated ?? plain(""),
    problems: problems.filter(({ pointer }) => !placed.has(pointer)),
    isRedacted: (payload?.isRedacted ?? hidesPersonal) || (canonical?.isRedacted ?? false),
    isCorrected: delivery !== stored,
    bytes: stored.bytes.length,
  }
}

const factOf = (event: NewEvent) => ({
  type: event.type,
  about: aboutSafely(event),
  time: event.time,
  data: event.data,
})

/** A fact that does not fit the catalogue may not say what it is about. */
function aboutSafely(event: NewEvent): string {
  try {
    return aboutOf(event)
  } catch {
    return ""
  }
}

function marksOf(
  { lines, lineOf }: { lines: string[]; lineOf: ReadonlyMap<string, number> },
  problems: readonly Problem[],
) {
  const marks = problems.flatMap(({ pointer, message }) => {
    const line = pointer === "" ? undefined : lineAt(lineOf, pointer)
    return line === undefined ? [] : [{ line, pointer, message }]
  })
  return { ...plain(lines), marks }
}

/** The line of a value, or of what it should stand in. */
function lineAt(lineOf: ReadonlyMap<string, number>, pointer: string): number | undefined {
  const line = lineOf.get(pointer)
  if (line !== undefined) return line
  const parent = pointer.slice(0, pointer.lastIndexOf("/"))
  return parent === "" ? undefined : lineOf.get(parent)
}

function plain(text: string | string[]): MarkedText {
  const lines = typeof text === "string" ? text.split("\n") : text
  return { lines: lines.slice(0, linesMax), marks: [], left: Math.max(0, lines.length - linesMax) }
}
