import { Compile } from "typebox/compile"
import type { Area } from "../areas/define-area.ts"
import { AppError, type Problem } from "../base/errors.ts"
import { own } from "../base/lookup.ts"
import { validator } from "../canonical/validate.ts"
import { capabilitiesOf, isPrimary, type Estate } from "../estate.ts"
import { providerProblems } from "../governance/people/identity-provider.ts"
import { ownershipProblems } from "../governance/ownership/check.ts"
import { retentionProblems } from "../governance/retention.ts"
import { EstateLocation, isOwn, type EstateConnection, type Route } from "./frame.ts"
import { placeProblems } from "./places.ts"
import { captureProblems } from "./who-captures.ts"
import type { CapabilityName } from "../ports/capabilities.ts"
import type { Connected } from "../ports/connector.ts"
import { routeScopeKeys, storeDesk, storeDeskDoes } from "../ports/route-scope.ts"

interface CheckedParts {
  /** Those that could be connected. */
  connected: ReadonlyMap<string, Connected>
  areas: readonly Area[]
}

/**
 * Every problem of an estate: settings, routes, locations, policies, capabilities that workflows need and nobody offers. Of a
 * connection that is not connected only its settings are judged.
 */
export function estateProblems(estate: Estate, { connected, areas }: CheckedParts): Problem[] {
  const missing = missingBlocks(estate)
  if (missing.length > 0) return missing
  const problems: Problem[] = [
    ...Object.entries(estate.connections).flatMap(connectionKeyProblems),
    ...settingsProblems(estate),
    ...policyProblems(estate, { areas, connected }),
    ...locationProblems(estate),
    ...retentionProblems(estate.retention),
    ...(estate.identityProvider
      ? providerProblems(
          estate.identityProvider,
          estate.locations.map(({ id }) => id),
        )
      : []),
    ...(estate.ownership ? ownershipProblems(estate.ownership, Object.keys(estate.connections)) : []),
  ]
  problems.push(...pollProblems(estate, connected), ...captureProblems(estate, connected), ...placeProblems(estate))
  for (const [id, { webhookAddress }] of Object.entries(estate.connections))
    if (webhookAddress !== undefined && connected.has(id) && !connected.get(id)?.keepsSubscriptions)
      problems.push({
        pointer: `/connections/${id}/webhookAddress`,
        message: `connection "${id}" cannot make subscriptions; they are made by hand at the vendor`,
      })
  problems.push(...estate.routes.flatMap((route, index) => routeProblems(estate, { route, index, connected })))
  problems.push(...estate.routes.flatMap((route, index) => captureRouteProblems(estate, { route, index, connected })))
  for (const workflow of activeAreas(estate, areas).flatMap((area) => area.workflows ?? []))
    for (const capability of workflow.needs)
      if (
        !isOwn(capability) &&
        !estate.routes.some((route) => isPrimary(route) && capabilitiesOf(route).includes(capability))
      )
        problems.push({
          pointer: "/routes",
          message: `workflow "${workflow.name}" needs ${capability}, and no primary route offers it`,
        })
  return problems
}

// What whoever captures a payment must also be able to do, and what stands still otherwise.
const besideCaptures = {
  voidsAuthorisations: "lets the same payments go: the first order that is cancelled would stand still",
  refundsPayments: "gives the same money back: the first goods that are stopped after a capture would stand still",
  authorisesPayments: "holds the same payments: the first order whose payment is pending would stand still",
} as const satisfies Partial<Record<CapabilityName, string>>

/**
 * Captures need all that belongs to them. A shop that holds its payments itself authorises them at its checkout, so nobody else has
 * to; one that lets a payment go only with its order cancels the order there.
 */
function captureRouteProblems(
  { routes }: Estate,
  { route, index, connected }: { route: Route; index: number; connected: ReadonlyMap<string, Connected> },
): Problem[] {
  if (!isPrimary(route) || !capabilitiesOf(route).includes("capturesPayments")) return []
  const isShop = connected.get(route.connection)?.receivesDeliveries?.states.includes("order.placed") ?? false
  return Object.entries(besideCaptures).flatMap(([name, does]) => {
    const covers = (other: Route) =>
      isPrimary(other) &&
      capabilitiesOf(other).some((capability) => capability === name) &&
      routeScopeKeys.every((key) => other[key] === undefined || other[key] === route[key])
    if (routes.some(covers) || (name === "authorisesPayments" && isShop)) return []
    return [{ pointer: `/routes/${index}`, message: `captures payments, and no primary route of ${name} ${does}` }]
  })
}

/** An estate without these cannot be looked at any further. */
function missingBlocks(estate: Estate): Problem[] {
  const blocks = { connections: "an object", routes: "a list", locations: "a list", policies: "an object" } as const
  return Object.entries(blocks).flatMap(([name, form]) => {
    const block = own<unknown>({ ...estate }, name)
    const isRight = form === "a list" ? Array.isArray(block) : typeof block === "object" && block !== null
    return isRight ? [] : [{ pointer: `/${name}`, message: `is missing: it is ${form}` }]
  })
}

const connectionKeys = [
  "connector",
  "settings",
  "pollEveryMs",
  "webhookAddress",
  "retryHorizonMs",
  "captures",
  "places",
  "rate",
]

/** A misspelt key would mean that something never happens, without a word. */
function connectionKeyProblems([id, connection]: [string, object]): Problem[] {
  return Object.keys(connection)
    .filter((name) => !connectionKeys.includes(name))
    .map((name) => ({
      pointer: `/connections/${id}/${name}`,
      message: `is no key of a connection; there are ${connectionKeys.join(", ")}`,
    }))
}

/** The block of policies of an area, as the estate has it. */
export function policiesOf(estate: Estate, { name }: Area): unknown {
  return own<unknown>({ ...estate.policies }, name)
}

/** The areas that an estate uses: all but those that its policies leave off. */
export function activeAreas<Any extends Area>(estate: Estate, areas: readonly Any[]): Any[] {
  return areas.filter((area) => area.policies?.whenLeftOut !== "off" || policiesOf(estate, area) !== undefined)
}

function policyProblems(estate: Estate, { areas, connected }: CheckedParts): Problem[] {
  const known = areas.filter(({ policies }) => policies).map(({ name }) => name)
  const unknown = Object.keys(estate.policies).filter((name) => !known.includes(name))
  return [
    ...unknown.map((name) => ({
      pointer: `/policies/${name}`,
      message: `no area has policies of this name; there are ${known.join(", ")}`,
    })),
    ...areas.flatMap((area) => {
      const block = policiesOf(estate, area)
      if (!area.policies || (block === undefined && area.policies.whenLeftOut !== "refused")) return []
      const pointer = `/policies/${area.name}`
      if (block === undefined) return [{ pointer, message: `the policies of ${area.name} are missing` }]
      const misfits = validator(area.policies.schema, area.name).problems(block)
      // The schema was just checked, so the block is what the area takes.
      const more = () => area.policies?.problems?.(block as never, estate, connected) ?? []
      return within(pointer, misfits.length > 0 ? misfits : more())
    }),
  ]
}

const location = validator(EstateLocation, "location")

function locationProblems({ locations }: Estate): Problem[] {
  const ids = locations.map(({ id }) => id)
  return locations.flatMap((one, index) => [
    ...within(`/locations/${index}`, location.problems(one)),
    ...(ids.indexOf(one.id) === index
      ? []
      : [{ pointer: `/locations/${index}/id`, message: `location "${one.id}" occurs twice` }]),
  ])
}

const within = (place: string, problems: readonly Problem[]): Problem[] =>
  problems.map(({ pointer, message }) => ({ pointer: `${place}${pointer}`, message }))

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
  const isDesk = connection === storeDesk
  if (isDesk && route.location === undefined)
    messages.push("the store desk serves places that are named: say which `location`")
  if (!isDesk && !own(estate.connections, connection)) messages.push(`there is no connection "${connection}"`)
  else
    for (const capability of capabilities) {
      const isAble = isDesk ? storeDeskDoes.includes(capability) : !target || target[capability]
      if (!isAble) messages.push(`connection "${connection}" cannot do what ${capability} asks`)
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
    if (pollEveryMs === undefined || !connected.has(id)) return []
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

function settingsProblems(estate: Estate): Problem[] {
  return Object.entries(estate.connections).flatMap(([id, connection]) => problemsOfSettings(id, connection))
}

/** Problems of a connection's settings against its connector's schema; empty before it may be connected. */
export function problemsOfSettings(id: string, { connector, settings }: EstateConnection): Problem[] {
  if (connector === undefined) return [{ pointer: `/connections/${id}/connector`, message: "is missing" }]
  const schema = Compile(connector.connection)
  if (schema.Check(settings)) return []
  return schema.Errors(settings).map((error) => ({
    pointer: `/connections/${id}/settings${error.instancePath}`,
    message: error.message,
  }))
}

export function invalid(estate: Estate, problems: readonly Problem[]): AppError {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`
  const list = problems.map((problem) => `  ${problem.pointer}: ${problem.message}`).join("\n")
  return new AppError("CONFIG_INVALID", `the estate "${estate.name}" has ${count}:\n${list}`, {
    problems,
  })
}
