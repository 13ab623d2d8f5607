import { asAppError, assertInvariant, type AppError, type ErrorKind } from "../base/errors.ts"
import { canonicalJson } from "../base/ids.ts"
import { sameMoney, type Money } from "../base/money.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Call, Write, Written } from "./write.ts"

/**
 * The laws every write of every connector must keep, run against its vendor's simulator with every fault.
 *
 * A law that does not hold throws INVARIANT_BROKEN with what was seen. A law that cannot apply answers with the reason, which
 * is shown: nothing is left out in silence.
 */
export const faults = [
  "none",
  "429",
  "5xx",
  "reset before commit",
  "commit then reset",
  "commit then 5xx",
  "answer too late",
  "outage",
  "mixed",
  "answered, nothing done",
] as const
/** A way in which the other system fails. */
export type Fault = (typeof faults)[number]

/** One thing to be written, with the way to look into the vendor's own books for it. */
export interface Intent {
  send(leaseMs?: number): Promise<Written>
  probe(): Promise<Written | undefined>
  settleMs: number
  /** How often it stands in the vendor's books. */
  count(): number | Promise<number>
  /** The amount that was sent and the one in the books, where money is written. */
  amounts?(): { sent: Money; inBooks: Money | undefined } | Promise<{ sent: Money; inBooks: Money | undefined }>
}

/** One operation of one connector, ready to be judged. */
export interface LawSubject {
  /** e.g. `stripe takesPayments.capture` */
  name: string
  /** A new intent; prepares what it needs at the vendor, e.g. a hold to be captured. */
  make(): Promise<Intent>
  /** An intent the vendor refuses for good. */
  refused?: () => Promise<Intent>
  /** An intent to cancel something that does not exist. */
  missing?: () => Promise<Intent>
  /** An intent sent to an address where nothing listens. */
  unreachable?: () => Promise<Intent>
  /** Why the vendor cannot be asked what became of a write; it is then repeated, and known by the vendor for a repeat. */
  cannotBeAsked?: string
  /** Why a repeat may stand in the vendor's books again. */
  repeatsShow?: string
  /** Faults that do not lose an answer here, with the reason. */
  cannotLose?: Partial<Record<Fault, string>>
  /** Makes a fault strike, at the write alone or at every call; "none" heals. */
  strike(fault: Fault, where: "write" | "everywhere"): void | Promise<void>
}

/** Something that must hold for every write, under each of these faults. */
export interface Law {
  name: string
  faults: readonly Fault[]
  /** Answers undefined when the law held, or why it cannot apply. */
  hold(subject: LawSubject, fault: Fault): Promise<string | undefined>
}

/** Makes an intent of a write. `count` looks into the vendor's books. */
export function intentOf<Input, Output extends Written>(
  write: Write<Input, Output>,
  options: { input: Input; key: string; count: Intent["count"]; amounts?: Intent["amounts"] },
): Intent {
  const call = (leaseMs: number): Call => ({
    key: options.key,
    signal: AbortSignal.timeout(leaseMs),
    correlation: `laws-${options.key}`,
  })
  return {
    send: (leaseMs = 10_000) => write.send(options.input, call(leaseMs)),
    probe: () => write.probe(options.input, call(10_000)),
    settleMs: write.settleMs ?? 2_000,
    count: options.count,
    ...(options.amounts ? { amounts: options.amounts } : {}),
  }
}

const leaseOfLostAnswersMs = 300

/** Every law of writes, in the order in which a newcomer should make them hold. */
export const writeLaws: readonly Law[] = [
  { name: "sent once is there once", faults: ["none"], hold: sentOnce },
  { name: "sent twice is there once", faults: ["none"], hold: sentTwice },
  { name: "what was sent is found by probe", faults: ["none"], hold: foundByProbe },
  { name: "a probe of what was never sent answers undefined", faults: ["none"], hold: neverSent },
  { name: "amounts survive the round trip", faults: ["none"], hold: amountsSurvive },
  { name: "a refused write leaves nothing", faults: ["none"], hold: refusedLeavesNothing },
  { name: "a cancel of what is not there changes nothing", faults: ["none"], hold: cancelOfMissing },
  { name: "a refused connection is unavailable", faults: ["none"], hold: refusedConnection },
  {
    name: "a lost answer is uncertain and found by probe",
    faults: ["commit then reset", "commit then 5xx", "answer too late"],
    hold: lostAnswer,
  },
  {
    name: "unavailable means nothing happened",
    faults: ["429", "5xx", "reset before commit", "outage"],
    hold: unavailableIsTrue,
  },
  {
    name: "a probe that cannot ask throws instead of guessing",
    faults: ["429", "5xx", "outage"],
    hold: probeDoesNotGuess,
  },
  {
    name: "what was answered and not done is not called done",
    faults: ["answered, nothing done"],
    hold: answerIsNoProof,
  },
  {
    name: "repeated until it is done it is there once",
    faults: faults.filter((fault) => fault !== "none" && fault !== "answered, nothing done"),
    hold: doneInTheEnd,
  },
]

async function sentOnce({ make }: LawSubject): Promise<undefined> {
  const intent = await make()
  await intent.send()
  await expectCount(intent, 1)
}

async function sentTwice({ make, repeatsShow }: LawSubject): Promise<string | undefined> {
  if (repeatsShow) return repeatsShow
  const intent = await make()
  const first = await intent.send()
  const second = await intent.send()
  await expectCount(intent, 1)
  expectSame(first, second, "the second send answers differently")
  return undefined
}

async function foundByProbe({ make, cannotBeAsked }: LawSubject): Promise<string | undefined> {
  if (cannotBeAsked) return cannotBeAsked
  const intent = await make()
  const sent = await intent.send()
  expectSame(sent, await intent.probe(), "the probe answers differently from the send")
  return undefined
}

async function neverSent({ make }: LawSubject): Promise<undefined> {
  const intent = await make()
  const found = await intent.probe()
  assertInvariant(found === undefined, `the probe found what was never sent: ${canonicalJson(found)}`)
}

async function amountsSurvive({ make }: LawSubject): Promise<string | undefined> {
  for (let round = 0; round < 4; round++) {
    const intent = await make()
    if (!intent.amounts) return "writes no money"
    await intent.send()
    const { sent, inBooks } = await intent.amounts()
    assertInvariant(
      inBooks !== undefined && sameMoney(sent, inBooks),
      `sent ${canonicalJson(sent)}, the books hold ${canonicalJson(inBooks)}`,
    )
  }
  return undefined
}

async function refusedLeavesNothing({ refused }: LawSubject): Promise<string | undefined> {
  if (!refused) return "nothing it would refuse is known"
  const intent = await refused()
  const kind = await kindOf(intent.send())
  assertInvariant(kind === "rejected" || kind === "conflict" || kind === "invalid", `the refusal is called ${kind}`)
  await expectCount(intent, 0)
  const probe = await outcomeOf(intent.probe())
  const isSettled = probe.error ? probe.error.kind === "rejected" : probe.value === undefined
  assertInvariant(isSettled, `the probe of a refused write answers ${canonicalJson(probe.value ?? probe.error?.kind)}`)
  return undefined
}

async function cancelOfMissing({ missing }: LawSubject): Promise<string | undefined> {
  if (!missing) return "cancels nothing"
  const intent = await missing()
  await intent.send()
  await expectCount(intent, 0)
  return undefined
}

async function refusedConnection({ unreachable }: LawSubject): Promise<string | undefined> {
  if (!unreachable) return "not tried"
  const kind = await kindOf((await unreachable()).send())
  assertInvariant(kind === "unavailable", `a refused connection is called ${kind}`)
  return undefined
}

async function lostAnswer(subject: LawSubject, fault: Fault): Promise<string | undefined> {
  const excuse = subject.cannotLose?.[fault]
  if (excuse) return excuse
  const intent = await subject.make()
  await subject.strike(fault, "write")
  const outcome = await outcomeOf(intent.send(leaseOfLostAnswersMs))
  await subject.strike("none", "everywhere")
  await sleep(50)
  // A connector may look for itself and answer with what it found: then nothing was lost.
  if (outcome.error)
    assertInvariant(outcome.error.kind === "uncertain", `the lost answer is called ${outcome.error.kind}`)
  await expectCount(intent, 1)
  if (subject.cannotBeAsked) return outcome.error ? `uncertain; ${subject.cannotBeAsked}` : undefined
  assertInvariant((await intent.probe()) !== undefined, "the probe does not find what was done")
  return undefined
}

async function unavailableIsTrue(subject: LawSubject, fault: Fault): Promise<undefined> {
  const intent = await subject.make()
  await subject.strike(fault, "everywhere")
  const kind = await kindOf(intent.send(2_000))
  await subject.strike("none", "everywhere")
  // Asked to slow down, a vendor has done nothing: that must never cost a look-up. The others may leave a doubt.
  const isTrue = kind === "unavailable" || (kind === "uncertain" && fault !== "429")
  assertInvariant(isTrue, `a send during "${fault}" is called ${kind}`)
  await expectCount(intent, 0)
  assertInvariant((await intent.probe()) === undefined, "the probe finds what did not happen")
}

async function probeDoesNotGuess(subject: LawSubject, fault: Fault): Promise<string | undefined> {
  if (subject.cannotBeAsked) return subject.cannotBeAsked
  const intent = await subject.make()
  await intent.send()
  await subject.strike(fault, "everywhere")
  const kind = await kindOf(intent.probe())
  await subject.strike("none", "everywhere")
  assertInvariant(kind === "unavailable" || kind === "uncertain", `a probe during "${fault}" is called ${kind}`)
  return undefined
}

/**
 * Tryton answers 200 to a button that does not apply and does nothing: a success must have been read back. What is read then is
 * the truth and no lost answer, so a person decides (conflict, rejected), or it is looked up once more (uncertain).
 */
async function answerIsNoProof({ make, strike }: LawSubject, fault: Fault): Promise<string | undefined> {
  const intent = await make()
  await strike(fault, "write")
  const kind = await kindOf(intent.send())
  await strike("none", "everywhere")
  if (kind === "success") {
    await expectCount(intent, 1)
    return undefined
  }
  const isHonest = kind === "conflict" || kind === "rejected" || kind === "uncertain"
  assertInvariant(isHonest, `a write that was answered and not done is called ${kind}`)
  await expectCount(intent, 0)
  await intent.send()
  await expectCount(intent, 1)
  return undefined
}

const attemptsMax = 60
const healsAfterAttempts = 3

/** What the effect engine does: send, look up what is uncertain, wait out what is unavailable. The fault heals after a while. */
async function doneInTheEnd(subject: LawSubject, fault: Fault): Promise<string | undefined> {
  const intent = await subject.make()
  await subject.strike(fault, "everywhere")
  const startedMs = monotonicMs()
  let isUnknown = false
  for (let attempt = 1; ; attempt++) {
    assertInvariant(attempt <= attemptsMax, `not done after ${attemptsMax} attempts`)
    if (attempt > healsAfterAttempts) await subject.strike("none", "everywhere")
    const wasProbe: boolean = isUnknown && !subject.cannotBeAsked
    const step: Promise<Written | undefined> = wasProbe ? intent.probe() : intent.send(leaseOfLostAnswersMs)
    const { value, error } = await outcomeOf(step)
    if (error && error.kind !== "unavailable" && error.kind !== "uncertain") throw error
    if (!error && (value !== undefined || !wasProbe)) break
    isUnknown = error ? isUnknown || error.kind === "uncertain" : false
    if (wasProbe && !error) await sleep(Math.min(intent.settleMs, 100))
  }
  await subject.strike("none", "everywhere")
  const count = await intent.count()
  if (subject.cannotBeAsked && subject.repeatsShow && count > 1) return `there ${count} times: ${subject.repeatsShow}`
  assertInvariant(count === 1, `there ${count} times after ${Math.round(monotonicMs() - startedMs)} ms of "${fault}"`)
  return undefined
}

async function expectCount(intent: Intent, expected: number): Promise<void> {
  const count = await intent.count()
  assertInvariant(count === expected, `the vendor's books hold it ${count} times instead of ${expected}`)
}

function expectSame(left: unknown, right: unknown, what: string): void {
  assertInvariant(
    canonicalJson(left) === canonicalJson(right),
    `${what}: ${canonicalJson(left)} and ${canonicalJson(right)}`,
  )
}

async function outcomeOf<Value>(work: Promise<Value>): Promise<{ value?: Value; error?: AppError }> {
  try {
    return { value: await work }
  } catch (error) {
    return { error: asAppError(error) }
  }
}

async function kindOf(work: Promise<unknown>): Promise<ErrorKind | "success"> {
  return (await outcomeOf(work)).error?.kind ?? "success"
}
