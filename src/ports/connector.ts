import type { Static, TSchema } from "typebox"
import type { Log } from "../base/log.ts"
import type { Clock } from "../base/time.ts"
import type { Capabilities } from "./capabilities.ts"

/** The inputs of a connector besides its connection's settings. */
export interface ConnectContext {
  /** Id of the connection, e.g. `shop-de`; used as `system` in references and in facts. */
  connectionId: string
  clock: Clock
  log: Log
}

/** The rate of one operation, beside the rate of its connection. Only where the vendor publishes a figure. */
export interface OperationRate {
  /** Tokens of the connection's rate for one call of ours that makes several of the vendor's. Default 1. */
  cost?: number
  /** Calls of this operation per second. The default burst is one second's worth. */
  perSecond?: number
  burst?: number
}

/** How fast a system may be called; the effect engine paces by it. Source of the numbers belongs beside them. */
export interface RateModel {
  /** Calls under way at once. */
  concurrencyMax: number
  /** Tokens a second and burst, when the vendor publishes them. */
  perSecond?: number
  burst?: number
  /** Operations with a rate or a cost of their own, by `capability.operation`, e.g. `capturesPayments.capture`. */
  operations?: Readonly<Record<string, OperationRate>>
  /** Longest wait that the system may ask for by Retry-After; a longer one is cut to it. Default 900,000 (15 minutes). */
  askedWaitMaxMs?: number
}

/**
 * The share of a rate that one of several processes may use, so that all together keep the vendor's limit. Concurrency is shared
 * too; every process keeps at least one call at a time, or it could never call.
 */
export function shareOfRate(rate: RateModel, processes: number): RateModel {
  const n = Math.max(1, Math.floor(processes))
  if (n === 1) return rate
  const shared = ({ perSecond, burst }: Pick<RateModel, "perSecond" | "burst">) => ({
    ...(perSecond === undefined ? {} : { perSecond: perSecond / n }),
    ...(burst === undefined ? {} : { burst: Math.max(1, Math.floor(burst / n)) }),
  })
  const operations = Object.entries(rate.operations ?? {}).map(([name, operation]) => [
    name,
    { ...operation, ...shared(operation) },
  ])
  return {
    ...rate,
    ...shared(rate),
    concurrencyMax: Math.max(1, Math.floor(rate.concurrencyMax / n)),
    ...(rate.operations === undefined ? {} : { operations: Object.fromEntries(operations) }),
  }
}

/** A connection that is ready to be used: only the capabilities the vendor really has. */
export type Connected = Partial<Capabilities> & {
  /** A cheap call that proves reachability and credentials; used by `doctor` and by a half-open breaker. */
  check(): Promise<void>
  close(): void
}

/** A connector: how to talk to one kind of system. Capabilities are inferred from what `connect` returns. */
export interface Connector<Schema extends TSchema = TSchema, Result extends Connected = Connected> {
  name: string
  /** Version of the vendor's API that the connector is written for. */
  apiVersion: string
  /** Address of the vendor's API documentation. */
  apiDocs: string
  connection: Schema
  rate: RateModel
  /** Longest time one call may take; the lease on an intent is a little longer. */
  timeoutMs: number
  connect(settings: Static<Schema>, context: ConnectContext): Result
}

/** Declares a connector. Repeating `connect` gives an independent connection. */
export function defineConnector<Schema extends TSchema, Result extends Connected>(
  connector: Connector<Schema, Result>,
): Connector<Schema, Result> {
  return connector
}
