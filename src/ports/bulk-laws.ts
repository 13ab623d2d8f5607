import { asAppError, assertInvariant } from "../base/errors.ts"
import { canonicalJson } from "../base/ids.ts"
import { sleep } from "../base/time.ts"
import type { BulkWrite, ItemOutcome } from "./bulk-write.ts"
import type { Fault } from "./law-subject.ts"
import type { Call, Written } from "./write.ts"

/** One bulk operation of one connector, to be tested against the laws. */
export interface BulkSubject<Item = unknown, Outcome extends Written = Written> {
  /** e.g. `shopify publishesStock.publishStock` */
  name: string
  write: BulkWrite<Item, Outcome>
  /** New items that the vendor takes and does not hold yet, at most `itemsMax`. */
  items(count: number): Item[]
  /** Items the vendor refuses for good: one for each reason it may refuse a single item. */
  bad(): Item[]
  /** Items that nothing but their write shows to be bad, at most eight. Absent: those of `bad` are such. */
  badInWriting?(): Item[]
  /** Whether the vendor's books hold an item as it says. */
  holds(item: Item): boolean
  /** Number of changes in the vendor's books. */
  changes(): number
  /** Makes the simulator fail, at the write alone or at every call. "none" ends the fault. */
  strike(fault: Fault, where: "write" | "everywhere"): void | Promise<void>
}

/** A law of bulk writes, tested under each of its faults. */
export interface BulkLaw {
  name: string
  faults: readonly Fault[]
  hold(subject: BulkSubject, fault: Fault): Promise<void>
}

/** Every law of bulk writes. A law that does not hold throws INVARIANT_BROKEN and says what was observed. */
export const bulkLaws: readonly BulkLaw[] = [
  { name: "a full call is written item by item", faults: ["none"], hold: fullCall },
  { name: "a bad item leaves all the others done", faults: ["none"], hold: badLeavesOthers },
  { name: "eight bad items first leave all the others done", faults: ["none"], hold: manyBadFirst },
  { name: "sent twice changes nothing more", faults: ["none"], hold: sentTwice },
  { name: "what was never sent is not read back", faults: ["none"], hold: neverSent },
  { name: "too many items, or two of one name, are refused before anything is sent", faults: ["none"], hold: tooMany },
  {
    name: "a lost answer is found item by item",
    faults: ["commit then reset", "commit then 5xx", "answer too late"],
    hold: lostAnswer,
  },
  {
    name: "unavailable means no item was written",
    faults: ["429", "5xx", "reset before commit", "outage"],
    hold: unavailableIsTrue,
  },
  { name: "a read-back that cannot ask throws instead of guessing", faults: ["429", "5xx", "outage"], hold: noGuess },
  {
    name: "repeated until done every good item is there and no bad one",
    faults: ["429", "5xx", "reset before commit", "commit then reset", "commit then 5xx", "answer too late", "mixed"],
    hold: doneInTheEnd,
  },
]

const leaseOfLostAnswersMs = 300
const countOfFaults = 20

function callOf(leaseMs = 20_000): Call {
  return { key: "bulk-law", signal: AbortSignal.timeout(leaseMs), correlation: "laws" }
}

async function fullCall(subject: BulkSubject): Promise<void> {
  const items = subject.items(subject.write.itemsMax)
  const outcomes = await subject.write.send(items, callOf())
  assertInvariant(outcomes.length === items.length, `${outcomes.length} outcomes for ${items.length} items`)
  expectAllDone(subject, items, outcomes)
  const readBack = await subject.write.probe(items, callOf())
  for (const [index, outcome] of outcomes.entries())
    assertInvariant(
      outcome.kind === "done" && canonicalJson(outcome.outcome) === canonicalJson(readBack[index]),
      `item ${index} has the outcome ${canonicalJson(outcome)} and is read back as ${canonicalJson(readBack[index])}`,
    )
}

/** The bad item stands first, in the middle and last, because vendors name items by their place. */
async function badLeavesOthers(subject: BulkSubject): Promise<void> {
  const { write } = subject
  for (const [kind, bad] of subject.bad().entries()) {
    const good = subject.items(write.itemsMax - 1)
    const at = [0, Math.floor(good.length / 2), good.length][kind % 3] ?? 0
    const outcomes = await write.send([...good.slice(0, at), bad, ...good.slice(at)], callOf())
    const itsOwn = outcomes[at]
    assertInvariant(
      itsOwn?.kind === "rejected",
      `bad item ${write.nameOf(bad)} has the outcome ${itsOwn?.kind}, not rejected`,
    )
    assertInvariant(itsOwn.message !== "", "the rejection has no message")
    expectAllDone(subject, good, [...outcomes.slice(0, at), ...outcomes.slice(at + 1)])
    assertInvariant(!subject.holds(bad), `the books hold the bad item ${write.nameOf(bad)}`)
  }
}

/** More in a row than a connector may take for a vendor that refuses everything. */
async function manyBadFirst(subject: BulkSubject): Promise<void> {
  const { write } = subject
  const bad = (subject.badInWriting?.() ?? subject.bad()).slice(0, 8)
  const good = subject.items(write.itemsMax - bad.length)
  const outcomes = await write.send([...bad, ...good], callOf())
  for (const [index, item] of bad.entries()) {
    const kind = outcomes[index]?.kind
    assertInvariant(kind === "rejected", `bad item ${write.nameOf(item)} has the outcome ${kind}, not rejected`)
    assertInvariant(!subject.holds(item), `the books hold the bad item ${write.nameOf(item)}`)
  }
  expectAllDone(subject, good, outcomes.slice(bad.length))
}

async function sentTwice(subject: BulkSubject): Promise<void> {
  const items = [...subject.items(countOfFaults), ...subject.bad()]
  const first = await subject.write.send(items, callOf())
  const changes = subject.changes()
  for (let repeat = 0; repeat < 2; repeat += 1) {
    const again = await subject.write.send(items, callOf())
    assertInvariant(
      canonicalJson(again) === canonicalJson(first),
      `a repeat returns ${canonicalJson(again)}, not ${canonicalJson(first)}`,
    )
    assertInvariant(subject.changes() === changes, `a repeat made ${subject.changes() - changes} changes`)
  }
}

async function neverSent(subject: BulkSubject): Promise<void> {
  const found = await subject.write.probe([...subject.items(3), ...subject.bad()], callOf())
  assertInvariant(
    found.every((one) => one === undefined),
    `read back what was never sent: ${canonicalJson(found)}`,
  )
}

async function tooMany(subject: BulkSubject): Promise<void> {
  const { write } = subject
  const items = subject.items(write.itemsMax)
  const [first] = items
  assertInvariant(first !== undefined, "the subject makes no items")
  const changes = subject.changes()
  for (const wrong of [
    [...items, ...subject.items(1)],
    [first, first],
  ]) {
    const kind = await kindOf(write.send(wrong, callOf()))
    assertInvariant(kind === "invalid", `a call of ${wrong.length} items fails with ${kind}, not invalid`)
  }
  assertInvariant(subject.changes() === changes, "something was written")
}

async function lostAnswer(subject: BulkSubject, fault: Fault): Promise<void> {
  const { write } = subject
  const [items, bad] = [subject.items(countOfFaults), subject.bad()]
  await subject.strike(fault, "write")
  const sent = await outcomeOf(write.send(items, callOf(leaseOfLostAnswersMs)))
  await subject.strike("none", "everywhere")
  const isInDoubt = sent.error
    ? sent.error.kind === "uncertain"
    : (sent.value ?? []).every((outcome) => outcome.kind !== "rejected")
  assertInvariant(isInDoubt, `after a lost response the write returns ${sent.error?.kind ?? canonicalJson(sent.value)}`)
  await sleep(50)
  const found = await write.probe([...items, ...bad], callOf())
  for (const [index, item] of [...items, ...bad].entries())
    assertInvariant(
      (found[index] !== undefined) === subject.holds(item),
      `${write.nameOf(item)} is read back as ${canonicalJson(found[index])}, the books ${subject.holds(item) ? "hold it" : "do not"}`,
    )
  assertInvariant(items.every(subject.holds), "the fault was to strike after the write")
}

async function unavailableIsTrue(subject: BulkSubject, fault: Fault): Promise<void> {
  const items = subject.items(countOfFaults)
  const changes = subject.changes()
  await subject.strike(fault, "everywhere")
  const kind = await kindOf(subject.write.send(items, callOf(2_000)))
  await subject.strike("none", "everywhere")
  const isTrue = kind === "unavailable" || (kind === "uncertain" && fault !== "429")
  assertInvariant(isTrue, `a send during "${fault}" fails with ${kind}`)
  assertInvariant(subject.changes() === changes, "something was written")
}

async function noGuess(subject: BulkSubject, fault: Fault): Promise<void> {
  const items = subject.items(3)
  await subject.write.send(items, callOf())
  await subject.strike(fault, "everywhere")
  const kind = await kindOf(subject.write.probe(items, callOf()))
  await subject.strike("none", "everywhere")
  assertInvariant(kind === "unavailable" || kind === "uncertain", `a read-back during "${fault}" fails with ${kind}`)
}

const attemptsMax = 60
const healsAfterAttempts = 3

/** Acts like a caller: sends open items, reads uncertain ones back, and waits while the vendor is unavailable. */
async function doneInTheEnd(subject: BulkSubject, fault: Fault): Promise<void> {
  const { write } = subject
  const [good, bad] = [subject.items(countOfFaults), subject.bad()]
  let open = [...good, ...bad]
  const rejected: unknown[] = []
  await subject.strike(fault, "everywhere")
  for (let attempt = 1; open.length > 0; attempt += 1) {
    assertInvariant(attempt <= attemptsMax, `not done after ${attemptsMax} attempts`)
    if (attempt > healsAfterAttempts) await subject.strike("none", "everywhere")
    const sent = await outcomeOf(write.send(open, callOf(leaseOfLostAnswersMs * 3)))
    if (sent.error && sent.error.kind !== "unavailable" && sent.error.kind !== "uncertain") throw sent.error
    if (!sent.value) {
      const found = await outcomeOf(write.probe(open, callOf()))
      open = open.filter((_item, index) => found.value?.[index] === undefined)
      continue
    }
    const outcomes = sent.value
    rejected.push(...open.filter((_item, index) => outcomes[index]?.kind === "rejected"))
    open = open.filter((_item, index) => outcomes[index]?.kind === "unknown")
  }
  await subject.strike("none", "everywhere")
  assertInvariant(good.every(subject.holds), "a good item is missing")
  assertInvariant(!bad.some(subject.holds), "a bad item is there")
  assertInvariant(rejected.length === bad.length, `${rejected.length} of ${bad.length} bad items were rejected`)
}

function expectAllDone(
  subject: BulkSubject,
  items: readonly unknown[],
  outcomes: readonly ItemOutcome<Written>[],
): void {
  const open = outcomes.filter(({ kind }) => kind !== "done")
  assertInvariant(open.length === 0, `${open.length} of ${items.length} are not done: ${canonicalJson(open[0])}`)
  const missing = items.filter((item) => !subject.holds(item))
  assertInvariant(missing.length === 0, `the books lack ${missing.length} of ${items.length} items`)
}

async function outcomeOf<Value>(work: Promise<Value>) {
  try {
    return { value: await work }
  } catch (thrown) {
    return { error: asAppError(thrown) }
  }
}

async function kindOf(work: Promise<unknown>): Promise<string> {
  return (await outcomeOf(work)).error?.kind ?? "success"
}
