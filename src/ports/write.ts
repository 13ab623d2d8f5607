import type { Reference } from "../canonical/parts.ts"

/** What the effect ledger tells a connector about the call it makes. */
export interface Call {
  /** Deterministic and the same on every attempt: the vendor's idempotency key or our reference in its document. */
  key: string
  /** Aborts when the lease on the intent ends; pass it to the HTTP client. */
  signal: AbortSignal
  /** W3C trace context and correlation to send along. */
  correlation: string
  traceparent?: string
}

/** What a write leaves in the other system. `reference` is how people there find it. */
export interface Written {
  reference?: Reference
}

/**
 * One operation that changes another system, with the way to find out whether it already happened.
 *
 * `send` does it. Throw AppErrors whose kind is true: `unavailable` only when nothing can have happened, `uncertain` when it
 * may have, `rejected` when the system refused. `probe` looks the result up by `call.key` and returns it, or undefined when it
 * is not there; it must throw rather than guess when it cannot tell. Both get the same input.
 *
 * An answer is no proof. Where a vendor's answer does not show the effect (Tryton answers 200 to a button that does not apply and
 * does nothing; SAP's goods issue answers without a body), `send` reads back what it changed before it calls it done; what is
 * not there then is `conflict`, for a person. A write of several calls goes on where an earlier attempt broke off: `send` looks
 * for what is there first, by reference, because references are not unique (two found: VENDOR_MISBEHAVED naming both) and
 * `probe` counts only the whole of it as done. A connector that knows its vendor to drop kept connections unannounced (uwsgi)
 * does not keep them.
 *
 * Input and output are JSON: they are kept in the ledger.
 */
export interface Write<Input, Output extends Written> {
  send(input: Input, call: Call): Promise<Output>
  probe(input: Input, call: Call): Promise<Output | undefined>
  /**
   * How long after a lost answer the other system may still commit. "Not found" counts only after that; until then the
   * outcome stays unknown. Default 2,000.
   */
  settleMs?: number
}

/** One operation that only reads; may be repeated at will. */
export type Read<Input, Output> = (input: Input, call: Omit<Call, "key">) => Promise<Output>
