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
import { faults, type Fault, type LawSubject } from "./law-subject.ts"

/** A law of writes, tested under each of its faults. */
export interface Law {
  name: string
  faults: readonly Fault[]
  /** Returns undefined when the law held, or why it cannot apply. */
  hold(subject: LawSubject, fault: Fault): Promise<string | undefined>
}

/**
 * The laws every write of every connector must keep, tested against its vendor's simulator under each fault.
 *
 * A law that does not hold throws INVARIANT_BROKEN and says what was observed. A law that cannot apply returns the
 * reason, and the table shows it. The laws are in the order in which a newcomer should make them hold.
 */
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
