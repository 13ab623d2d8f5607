import type { Exchange } from "../exchange.ts"

/** The work of a phase at one point of a request. */
export type Step = (exchange: Exchange) => void | Promise<void>

/**
 * A named phase of every request. Steps run in the order of the array: first all `beforeBody`, then all `afterBody`.
 * Once there is a response, `afterAnswer` steps run in reverse order. A step that throws ends the request: `afterError`
 * steps clean up, and the error is described.
 */
export interface Phase {
  name: string
  /** Before a byte of the body is read. */
  beforeBody?: Step
  afterBody?: Step
  afterAnswer?: Step
  afterError?: Step
}
