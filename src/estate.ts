import { createHash } from "node:crypto"
import { Compile } from "typebox/compile"
import { own } from "./base/lookup.ts"
import { AppError, type Problem } from "./base/errors.ts"
import type { TokenIssuer } from "./governance/tokens.ts"
import type { CapabilityName } from "./ports/capabilities.ts"
import type { Connected, Connector, RateModel } from "./ports/connector.ts"
import type { ShippingLocation } from "./rules/route-order.ts"
import { routeScopeKeys, type RouteScope } from "./ports/route-scope.ts"
import type { AnyWorkflow } from "./durable/define-workflow.ts"
import type { StockBuffer, StockPolicy } from "./stock/policies.ts"
import type { OrderPolicies } from "./workflows/fulfil-order/policies.ts"
import type { TSchema } from "typebox"

/** A configured connection: which connector, with which settings. */
export interface EstateConnection {
  connector: Connector<TSchema, Connected>
  settings: unknown
  /** How often the change lists are read for what webhooks missed: all lists alike, or by name of the list; absent = never. */
  pollEveryMs?: number | Readonly<Record<string, number>>
  /** Where the vendor delivers this connection's webhooks; given, Crossdock makes the subscriptions there and keeps them alive. */
  webhookAddress?: string
  /** How long this sender repeats a delivery that got no answer; signed requests older than that are replays. */
  retryHorizonMs?: number
  /** Overrides the connector's rate model, e.g. for a bigger plan. */
  rate?: Partial<RateModel>
}

/** Sends capabilities to a connection, everywhere or only where the scope fits. The first primary route that fits is taken. */
export interface Route extends RouteScope {
  capability: CapabilityName | readonly CapabilityName[]
  connection: string
  /**
   * A primary route (the default) does the work. A shadow never does: `findRoutes` returns it beside the primary one, for
   * a comparison of two systems.
   */
  role?: "primary" | "shadow"
  /**
   * Percent of the objects, 1 to 100; default all. Shares of primary routes that fit stand beside each other in the order of the
   * list; the route after them takes the rest. One object always falls into the same share, for every capability.
   */
  share?: number
}

/** A place goods ship from. */
export type EstateLocation = Omit<ShippingLocation, "capacityLeft"> & { capacityPerDay: number; timeZone: string }

/** Everything an integration engineer decides about an estate, as code in `crossdock.config.ts`. */
export interface Estate {
  name: string
  connections: Readonly<Record<string, EstateConnection>>
  routes: readonly Route[]
  locations: readonly EstateLocation[]
  orders: Omit<OrderPolicies, "locations" | "freeStock">
  /** What may be promised beyond and below what is there; set at every start, so the file is what counts. */
  stock?: {
    /** Backorders and safety stock by SKU. */
    policies?: Readonly<Record<string, StockPolicy>>
    /** Held back from what channels are shown. */
    buffers?: readonly StockBuffer[]
  }
  /** Who issues access tokens to consumers (OAuth 2.0 client credentials); absent = API keys only. */
  tokenIssuer?: TokenIssuer
}

/** Declares an estate; what is wrong with it is said at start, all at once. */
export function defineEstate(estate: Estate): Estate {
  return estate
}

/** The connection of Crossdock's own stock; every estate has it. */
export const stockConnectionId = "crossdock-stock"

/** All routes that fit a scope, primary and shadow, in the order of the estate. A route without a scope fits everywhere. */
export function findRoutes(estate: Estate, capability: CapabilityName, scope: RouteScope): readonly Route[] {
  if (capability === "reservesStock") return [{ capability, connection: stockConnectionId }]
  return estate.routes.filter(
    (route) =>
      capabilitiesOf(route).includes(capability) &&
      routeScopeKeys.every((name) => route[name] === undefined || route[name] === scope[name]),
  )
}

/**
 * The connection of the primary route that fits; undefined when there is none. `key` names the business object; routes with a
 * share choose by it.
 */
export function findRoute(
  estate: Estate,
  capability: CapabilityName,
  { scope, key }: { scope: RouteScope; key: string },
): string | undefined {
  const routes = findRoutes(estate, capability, scope).filter(isPrimary)
  const percentile = percentileOf(key)
  let upTo = 0
  return routes.find(({ share = 100 }) => percentile < (upTo += share))?.connection
}

/** Whether an object falls into the share of a shadow route. */
export function isShadowed(route: Route, key: string): boolean {
  return !isPrimary(route) && percentileOf(key) < (route.share ?? 100)
}

const isPrimary = ({ role }: Route): boolean => role !== "shadow"

const capabilitiesOf = ({ capability }: Route): readonly CapabilityName[] =>
  typeof capability === "string" ? [capability] : capability

/** 0 to 99, the same for one key in every process and for ever. */
function percentileOf(key: string): number {
  return createHash("sha256").update(key).digest().readUInt32BE(0) % 100
}

/** Throws CONFIG_INVALID naming every problem: settings, routes, capabilities that workflows need and nobody offers. */
export function checkEstate(
  estate: Estate,
  connected: ReadonlyMap<string, Connected>,
  workflows: readonly AnyWorkflow[],
): void {
  const problems: Problem[] = [...settingsProblems(estate)]
  problems.push(...pollProblems(estate, connected))
  for (const [id, { webhookAddress }] of Object.entries(estate.connections))
    if (webhookAddress !== undefined && !connected.get(id)?.keepsSubscriptions)
      problems.push({
        pointer: `/connections/${id}/webhookAddress`,
        message: `connection "${id}" cannot make subscriptions; they are made by hand at the vendor`,
      })
  problems.push(...estate.routes.flatMap((route, index) => routeProblems(estate, { route, index, connected })))
  for (const workflow of workflows)
    for (const capability of workflow.needs)
      if (
        capability !== "reservesStock" &&
        !estate.routes.some((route) => isPrimary(route) && capabilitiesOf(route).includes(capability))
      )
        problems.push({
          pointer: "/routes",
          message: `workflow "${workflow.name}" needs ${capability}, and no primary route offers it`,
        })
  const ids = estate.locations.map((location) => location.id)
  for (const [index, id] of ids.entries())
    if (ids.indexOf(id) !== index)
      problems.push({ pointer: `/locations/${index}/id`, message: `location "${id}" occurs twice` })
  if (problems.length > 0) throw invalid(estate, problems)
}

const routeKeys = new Set<string>(["capability", "connection", "role", "share", ...routeScopeKeys])

function routeProblems(
  estate: Estate,
  { route, index, connected }: { route: Route; index: number; connected: ReadonlyMap<string, Connected> },
): Problem[] {
  const messages: string[] = []
  const capabilities = capabilitiesOf(route)
  const { connection, role = "primary", share } = route
  for (const name of Object.keys(route))
    if (!routeKeys.has(name)) messages.push(`"${name}" is no key of a route; scopes are ${routeScopeKeys.join(", ")}`)
  if (role !== "primary" && role !== "shadow") messages.push(`the role "${String(role)}" is neither primary nor shadow`)
  if (share !== undefined && !(Number.isInteger(share) && share >= 1 && share <= 100))
    messages.push(`the share ${share} is no whole percent from 1 to 100`)
  if (capabilities.length === 0) messages.push("the list of capabilities is empty")
  const target = connected.get(connection)
  if (!own(estate.connections, connection)) messages.push(`there is no connection "${connection}"`)
  else
    for (const capability of capabilities) {
      if (target && !target[capability]) messages.push(`connection "${connection}" cannot do what ${capability} asks`)
      if (role === "primary" && share !== undefined && share < 100 && !hasRest(estate, { route, index, capability }))
        messages.push(
          `${share} % of ${capability} go to "${connection}", and no later route without a share takes the rest`,
        )
    }
  return messages.map((message) => ({ pointer: `/routes/${index}`, message }))
}

/** Whether a later primary route, with the same scope or a wider one, takes what a share leaves. */
function hasRest(
  estate: Estate,
  { route, index, capability }: { route: Route; index: number; capability: CapabilityName },
): boolean {
  return estate.routes
    .slice(index + 1)
    .some(
      (later) =>
        isPrimary(later) &&
        (later.share ?? 100) === 100 &&
        capabilitiesOf(later).includes(capability) &&
        routeScopeKeys.every((name) => later[name] === undefined || later[name] === route[name]),
    )
}

/** Polls of lists that a connector does not have; a misspelt name would mean that nothing is ever polled. */
function pollProblems(estate: Estate, connected: ReadonlyMap<string, Connected>): Problem[] {
  return Object.entries(estate.connections).flatMap(([id, { pollEveryMs }]) => {
    if (pollEveryMs === undefined) return []
    const pointer = `/connections/${id}/pollEveryMs`
    const lists = Object.keys(connected.get(id)?.listsChanges ?? {})
    if (lists.length === 0) return [{ pointer, message: `connection "${id}" has no list of changes to poll` }]
    if (typeof pollEveryMs === "number") return []
    return Object.keys(pollEveryMs)
      .filter((name) => !lists.includes(name))
      .map((name) => ({
        pointer: `${pointer}/${name}`,
        message: `there is no list "${name}"; there are ${lists.join(", ")}`,
      }))
  })
}

/** Problems of connection settings against their connectors' schemas; checked before anything is connected. */
export function assertSettings(estate: Estate): void {
  const problems = settingsProblems(estate)
  if (problems.length > 0) throw invalid(estate, problems)
}

function settingsProblems(estate: Estate): Problem[] {
  return Object.entries(estate.connections).flatMap(([id, { connector, settings }]) => {
    const schema = Compile(connector.connection)
    return schema.Check(settings)
      ? []
      : schema
          .Errors(settings)
          .map((error) => ({ pointer: `/connections/${id}/settings${error.instancePath}`, message: error.message }))
  })
}

function invalid(estate: Estate, problems: readonly Problem[]): AppError {
  const list = problems.map((problem) => `  ${problem.pointer}: ${problem.message}`).join("\n")
  return new AppError("CONFIG_INVALID", `the estate "${estate.name}" has ${problems.length} problems:\n${list}`, {
    problems,
  })
}
