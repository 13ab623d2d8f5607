import type { Money } from "../base/money.ts"
import {
  amountsSurvive,
  answerIsNoProof,
  cancelOfMissing,
  doneInTheEnd,
  doubleIsNamed,
  foundByProbe,
  lostAnswer,
  neverSent,
  probeDoesNotGuess,
  refusedConnection,
  refusedLeavesNothing,
  sentOnce,
  sentTwice,
  unavailableIsTrue,
} from "./law-proofs.ts"
import type { Call, Write, Written } from "./write.ts"

/**
 * The laws every write of every connector must keep, run against its vendor's simulator with every fault.
 *
 * A law that does not hold throws INVARIANT_BROKEN with what was seen. A law that cannot apply returns the reason, and the table
 * shows it.
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
  /** e.g. `stripe capturesPayments.capture` */
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
  /** Faults that do not lose a response here, with the reason. */
  cannotLose?: Partial<Record<Fault, string>>
  /** Makes a fault strike, at the write alone or at every call; "none" heals. */
  strike(fault: Fault, where: "write" | "everywhere"): void | Promise<void>
}

/** Something that must hold for every write, under each of these faults. */
export interface Law {
  name: string
  faults: readonly Fault[]
  /** Returns undefined when the law held, or why it cannot apply. */
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

/** Every law of writes, in the order in which a newcomer should make them hold. */
export const writeLaws: readonly Law[] = [
  { name: "sent once is there once", faults: ["none"], hold: sentOnce },
  { name: "sent twice is there once", faults: ["none"], hold: sentTwice },
  { name: "what was sent is found by probe", faults: ["none"], hold: foundByProbe },
  { name: "a probe of what was never sent returns undefined", faults: ["none"], hold: neverSent },
  { name: "a duplicate is named, not chosen from", faults: ["none"], hold: doubleIsNamed },
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
