import { Compile } from "typebox/compile"
import type { Area } from "../areas/define-area.ts"
import { AppError, type Problem } from "../base/errors.ts"
import { own } from "../base/lookup.ts"
import { validator } from "../canonical/validate.ts"
import { capabilitiesOf, isPrimary, type Estate } from "../estate.ts"
import { retentionProblems } from "../governance/retention.ts"
import { EstateLocation, isOwn, type Route } from "./frame.ts"
import type { CapabilityName } from "../ports/capabilities.ts"
import type { Connected } from "../ports/connector.ts"
import { routeScopeKeys } from "../ports/route-scope.ts"

/**
 * Throws CONFIG_INVALID naming every problem: settings, routes, locations, policies, capabilities that workflows need and nobody
 * offers. `areas` are all there are.
 */
export function checkEstate(
  estate: Estate,
  { connected, areas }: { connected: ReadonlyMap<string, Connected>; areas: readonly Area[] },
): void {
  const problems: Problem[] = [
    ...settingsProblems(estate),
    ...policyProblems(estate, areas),
    ...locationProblems(estate),
    ...retentionProblems(estate.retention),
  ]
  problems.push(...pollProblems(estate, connected))
  for (const [id, { webhookAddress }] of Object.entries(estate.connections))
    if (webhookAddress !== undefined && !connected.get(id)?.keepsSubscriptions)
      problems.push({
        pointer: `/connections/${id}/webhookAddress`,
        message: `connection "${id}" cannot make subscriptions; they are made by hand at the vendor`,
      })
  problems.push(...estate.routes.flatMap((route, index) => routeProblems(estate, { route, index, connected })))
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
  if (problems.length > 0) throw invalid(estate, problems)
}

/** The block of policies of an area, as the estate has it. */
export function policiesOf(estate: Estate, { name }: Area): unknown {
  return own<unknown>({ ...estate.policies }, name)
}

/** The areas that an estate uses: all but those that its policies leave off. */
export function activeAreas<Any extends Area>(estate: Estate, areas: readonly Any[]): Any[] {
  return areas.filter((area) => area.policies?.whenLeftOut !== "off" || policiesOf(estate, area) !== undefined)
}

function policyProblems(estate: Estate, areas: readonly Area[]): Problem[] {
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
      return within(pointer, validator(area.policies.schema, area.name).problems(block))
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
