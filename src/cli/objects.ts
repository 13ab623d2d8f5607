import { moneyToDecimal } from "../base/money.ts"
import type { Api } from "./api.ts"
import { table } from "./table.ts"
import { needed, pageOf, pageText, withApi, withoutCursor, word, type Page } from "./with-api.ts"

interface ObjectItem {
  ref: string
  state: string
  reason?: string
  since: string
  owner?: string
  place?: string
  channel?: string
  number?: string
  value?: { amountMinor: number; currency: string }
}

/** `crossdock objects [--kind K] [--state S]`: business objects and where they stand, newest first. */
export function runObjects(args: string[]): Promise<number> {
  const filters = ["kind", "state", "owner", "channel", "place"]
  const options = Object.fromEntries(filters.map((name) => [name, { type: "string" } as const]))
  return withApi(args, { ...options, open: { type: "boolean" } }, async (api, { values }) => {
    const path = "/v1/objects"
    const query = {
      ...Object.fromEntries(filters.map((name) => [name, word(values[name])])),
      which: values["open"] === true ? "open" : undefined,
    }
    const page = await api.get<Page<ObjectItem>>(path, { ...query, ...pageOf(values) })
    const none = page.cursor === undefined ? "nothing found" : "nothing found among the newest"
    const command = ["objects", ...withoutCursor(args)]
    return { data: page, text: () => pageText(api, { command, path, query, page, text: objectTable, none }) }
  })
}

function objectTable(items: readonly ObjectItem[]): string {
  const row = (object: ObjectItem) => [
    object.ref,
    object.number ?? "",
    object.state,
    object.since,
    object.owner ?? "",
    object.channel ?? "",
    object.place ?? "",
    object.value ? `${moneyToDecimal(object.value)} ${object.value.currency}` : "",
    object.reason ?? "",
  ]
  return table(["object", "number", "state", "since", "owner", "channel", "place", "value", ""], items.map(row))
}

interface Hit {
  ref: string
  object?: ObjectItem
  foundBy: { system: string; type: string; id: string }
}

/** `crossdock find <text>`: objects by any of their names. */
export function runFind(args: string[]): Promise<number> {
  return withApi(args, {}, async (api, { values, positionals }) => {
    const q = needed(positionals, "crossdock find <number, tracking number or any system's id>")
    const answer = await api.get<{ items: Hit[]; hasMore: boolean }>("/v1/search", { q, limit: word(values["limit"]) })
    const more = answer.hasMore ? ["there are more: give more of the number"] : []
    return {
      data: answer,
      text: () =>
        answer.items.length > 0 ? [hitTable(answer.items), ...more].join("\n") : `nothing is known by "${q}"`,
    }
  })
}

function hitTable(hits: readonly Hit[]): string {
  const row = ({ ref, object, foundBy }: Hit) => [
    ref,
    object?.number ?? "",
    object?.state ?? "",
    object?.channel ?? "",
    `${foundBy.type} ${foundBy.id} of ${foundBy.system}`,
  ]
  return table(["object", "number", "state", "channel", "found by"], hits.map(row))
}

interface Hop {
  object: string
  at: string
  system: string
  what: string
  outcome?: string
  reference?: { type: string; id: string }
  detail?: string
}

interface Traced {
  object: string
  objects: { ref: string; object?: ObjectItem }[]
  workflows: { object: string; workflow: string; waitingFor?: { name: string; until?: string }[] }[]
  removed?: string[]
  hops: Hop[]
  next?: string
  isComplete: boolean
}

/** `crossdock trace <ref, id or number>`: every hop of an object and of those linked with it. */
export function runTrace(args: string[]): Promise<number> {
  return withApi(args, {}, async (api, { positionals }) => {
    const of = needed(positionals, "crossdock trace <ref, id or number>")
    const trace = await api.get<Traced | { candidates: Hit[] }>("/v1/trace", { of })
    if (!("candidates" in trace)) await readRest(api, of, trace)
    return { data: trace, text: () => ("candidates" in trace ? choiceText(of, trace.candidates) : traceText(trace)) }
  })
}

/** The other pages of a long trace. */
async function readRest(api: Api, of: string, trace: Traced): Promise<void> {
  while (trace.next !== undefined) {
    const { hops, next } = await api.get<Traced>("/v1/trace", { of, after: trace.next })
    trace.hops.push(...hops)
    if (next === undefined) delete trace.next
    else trace.next = next
  }
}

function choiceText(of: string, candidates: readonly Hit[]): string {
  return `"${of}" means several objects; name one of them by its ref or id:\n${hitTable(candidates)}`
}

function traceText({ objects, workflows, removed = [], hops, isComplete }: Traced): string {
  const heads = objects.map(({ ref, object }) => (object ? objectLine(object) : ref))
  const waits = workflows.flatMap(({ object, workflow, waitingFor = [] }) =>
    waitingFor.map(({ name, until }) => `${workflow} of ${object} waits for ${name}${until ? ` until ${until}` : ""}`),
  )
  const row = (hop: Hop) => [
    hop.at.slice(0, 23),
    hop.object,
    hop.system,
    hop.what,
    hop.outcome ?? "",
    hop.reference ? `${hop.reference.type} ${hop.reference.id}` : "",
    hop.detail ?? "",
  ]
  const cut = isComplete ? [] : ["there is more than is shown here: trace one of the objects by its ref"]
  const way = table(["time", "object", "system", "what", "outcome", "reference", ""], hops.map(row))
  return [...heads, ...waits, ...removed, "", way, ...cut].join("\n")
}

function objectLine({ ref, number, channel, state, value, reason }: ObjectItem): string {
  const named = number === undefined ? ref : `${number} (${ref})`
  const from = channel === undefined ? "" : ` from ${channel}`
  const worth = value ? `, ${moneyToDecimal(value)} ${value.currency}` : ""
  return `${named}${from}: ${state}${worth}${reason ? ` (${reason})` : ""}`
}
