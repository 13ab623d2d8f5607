import { asAppError, assertInvariant, type AppError } from "../base/errors.ts"
import { canonicalJson } from "../base/ids.ts"
import { sleep } from "../base/time.ts"
import { checkEvent } from "../canonical/check-event.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { ChangeList, Delivery, ReceivesDeliveries } from "./capabilities/intake.ts"
import { statementProblems } from "./statements.ts"

/** Deliveries captured from a simulator, and the connector that reads them. */
export interface DeliverySubject {
  name: string
  receives: ReceivesDeliveries
  /** The same connector during a secret rotation: another live secret comes before the right one. */
  duringRotation: ReceivesDeliveries
  withWrongSecret: ReceivesDeliveries
  deliveries: readonly Delivery[]
  nowMs: number
  /** Whether the protocol signs a time, so that an old delivery can be recognised. */
  signsTime: boolean
  /** A delivery of several records of which one is bad, with the bad one's pointer; absent where a delivery carries one record. */
  spoilt?: { delivery: Delivery; pointer: string; goodRecords: number }
}

/** A law of the deliveries a connector receives. */
export interface DeliveryLaw {
  name: string
  /** Returns undefined when the law held, or why it cannot apply; throws INVARIANT_BROKEN otherwise. */
  hold(subject: DeliverySubject): string | undefined
}

/** Every law of deliveries. */
export const deliveryLaws: readonly DeliveryLaw[] = [
  { name: "a genuine delivery is let in", hold: genuineIsLetIn },
  { name: "a delivery signed with any live secret is let in", hold: rotationLetsIn },
  { name: "a delivery signed with another secret is refused", hold: wrongSecretRefused },
  { name: "one changed byte is refused", hold: changedByteRefused },
  { name: "a delivery without its headers is refused", hold: bareRefused },
  { name: "a delivery older than its tolerance is refused", hold: oldRefused },
  { name: "translated twice it is the same facts", hold: translatedTwice },
  { name: "every fact fits its schema and is about an object", hold: factsFit },
  { name: "every fact is the connection's own to state", hold: factsAreTheirs },
  { name: "names that every object inherits are no topics and no values", hold: inheritedNamesMeanNothing },
  { name: "a fact does not depend on how it came", hold: wayDoesNotMatter },
  { name: "bytes that are no message are refused with words", hold: rubbishRefused },
  { name: "a bad record is refused by its pointer and the others go on", hold: badRecordAlone },
]

function genuineIsLetIn({ receives, deliveries, nowMs }: DeliverySubject): undefined {
  assertInvariant(deliveries.length > 0, "nothing was sent")
  for (const delivery of deliveries) {
    const { deliveryId, topic } = receives.verify(delivery, nowMs)
    assertInvariant(deliveryId !== "" && topic !== "", "a genuine delivery has no id or no topic")
  }
}

function rotationLetsIn({ duringRotation, deliveries, nowMs }: DeliverySubject): undefined {
  for (const delivery of deliveries) duringRotation.verify(delivery, nowMs)
}

function wrongSecretRefused({ withWrongSecret, deliveries, nowMs }: DeliverySubject): undefined {
  for (const delivery of deliveries) expectRefused(() => withWrongSecret.verify(delivery, nowMs))
}

function changedByteRefused({ receives, deliveries, nowMs }: DeliverySubject): undefined {
  for (const [index, delivery] of deliveries.entries()) {
    const bytes = Uint8Array.from(delivery.bytes)
    const at = (index * 7_919) % bytes.length
    bytes[at] = (bytes[at] ?? 0) ^ 1
    expectRefused(() => receives.verify({ ...delivery, bytes }, nowMs))
  }
}

function bareRefused({ receives, deliveries, nowMs }: DeliverySubject): undefined {
  for (const delivery of deliveries) expectRefused(() => receives.verify({ ...delivery, headers: {} }, nowMs))
}

const pastToleranceMs = 301_000

function oldRefused({ receives, deliveries, nowMs, signsTime }: DeliverySubject): string | undefined {
  if (!signsTime) return "the protocol signs no time"
  for (const delivery of deliveries) {
    const { sentAtMs } = receives.verify(delivery, nowMs)
    assertInvariant(sentAtMs !== undefined, "the protocol signs a time, but verify returns none")
    expectRefused(() => receives.verify(delivery, sentAtMs + pastToleranceMs))
    expectRefused(() => receives.verify(delivery, sentAtMs - pastToleranceMs))
  }
  return undefined
}

function translatedTwice({ receives, deliveries }: DeliverySubject): undefined {
  let facts = 0
  for (const delivery of deliveries) {
    const first = receives.translate(delivery)
    const again = receives.translate({ ...delivery, receivedAt: "2027-01-01T00:00:00.000Z" })
    assertInvariant(canonicalJson(first) === canonicalJson(again), "a second translation differs")
    assertInvariant(
      first.events.length > 0 || first.ignored !== undefined || (first.refused ?? []).length > 0,
      "a delivery has neither events nor a reason for ignoring it",
    )
    facts += first.events.length
  }
  assertInvariant(facts > 0, "no delivery became a fact")
}

function factsFit({ receives, deliveries }: DeliverySubject): undefined {
  for (const event of allEvents(receives, deliveries)) {
    const problems = checkEvent(event)
    assertInvariant(problems.length === 0, `${event.fact} does not fit ${event.type}: ${canonicalJson(problems)}`)
  }
}

function factsAreTheirs({ receives, deliveries }: DeliverySubject): undefined {
  for (const delivery of deliveries)
    for (const event of receives.translate(delivery).events) {
      const problems = statementProblems(event, { connection: delivery.connection, states: receives.states })
      assertInvariant(problems.length === 0, `${event.fact} is not theirs to state: ${canonicalJson(problems)}`)
    }
}

function wayDoesNotMatter({ receives, deliveries }: DeliverySubject): undefined {
  const pulled = deliveries.map((delivery) => ({ ...delivery, via: "poll" as const, headers: pollHeaders(delivery) }))
  const facts = (some: readonly Delivery[]) => canonicalJson(allEvents(receives, some).map(({ fact }) => fact))
  assertInvariant(facts(deliveries) === facts(pulled), "a polled delivery makes other facts")
}

/** Poll results carry no signature. The header that names the kind of message stays. */
function pollHeaders({ headers }: Delivery): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !/signature|hmac/i.test(name)))
}

/** Of every topic: a topic that is ignored is ignored for what it says, not for saying nothing. */
function rubbishRefused({ receives, deliveries, nowMs }: DeliverySubject): undefined {
  const samples = new Map(deliveries.map((delivery) => [receives.verify(delivery, nowMs).topic, delivery]))
  for (const [topic, sample] of samples)
    for (const text of ["", "{", "[]", '"text"', "{}", "null", "\uFFFF"]) {
      const bytes = new TextEncoder().encode(text)
      const refusal = refusalOf(() => receives.translate({ ...sample, bytes }))
      assertInvariant(refusal !== undefined, `${JSON.stringify(text)} was translated as ${topic}`)
      const { code, message } = refusal
      assertInvariant(
        code === "TRANSLATION_FAILED" || code === "VENDOR_VALUE_UNKNOWN",
        `${JSON.stringify(text)} as ${topic} fails with ${code}: ${message}`,
      )
    }
}

function refusalOf(work: () => unknown): AppError | undefined {
  try {
    work()
    return undefined
  } catch (thrown) {
    return asAppError(thrown)
  }
}

const inheritedNames = ["constructor", "__proto__", "toString", "hasOwnProperty"]
const textsMax = 80

/** Replaces every text of a message and its topic with inherited names, which no table of handlers or values may know. */
function inheritedNamesMeanNothing({ receives, deliveries }: DeliverySubject): undefined {
  for (const [index, delivery] of deliveries.slice(0, 24).entries()) {
    const name = inheritedNames[index % inheritedNames.length] ?? "constructor"
    for (const bytes of withName(delivery.bytes, name)) understoodOrRefused(receives, { ...delivery, bytes })
    const headers = Object.fromEntries(Object.keys(delivery.headers).map((header) => [header, name]))
    understoodOrRefused(receives, { ...delivery, headers })
  }
}

function understoodOrRefused(receives: ReceivesDeliveries, delivery: Delivery): void {
  try {
    const { events } = receives.translate(delivery)
    const foreign = events.filter(({ type }) => !receives.states.includes(type))
    assertInvariant(foreign.length === 0, `a message made ${foreign[0]?.type}, which the connector does not state`)
  } catch (error) {
    const { code, message } = asAppError(error)
    const isRefusal = code === "TRANSLATION_FAILED" || code === "VENDOR_VALUE_UNKNOWN"
    assertInvariant(isRefusal, `a message fails with ${code}: ${message}`)
  }
}

/** The message with one of its texts replaced by the name, for each text in turn; and messages with facts of another system. */
function* withName(bytes: Uint8Array, name: string): Generator<Uint8Array> {
  const text = new TextDecoder().decode(bytes)
  let count = 0
  JSON.parse(text, (_key, value: unknown) => void (typeof value === "string" && (count += 1)))
  for (let at = 0; at < Math.min(count, textsMax); at++) {
    let n = 0
    const body: unknown = JSON.parse(text, (_key, value: unknown) =>
      typeof value === "string" && n++ === at ? name : value,
    )
    const events = [{ type: "exception.decided", fact: "forged", source: "forged", time: "", data: {} }]
    yield new TextEncoder().encode(JSON.stringify({ ...(body as object), events }))
    yield new TextEncoder().encode(JSON.stringify(body))
  }
}

function badRecordAlone({ receives, spoilt }: DeliverySubject): string | undefined {
  if (!spoilt) return "a delivery carries one record"
  const { events, refused = [] } = receives.translate(spoilt.delivery)
  const [first, second] = refused
  assertInvariant(
    first?.pointer === spoilt.pointer && second === undefined,
    `the refused records are ${canonicalJson(refused.map(({ pointer }) => pointer))} instead of ${spoilt.pointer}`,
  )
  assertInvariant(
    first.problems.length > 0 && first.problems.every(({ pointer }) => pointer.startsWith(spoilt.pointer)),
    "the problems of a refused record have no pointers into the delivery",
  )
  assertInvariant(
    events.length === spoilt.goodRecords,
    `${events.length} of ${spoilt.goodRecords} good records were translated`,
  )
  return undefined
}

function allEvents(receives: ReceivesDeliveries, deliveries: readonly Delivery[]): NewEvent[] {
  return deliveries.flatMap((delivery) => receives.translate(delivery).events)
}

function expectRefused(verify: () => unknown): void {
  try {
    verify()
  } catch (error) {
    const { code } = asAppError(error)
    assertInvariant(code === "SIGNATURE_INVALID", `the delivery is refused with ${code}, not SIGNATURE_INVALID`)
    return
  }
  assertInvariant(false, "the delivery was accepted")
}

/** A system whose changes are listed while it keeps changing. */
export interface ListingSubject {
  name: string
  list: ChangeList
  /** Makes changes; resolves when the vendor has committed them all. */
  change(count: number): Promise<void>
  /** Names, as `nameOf` gives them, of the changes in the vendor's books that the pages must have listed. */
  expected(): string[]
  nameOf(delivery: Delivery): string
  nowMs(): number
  /** Longest time for which a committed change may stay hidden. */
  lateMs?: number
}

const roundsOfChange = 3

/** Paging while changes keep coming sees every one of them; duplicates are allowed. Returns how many pages it took. */
export async function pagingMissesNothing(subject: ListingSubject): Promise<number> {
  const seen = new Set<string>()
  let cursor: string | undefined
  let pages = 0
  const call = () => ({ signal: AbortSignal.timeout(10_000), correlation: "laws" })
  let sinceMs = subject.nowMs() - 60_000
  for (let round = 0; round < roundsOfChange + 2; round++) {
    const changing = round < roundsOfChange ? subject.change(30) : sleep(subject.lateMs ?? 0)
    if (round >= roundsOfChange) await changing
    const startedMs = subject.nowMs()
    for (let hasMore = true; hasMore; pages++) {
      const page = await subject.list.listChanges({ cursor, sinceMs }, call())
      for (const delivery of page.deliveries) seen.add(subject.nameOf(delivery))
      cursor = page.nextCursor
      hasMore = page.hasMore
    }
    sinceMs = startedMs - subject.list.overlapMs
    await changing
  }
  const missed = subject.expected().filter((name) => !seen.has(name))
  assertInvariant(missed.length === 0, `${missed.length} changes were never listed, e.g. ${missed[0]}`)
  return pages
}
