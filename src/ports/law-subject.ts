import type { Money } from "../base/money.ts"
import type { Call, Write, Written } from "./write.ts"

/** Ways in which another system fails. The laws are tested under each of them. */
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

/** One document to be written, with access to the vendor's own books. */
export interface Intent {
  send(leaseMs?: number): Promise<Written>
  probe(): Promise<Written | undefined>
  settleMs: number
  /** How often the document is in the vendor's books. */
  count(): number | Promise<number>
  /** For writes of money: the amount that was sent and the one in the books. */
  amounts?(): { sent: Money; inBooks: Money | undefined } | Promise<{ sent: Money; inBooks: Money | undefined }>
}

/** One operation of one connector, to be tested against the laws. */
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
  /**
   * Why the vendor cannot be asked for the outcome of a write. The write is then repeated, and the vendor recognises
   * the repeat.
   */
  cannotBeAsked?: string
  /** Why a repeat may be in the vendor's books a second time. */
  repeatsShow?: string
  /** Faults under which no response can be lost here, with the reason. */
  cannotLose?: Partial<Record<Fault, string>>
  /** Makes the simulator fail, at the write alone or at every call. "none" ends the fault. */
  strike(fault: Fault, where: "write" | "everywhere"): void | Promise<void>
}

/** Makes an intent of a write. `count` reads the vendor's books. */
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
