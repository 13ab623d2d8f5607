import { Compile } from "typebox/compile"
import { own } from "./base/lookup.ts"
import { AppError, type Problem } from "./base/errors.ts"
import type { TokenIssuer } from "./governance/tokens.ts"
import type { CapabilityName } from "./ports/capabilities.ts"
import type { Connected, Connector, RateModel } from "./ports/connector.ts"
import type { ShippingLocation } from "./rules/route-order.ts"
import type { AnyWorkflow, RouteScope } from "./durable/define-workflow.ts"
import type { StockBuffer, StockPolicy } from "./stock/policies.ts"
import type { OrderPolicies } from "./workflows/fulfil-order/policies.ts"
import type { TSchema } from "typebox"

/** A configured connection: which connector, with which settings. */
export interface EstateConnection {
  connector: Connector<TSchema, Connected>
  settings: unknown
  /** How often the backstop asks for what webhooks missed; absent = never. */
  pollEveryMs?: number
  /** How long this sender repeats a delivery that got no answer; signed requests older than that are replays. */
  retryHorizonMs?: number
  /** Overrides the connector's rate model, e.g. for a bigger plan. */
  rate?: Partial<RateModel>
}

/** Sends a capability to a connection, everywhere or only where the scope fits. The first route that fits wins. */
export interface Route extends RouteScope {
  capability: CapabilityName
  connection: string
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

/** The first route that fits; undefined when there is none. A route without a scope fits everywhere. */
export function findRoute(estate: Estate, capability: CapabilityName, scope: RouteScope): string | undefined {
  if (capability === "reservesStock") return stockConnectionId
  const fits = (wanted: string | undefined, given: string | undefined) => wanted === undefined || wanted === given
  return estate.routes.find(
    (route) =>
      route.capability === capability &&
      fits(route.channel, scope.channel) &&
      fits(route.location, scope.location) &&
      fits(route.provider, scope.provider),
  )?.connection
}

/** Throws CONFIG_INVALID naming every problem: settings, routes, capabilities that workflows need and nobody offers. */
export function checkEstate(
  estate: Estate,
  connected: ReadonlyMap<string, Connected>,
  workflows: readonly AnyWorkflow[],
): void {
  const problems: Problem[] = [...settingsProblems(estate)]
  for (const [index, route] of estate.routes.entries()) {
    const pointer = `/routes/${index}`
    const target = connected.get(route.connection)
    if (!own(estate.connections, route.connection))
      problems.push({ pointer, message: `there is no connection "${route.connection}"` })
    else if (target && !target[route.capability])
      problems.push({ pointer, message: `connection "${route.connection}" cannot do what ${route.capability} asks` })
  }
  for (const workflow of workflows)
    for (const capability of workflow.needs)
      if (capability !== "reservesStock" && !estate.routes.some((route) => route.capability === capability))
        problems.push({
          pointer: "/routes",
          message: `workflow "${workflow.name}" needs ${capability}, and no route offers it`,
        })
  const ids = estate.locations.map((location) => location.id)
  for (const [index, id] of ids.entries())
    if (ids.indexOf(id) !== index)
      problems.push({ pointer: `/locations/${index}/id`, message: `location "${id}" occurs twice` })
  if (problems.length > 0) throw invalid(estate, problems)
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
