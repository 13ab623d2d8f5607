import type { Money } from "../base/money.ts"
import type { Call, Write, Written } from "./write.ts"

/** Ways in which another system fails, as the laws try them. */
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
