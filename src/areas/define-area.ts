import type { Registry } from "prom-client"
import type { Static, TSchema } from "typebox"
import type { Problem } from "../base/errors.ts"
import type { Log } from "../base/log.ts"
import type { Sql } from "../base/sql.ts"
import type { Clock } from "../base/time.ts"
import type { NewEvent } from "../canonical/events.ts"
import type { AnyWorkflow } from "../durable/define-workflow.ts"
import type { Connections } from "../effects/connections.ts"
import type { EstateFrame } from "../estate/frame.ts"
import type { EventLog } from "../eventlog/event-log.ts"
import type { Inbox } from "../eventlog/inbox.ts"
import type { Readers } from "../eventlog/readers/readers.ts"
import type { AnySubscriber } from "../eventlog/subscriber.ts"
import type { ApiIntake } from "../gateway/api-deliveries.ts"
import type { GatewayCore } from "../gateway/core.ts"
import type { Route } from "../gateway/route.ts"
import type { AnyBulkKind } from "../operations/bulk/kind.ts"
import type { ExceptionAction } from "../operations/exceptions/actions.ts"
import type { Count, Figures } from "../operations/figures.ts"
import type { Connected } from "../ports/connector.ts"
import type { Reservations } from "../stock/reservations.ts"

/** The parts of a running Crossdock that areas get. */
export interface AreaParts {
  /** All areas this estate uses. */
  areas: readonly Area[]
  estate: EstateFrame
  sql: Sql
  log: Log
  clock: Clock
  eventLog: EventLog
  inbox: Inbox
  connections: Connections
  reservations: Reservations
  /** Heartbeats of everything that works in the background. */
  readers: Readers
  /** The block of policies of any area, checked by its schema; for what looks at several areas. */
  policyOf(area: string): unknown
}

/** Something that runs in every worker, from its start to its end. */
export interface Service {
  start(): Promise<unknown> | void
  stop?(): Promise<void> | void
}

/** An estate without the block: it is refused, it does not have the area, or the area uses its defaults. */
export type WhenLeftOut = "refused" | "off" | "defaults"

/** The block of the estate's policies that belongs to an area: `policies.{name}`. */
export interface PolicyBlock<Schema extends TSchema = TSchema, When extends WhenLeftOut = WhenLeftOut> {
  /** Checked at start. Its descriptions become docs/reference/config.md. */
  schema: Schema
  whenLeftOut: When
  /** What fits the schema and not the rest of the estate, with the connections that could be made; pointers within the block. */
  problems?(block: never, estate: EstateFrame, connected: ReadonlyMap<string, Connected>): readonly Problem[]
}

/**
 * One part of the business: its work, its needs, and its views. Everything but the name may be left out.
 *
 * Adding one is a file here and a line in `src/areas.ts`; nothing else has a list of areas.
 */
export interface Area<
  Name extends string = string,
  Schema extends TSchema = TSchema,
  When extends WhenLeftOut = WhenLeftOut,
> {
  name: Name
  policies?: PolicyBlock<Schema, When>
  workflows?: readonly AnyWorkflow[]
  /** Makes the workflows' policies from the block; default: the block unchanged. */
  policiesFor?(block: never, parts: AreaParts): unknown
  /** States after which nothing more is expected, by kind of business object. */
  finalStates?: Readonly<Record<string, readonly string[]>>
  /** Actions on exceptions, besides those of other areas. */
  actions?: readonly ExceptionAction[]
  /** How accepted requests become facts, by route id. */
  intake?: ApiIntake
  /** What an event adds to figures; the reader of the log adds the channel and the place of its order. */
  figures?(event: NewEvent): readonly Count[]
  /** Its part of the live view. `figures` has the counters over the requested hours. */
  kpis?(parts: AreaParts, since: { hours: number; figures: Figures }): Promise<object>
  /** What people may have done to many objects at once. */
  bulk?(parts: AreaParts): readonly AnyBulkKind[]
  /** Resources of the API; in every gateway. `policies` is the block of the estate, where it has one. */
  routes?(parts: AreaParts & { core: GatewayCore }, policies: never): Route[]
  /** Registers metrics; in every gateway. */
  gauges?(registry: Registry, parts: AreaParts): void
  /** Readers of the event log; in every worker. */
  subscribers?(parts: AreaParts): readonly AnySubscriber[]
  /** Other work of every worker. `policies` is the block of the estate, where it has one. */
  services?(parts: AreaParts, policies: never): readonly Service[]
  /** Runs every ten seconds in every worker. Must be safe to run in several at the same time. */
  upkeep?(parts: AreaParts): Promise<unknown>
}

/** Declares an area. */
export function defineArea<
  const Name extends string,
  Schema extends TSchema = never,
  const When extends WhenLeftOut = never,
>(area: Area<Name, Schema, When>): Area<Name, Schema, When> {
  return area
}

type Block<One extends Area> = NonNullable<One["policies"]>
type WithBlock<One extends Area, When> = One extends Area
  ? [Block<One>["whenLeftOut"]] extends [never]
    ? never
    : Block<One>["whenLeftOut"] extends When
      ? One
      : never
  : never
type Blocks<One extends Area> = { [Each in One as Each["name"]]: Static<Block<Each>["schema"]> }

/** The policies of an estate over a list of areas: a block each, which may be left out where the area says so. */
export type PoliciesOver<All extends Area> = Blocks<WithBlock<All, "refused">> &
  Partial<Blocks<WithBlock<All, "off" | "defaults">>>
