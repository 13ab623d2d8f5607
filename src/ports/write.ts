import type { Reference } from "../canonical/parts.ts"
import type { Money } from "../base/money.ts"
import type { Order } from "../canonical/order.ts"

/** The context of one call of a write, from the effect ledger. */
export interface Call {
  /** Deterministic and the same on every attempt: the vendor's idempotency key or our reference in its document. */
  key: string
  /**
   * How often the system has definitely refused this write; a person had it tried again since. A vendor that replays its stored
   * answer to an idempotency key needs another key for it; `key` stays our reference.
   */
  refusals?: number
  /** Aborts when the lease on the intent ends; pass it to the HTTP client. */
  signal: AbortSignal
  /** W3C trace context and correlation to send along. */
  correlation: string
  traceparent?: string
  /**
   * Nobody waits for it. Where the system gives each caller a budget, a fifth of it is left to others: without that much room the call is
   * not made and throws CONNECTION_PAUSED, which holds up nothing else.
   */
  isBackground?: boolean
}

/** The result of a write. `reference` is how people find it in the other system. */
export interface Written {
  reference?: Reference
}

/**
 * One operation that changes another system, with the way to find out whether it already happened.
 *
 * `send` makes the change. It throws AppErrors whose kind is true: `unavailable` only when nothing can have happened, `uncertain`
 * when it may have, `rejected` when the system refused. `probe` looks the result up by `call.key` and returns it, or undefined when
 * it is not there; when it cannot know, it throws. Both get the same input.
 *
 * A success status is no proof. Where a vendor's response does not show the effect, `send` reads back what it changed before it
 * returns: Tryton returns 200 for a button that does not apply and does nothing, SAP's goods issue returns no body. A change that is
 * not there then is `conflict`, for a person.
 *
 * A write of several calls continues where an earlier attempt broke off: `send` first looks by reference for what is there, and
 * `probe` counts only the whole as done. References are not unique, so two documents under one are VENDOR_MISBEHAVED naming both. A
 * connector whose vendor closes kept connections unannounced (uwsgi) does not keep them.
 *
 * Input and output are JSON: they are kept in the ledger.
 */
export interface Write<Input, Output extends Written> {
  send(input: Input, call: Call): Promise<Output>
  probe(input: Input, call: Call): Promise<Output | undefined>
  /**
   * How long after a lost response the other system may still commit. "Not found" counts only after that; until then the
   * outcome stays unknown. Default 2,000.
   */
  settleMs?: number
  /** Where a person may link a document that exists as the outcome. */
  links?: Links<Input, Output>
}

/** How documents are linked to an operation. */
export type LinksOf<Operation> = Operation extends Write<infer Input, infer Output> ? Links<Input, Output> : never

/** One operation that only reads; may be repeated at will. */
export type Read<Input, Output> = (input: Input, call: Omit<Call, "key">) => Promise<Output>

/** Makes a reference to a vendor's document, for ledgers and traces. */
export function reference(system: string, type: string, id: string): Reference {
  return { system, type, id }
}

/** What a write was to make, in the few words that the ledger keeps also where the whole input is too long to keep. */
export interface Asked {
  /** What the document should be worth; missing where it has no money. */
  worth?: Money
  /** What it belongs to in the other system, as the other system names it: a sales order, a payment. */
  of?: string
  /** What should be in it, and how much of each, as `linesOf` writes it: by SKU, or by account. */
  lines?: Readonly<Record<string, string>>
}

/** A document of another system as a person compares it with what a write was to make. */
export interface FoundDocument<Output> {
  /** What the write would have returned for it. */
  output: Output
  /** Our reference in it; "" when it carries none. */
  reference: string
  /** What it is worth; missing where the system does not say. */
  total?: Money
  /** What it belongs to; a document of something else cannot be the outcome. */
  of?: string
  lines?: Readonly<Record<string, string>>
  /** In the system's own words. */
  state: string
  /** Why it cannot be the outcome, whatever a person says: what follows could not be done with it. */
  cannotBe?: string
  /** What else is not as it was asked, a few words each. */
  others?: readonly string[]
}

/** What a document is looked up by. */
export interface WantedDocument {
  /** As people read it in the other system. */
  number: string
  /** The order that it belongs to. */
  order: Order
  /** The key of the write, which a document that it made itself carries. */
  key: string
}

/** How a person may say that a document which exists is the outcome of a write (an answer that was lost, or somebody's own work). */
export interface Links<Input, Output> {
  /** What people call the document: "sales order". */
  document: string
  /** What is compared with the document. It is kept with the intent, before the call. */
  asks(input: Input): Asked
  /** Undefined when there is none of that number. Throws as a probe does when it cannot know; REQUEST_INVALID when the number names several. */
  read(wanted: WantedDocument, call: Omit<Call, "key">): Promise<FoundDocument<Output> | undefined>
  /** What the write would have returned, where the system refuses to be asked and a person answers for the number. */
  named(number: string, asked: Asked): Output
}
