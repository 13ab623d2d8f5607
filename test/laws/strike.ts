import type { FaultRates, FaultSettings } from "../../lab/faults.ts"
import type { Fault } from "../../src/ports/law-subject.ts"

const rates: Record<Exclude<Fault, "none" | "outage">, FaultRates> = {
  "429": { rate429: 1 },
  "5xx": { rate5xx: 1 },
  "reset before commit": { resetBeforeCommit: 1 },
  "commit then reset": { commitThenReset: 1 },
  "commit then 5xx": { commitThen5xx: 1 },
  // Longer than the lease the laws give a call whose answer they lose.
  "answer too late": { hangRate: 1, hangMs: 600 },
  "answered, nothing done": { ignoredTransition: 1 },
  mixed: {
    rate429: 0.15,
    rate5xx: 0.15,
    resetBeforeCommit: 0.15,
    commitThenReset: 0.2,
    commitThen5xx: 0.2,
    hangRate: 0.1,
    hangMs: 600,
  },
}

/** Makes a law's fault strike in a simulator: at the operations that write, or at all of them. */
export function striker(
  simulator: { setFaults(settings: FaultSettings): void },
  operations: readonly string[],
): (fault: Fault, where: "write" | "everywhere") => void {
  return (fault, where) => {
    if (fault === "none") return simulator.setFaults({})
    if (fault === "outage") return simulator.setFaults({ outage: true })
    if (where === "everywhere") return simulator.setFaults(rates[fault])
    simulator.setFaults({ operations: Object.fromEntries(operations.map((operation) => [operation, rates[fault]])) })
  }
}
