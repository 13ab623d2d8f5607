import { asAppError, assertInvariant, type AppError, type ErrorKind } from "../base/errors.ts"
import { canonicalJson } from "../base/ids.ts"
import { sameMoney } from "../base/money.ts"
import { monotonicMs, sleep } from "../base/time.ts"
import type { Fault, Intent, LawSubject } from "./law-subject.ts"
import type { Written } from "./write.ts"

/* The proof of each law of `laws.ts`. A proof returns undefined when the law held, or why it cannot apply, and throws otherwise. */

const leaseOfLostAnswersMs = 300

/** One send leaves one document. */
export async function sentOnce({ make }: LawSubject): Promise<undefined> {
  const intent = await make()
  await intent.send()
  await expectCount(intent, 1)
}

/** A repeat changes nothing and returns the same. */
export async function sentTwice({ make, repeatsShow }: LawSubject): Promise<string | undefined> {
  if (repeatsShow) return repeatsShow
  const intent = await make()
  const first = await intent.send()
  const second = await intent.send()
  await expectCount(intent, 1)
  expectSame(first, second, "the second send returns something else")
  return undefined
}

/** A probe returns what the send returned. */
export async function foundByProbe({ make, cannotBeAsked }: LawSubject): Promise<string | undefined> {
  if (cannotBeAsked) return cannotBeAsked
  const intent = await make()
  const sent = await intent.send()
  expectSame(sent, await intent.probe(), "the probe does not return what the send returned")
  return undefined
}

/** A probe invents nothing. */
export async function neverSent({ make }: LawSubject): Promise<undefined> {
  const intent = await make()
  const found = await intent.probe()
  assertInvariant(found === undefined, `the probe found what was never sent: ${canonicalJson(found)}`)
}

/**
 * References are not unique in most books. A probe that finds two documents throws: if it chose one, nobody would
 * notice the other.
 */
export async function doubleIsNamed({ make, repeatsShow, cannotBeAsked }: LawSubject): Promise<string | undefined> {
  if (!repeatsShow) return "the vendor recognises a repeat"
  if (cannotBeAsked) return cannotBeAsked
  const intent = await make()
  await intent.send()
  await intent.send()
  if ((await intent.count()) === 1) return "the second send found the first"
  const kind = await kindOf(intent.probe())
  assertInvariant(kind === "defect", `a probe that finds two documents fails with ${kind}, not defect`)
  return undefined
}

/** The amount sent and the amount in the books are equal. */
export async function amountsSurvive({ make }: LawSubject): Promise<string | undefined> {
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

/** A refused write throws a refusal and leaves nothing in the books. */
export async function refusedLeavesNothing({ refused }: LawSubject): Promise<string | undefined> {
  if (!refused) return "no input is known that the vendor refuses"
  const intent = await refused()
  const kind = await kindOf(intent.send())
  assertInvariant(kind === "rejected" || kind === "conflict" || kind === "invalid", `the refusal is thrown as ${kind}`)
  await expectCount(intent, 0)
  const probe = await outcomeOf(intent.probe())
  const isSettled = probe.error ? probe.error.kind === "rejected" : probe.value === undefined
  assertInvariant(isSettled, `the probe of a refused write returns ${canonicalJson(probe.value ?? probe.error?.kind)}`)
  return undefined
}

/** Cancelling something that does not exist is a no-op. */
export async function cancelOfMissing({ missing }: LawSubject): Promise<string | undefined> {
  if (!missing) return "cancels nothing"
  const intent = await missing()
  await intent.send()
  await expectCount(intent, 0)
  return undefined
}

/** When nothing listens at the address, nothing can have happened. */
export async function refusedConnection({ unreachable }: LawSubject): Promise<string | undefined> {
  if (!unreachable) return "not tried"
  const kind = await kindOf((await unreachable()).send())
  assertInvariant(kind === "unavailable", `a refused connection fails with ${kind}`)
  return undefined
}

/** After a lost response the outcome is uncertain, and the probe finds it. */
export async function lostAnswer(subject: LawSubject, fault: Fault): Promise<string | undefined> {
  const excuse = subject.cannotLose?.[fault]
  if (excuse) return excuse
  const intent = await subject.make()
  await subject.strike(fault, "write")
  const outcome = await outcomeOf(intent.send(leaseOfLostAnswersMs))
  await subject.strike("none", "everywhere")
  await sleep(50)
  // A connector may look the outcome up by itself; then no response was lost.
  if (outcome.error)
    assertInvariant(
      outcome.error.kind === "uncertain",
      `after a lost response the send fails with ${outcome.error.kind}, not uncertain`,
    )
  await expectCount(intent, 1)
  if (subject.cannotBeAsked) return outcome.error ? `uncertain; ${subject.cannotBeAsked}` : undefined
  assertInvariant((await intent.probe()) !== undefined, "the probe does not find what was done")
  return undefined
}

/** After "unavailable" a caller repeats without looking the write up, so it must not have taken effect. */
export async function unavailableIsTrue(subject: LawSubject, fault: Fault): Promise<undefined> {
  const intent = await subject.make()
  await subject.strike(fault, "everywhere")
  const kind = await kindOf(intent.send(2_000))
  await subject.strike("none", "everywhere")
  // A vendor that limits our rate has done nothing, so that must never need a look-up. After other faults the outcome
  // may be uncertain.
  const isTrue = kind === "unavailable" || (kind === "uncertain" && fault !== "429")
  assertInvariant(isTrue, `a send during "${fault}" fails with ${kind}`)
  await expectCount(intent, 0)
  assertInvariant((await intent.probe()) === undefined, "the probe finds what did not happen")
}

/** A probe that cannot ask does not say "not there". */
export async function probeDoesNotGuess(subject: LawSubject, fault: Fault): Promise<string | undefined> {
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
 * Tryton returns 200 for a button that does not apply and does nothing, so a connector reads back what it changed. A change that
 * is not there then is no lost response: a person decides (conflict, rejected), or it is looked up once more (uncertain).
 */
export async function answerIsNoProof({ make, strike }: LawSubject, fault: Fault): Promise<string | undefined> {
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

/** Acts like the effect engine: sends, looks uncertain outcomes up, waits while unavailable. The fault ends after a while. */
export async function doneInTheEnd(subject: LawSubject, fault: Fault): Promise<string | undefined> {
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
