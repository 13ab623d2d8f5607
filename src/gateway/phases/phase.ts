import type { Exchange } from "../exchange.ts"

/** What a phase does to a request at one moment. */
export type Step = (exchange: Exchange) => void | Promise<void>

/**
 * A named phase every request passes. Steps run in the order of the array, first all `beforeBody`, then all `afterBody`,
 * then, when there is an answer, `afterAnswer` backwards. A step that throws ends the request: `afterError` steps clean up
 * and the error is described.
 */
export interface Phase {
  name: string
  /** Before a byte of the body is read. */
  beforeBody?: Step
  afterBody?: Step
  afterAnswer?: Step
  afterError?: Step
}
