import { areas as everyArea } from "../areas.ts"
import { AppError, asAppError } from "../base/errors.ts"
import { createLog } from "../base/log.ts"
import { moneyText } from "../base/money.ts"
import { systemClock } from "../base/time.ts"
import { aboutOf, namesOf, type EventData, type NewEvent } from "../canonical/events.ts"
import { leavesShelf, shelfGoods } from "../canonical/order.ts"
import type { AnyWorkflow } from "../durable/define-workflow.ts"
import { capabilitiesOf, type Estate } from "../estate.ts"
import { activeAreas, problemsOfSettings } from "../estate/check-estate.ts"
import { placesOf } from "../estate/places.ts"
import { repeatedEdits } from "../eventlog/news/editions.ts"
import { soundFacts } from "../eventlog/sound-facts.ts"
import type {
  ChangeList,
  Delivery,
  ObjectName,
  ReadsObjects,
  ReceivesDeliveries,
} from "../ports/capabilities/intake.ts"
import type { Connected } from "../ports/connector.ts"

/** What to try. `sinceMs` reads all changes from then on; else the last `count` objects of each list. */
export interface TrialWish {
  connection: string
  count: number
  sinceMs?: number
}

/** One fact that an object states, and what would follow from it. */
export interface TrialFact {
  type: string
  about: string
  fact: string
  time: string
  /** What people would call it: number, value. */
  text: string
  /** Workflows that would start or be told. */
  wouldDo: string[]
  /** Goods that the workflow would reserve. */
  needs: { sku: string; milli: number }[]
  /** When it was placed; only of an order. */
  placedAt?: string
}

/** One object of a list, translated. */
export interface TrialObject {
  facts: TrialFact[]
  problems: string[]
  /** Why it states nothing, in the words of the connector. */
  ignored?: string
  /** Objects that it only names, and that would be read one by one. */
  wouldRead: ObjectName[]
}

/** What trying a connection found. */
export interface Trial {
  connection: string
  connector: string
  /** Empty when the system answers and takes our key. */
  refusal: string
  capabilities: string[]
  /** Capabilities that routes of the estate give to it. */
  routed: string[]
  lists: { list: string; objects: TrialObject[]; isCut: boolean; problem?: string }[]
}

const pagesMax = 200
const hourMs = 3_600_000
/** How far back the last objects are looked for, one after the other. */
const windowsMs = [hourMs, 24 * hourMs, 7 * 24 * hourMs, 31 * 24 * hourMs, 366 * 24 * hourMs]

/**
 * Tries a connection of an estate without changing anything, there or here: asks whether it answers, reads objects of its lists,
 * translates them, and says what each would do. Needs no database. Errors: CONFIG_INVALID for settings that do not fit.
 */
export async function tryConnection(estate: Estate, wish: TrialWish): Promise<Trial> {
  const { connector, connected } = connect(estate, wish.connection)
  try {
    const refusal = await connected.check().then(
      () => "",
      (thrown: unknown) => asAppError(thrown).message,
    )
    const { listsChanges = {}, receivesDeliveries } = connected
    const readNamed = namedReader(connected)
    const lists: Trial["lists"] = []
    if (refusal === "" && receivesDeliveries)
      for (const [list, changes] of Object.entries(listsChanges))
        lists.push({ list, ...(await tryList(changes, { estate, wish, receives: receivesDeliveries, readNamed })) })
    return {
      connection: wish.connection,
      connector: `${connector.name} ${connector.apiVersion}`,
      refusal,
      capabilities: Object.keys(connected).filter((name) => !["check", "close"].includes(name)),
      routed: [
        ...new Set(
          estate.routes.flatMap((route) => (route.connection === wish.connection ? capabilitiesOf(route) : [])),
        ),
      ],
      lists,
    }
  } finally {
    connected.close()
  }
}

function connect(estate: Estate, id: string) {
  const connection = Object.hasOwn(estate.connections, id) ? estate.connections[id] : undefined
  if (!connection) {
    const known = Object.keys(estate.connections).join(", ")
    throw new AppError("NOT_FOUND", `the estate has no connection "${id}"; there are ${known}`)
  }
  const problems = problemsOfSettings(id, connection)
  if (problems.length > 0) {
    const list = problems.map(({ pointer, message }) => `  ${pointer}: ${message}`).join("\n")
    throw new AppError("CONFIG_INVALID", `the settings of ${id} do not fit its connector:\n${list}`, { problems })
  }
  const context = { connectionId: id, clock: systemClock, log: createLog("try", "silent") }
  const connected: Connected = connection.connector.connect(connection.settings as never, context)
  return { connector: connection.connector, connected }
}

interface ListTrial {
  estate: Estate
  wish: TrialWish
  receives: ReceivesDeliveries
  readNamed: NamedReader
}

async function tryList(
  changes: ChangeList,
  { estate, wish, receives, readNamed }: ListTrial,
): Promise<{ objects: TrialObject[]; isCut: boolean; problem?: string }> {
  try {
    const problem = await outOfReach(changes, wish)
    if (problem !== undefined) return { objects: [], isCut: false, problem }
    const { deliveries, isCut } = await lastOf(changes, wish)
    const workflows = activeAreas(estate, everyArea).flatMap((area) => area.workflows ?? [])
    const reading = { receives, workflows, places: placesOf(estate, wish.connection) }
    const objects: TrialObject[] = []
    for (const delivery of deliveries) {
      const object = tried(delivery, reading)
      objects.push(...(object.wouldRead.length === 0 ? [object] : await readNamed(object, reading)))
    }
    return { objects, isCut }
  } catch (thrown) {
    return { objects: [], isCut: false, problem: asAppError(thrown).message }
  }
}

async function outOfReach(changes: ChangeList, { sinceMs }: TrialWish): Promise<string | undefined> {
  if (sinceMs === undefined) return undefined
  return await changes.refusesSince?.({ sinceMs }, { signal: AbortSignal.timeout(60_000), correlation: "try" })
}

/** The newest objects of a list, or all since a moment. */
async function lastOf(changes: ChangeList, { count, sinceMs }: TrialWish) {
  const nowMs = systemClock.now()
  // A list that is read from its first record on has no moments to begin at.
  const starts = sinceMs === undefined && !changes.isCursorLasting ? windowsMs.map((ms) => nowMs - ms) : [sinceMs ?? 0]
  let read = { deliveries: [] as Delivery[], isCut: false }
  for (const start of starts) {
    read = await pagesSince(changes, start)
    if (read.deliveries.length >= count) break
  }
  return sinceMs === undefined ? { ...read, deliveries: read.deliveries.slice(-count) } : read
}

async function pagesSince(changes: ChangeList, sinceMs: number): Promise<{ deliveries: Delivery[]; isCut: boolean }> {
  const deliveries: Delivery[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < pagesMax; pages += 1) {
    const call = { signal: AbortSignal.timeout(60_000), correlation: "try" }
    const page = await changes.listChanges({ cursor, sinceMs }, call)
    deliveries.push(...page.deliveries)
    if (!page.hasMore) return { deliveries, isCut: false }
    cursor = page.nextCursor
  }
  return { deliveries, isCut: true }
}

interface Reading {
  receives: ReceivesDeliveries
  /** Places that the connection may speak of. */
  places: ReadonlySet<string>
  workflows: readonly AnyWorkflow[]
}

/** An object that names others, with those others as they are read; each is read once, whichever list names it. */
type NamedReader = (object: TrialObject, reading: Reading) => Promise<TrialObject[]>

/** Most objects that are read one by one; what is named beyond stays a name. */
const namedMax = 200

/** Reads what deliveries only name, as a running Crossdock would. */
function namedReader({ readsObjects }: Connected): NamedReader {
  const seen = new Set<string>()
  return async (object, reading) => {
    const fresh = object.wouldRead.filter(({ type, id }) => !seen.has(`${type} ${id}`))
    const now = readsObjects ? fresh.slice(0, namedMax - seen.size) : []
    const rest = { ...object, wouldRead: fresh.slice(now.length) }
    const read: TrialObject[] = []
    for (const name of now) {
      seen.add(`${name.type} ${name.id}`)
      read.push(await readOne(name, readsObjects, reading))
    }
    const isNamesOnly = rest.facts.length + rest.problems.length + rest.wouldRead.length === 0
    return isNamesOnly ? read : [rest, ...read]
  }
}

async function readOne(
  { type, id }: ObjectName,
  readsObjects: ReadsObjects | undefined,
  reading: Reading,
): Promise<TrialObject> {
  const nothing = { facts: [], problems: [], wouldRead: [] }
  try {
    const call = { signal: AbortSignal.timeout(60_000), correlation: "try" }
    const delivery = await readsObjects?.fetchObject({ type, id }, call)
    return delivery ? tried(delivery, reading) : { ...nothing, ignored: `there is no ${type} ${id}` }
  } catch (thrown) {
    return { ...nothing, problems: problemTexts(thrown) }
  }
}

function tried(delivery: Delivery, { receives, places, workflows }: Reading): TrialObject {
  try {
    const { events, refused = [], fetch = [], ignored } = receives.translate(delivery)
    const { sound, error } = soundFacts(events, { connection: delivery.connection, states: receives.states, places })
    const refusals = refused.map(({ pointer, message, problems }) =>
      [`${pointer} ${message}`, ...problems.map((one) => `${one.pointer} ${one.message}`)].join("; "),
    )
    // The door leaves these out as well: a shop states an order as it is now with each of its states.
    const again = repeatedEdits([sound])
    return {
      facts: sound.filter((event) => !again.has(event)).map((event) => factOf(event, workflows)),
      problems: [...refusals, ...(error ? problemTexts(error) : [])],
      wouldRead: [...fetch],
      ...(ignored === undefined ? {} : { ignored }),
    }
  } catch (thrown) {
    return { facts: [], problems: problemTexts(thrown), wouldRead: [] }
  }
}

function problemTexts(thrown: unknown): string[] {
  const { message, problems } = asAppError(thrown)
  return [message, ...problems.map((one) => `${one.pointer} ${one.message}`)]
}

function factOf(event: NewEvent, workflows: readonly AnyWorkflow[]): TrialFact {
  const starts = workflows.filter(({ startsOn }) => [startsOn].flat().includes(event.type as never))
  const hears = workflows.filter(({ hears: all }) => all.includes(event.type as never))
  return {
    type: event.type,
    about: aboutOf(event),
    fact: event.fact,
    time: event.time,
    text: textOf(event),
    wouldDo: [...starts.map(({ name }) => `starts "${name}"`), ...hears.map(({ name }) => `is told to "${name}"`)],
    ...orderParts(event),
  }
}

function orderParts(event: NewEvent): Pick<TrialFact, "needs" | "placedAt"> {
  if (event.type !== "order.placed") return { needs: [] }
  const { order } = event.data as EventData<"order.placed">
  const needs = order.lines
    .filter((line) => leavesShelf(line) && line.quantity.milli > 0)
    .flatMap((line) => shelfGoods(line, line.quantity.milli))
  return { needs, placedAt: order.placedAt }
}

function textOf(event: NewEvent): string {
  if (event.type === "order.placed" || event.type === "order.edited") {
    const { order } = event.data as EventData<"order.placed">
    const lines = order.lines.length === 1 ? "1 line" : `${order.lines.length} lines`
    return `order ${order.number} of ${order.placedAt}, ${lines}, ${moneyText(order.total.shop)}`
  }
  return namesOf(event)
    .map(({ type, id }) => `${type} ${id}`)
    .join(", ")
}
