import type { DocumentNode, FragmentDefinitionNode, GraphQLCompositeType, SelectionSetNode } from "graphql"
import { getNamedType, isCompositeType, isInterfaceType, isObjectType, isUnionType } from "graphql"
import { adminSchema } from "./schema.ts"

/** The most one query may ask for: general knowledge, repeated by several guides, not verified at the source. */
export const singleQueryMax = 1_000

type Scope = { fragments: Map<string, FragmentDefinitionNode>; variables: Record<string, unknown> }

/**
 * Points of a query: ten for a mutation, one for each object with an id of its own, two and its nodes for a connection.
 * The published rule counts every object; without the schema's hidden per-field costs, value objects such as money are
 * taken as free here. With `data` the nodes really returned are counted, without it the nodes asked for.
 * https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits
 */
export function queryCost(document: DocumentNode, variables: Record<string, unknown>, data?: unknown): number {
  const fragments = new Map<string, FragmentDefinitionNode>()
  let cost = 0
  for (const definition of document.definitions) {
    if (definition.kind === "FragmentDefinition") fragments.set(definition.name.value, definition)
  }
  for (const definition of document.definitions) {
    if (definition.kind !== "OperationDefinition") continue
    const isMutation = definition.operation === "mutation"
    const root = isMutation ? adminSchema.getMutationType() : adminSchema.getQueryType()
    if (isMutation) cost += 10 * definition.selectionSet.selections.length
    if (root) cost += selectionCost(definition.selectionSet, { type: root, data }, { fragments, variables })
  }
  return cost
}

type Position = { type: GraphQLCompositeType; data: unknown }

function selectionCost(selections: SelectionSetNode, position: Position, scope: Scope): number {
  let cost = 0
  for (const selection of selections.selections) {
    if (selection.kind === "InlineFragment") cost += selectionCost(selection.selectionSet, position, scope)
    if (selection.kind === "FragmentSpread") {
      const fragment = scope.fragments.get(selection.name.value)
      if (fragment) cost += selectionCost(fragment.selectionSet, position, scope)
    }
    if (selection.kind !== "Field" || selection.selectionSet === undefined) continue
    const field = fieldsOf(position.type)[selection.name.value]
    const type = field && getNamedType(field.type)
    if (type === undefined || !isCompositeType(type)) continue
    const name = selection.alias?.value ?? selection.name.value
    const child = dataAt(position.data, name)
    if (position.data !== undefined && (child === null || child === undefined)) continue
    const own = type.name.endsWith("Connection") ? 2 : costOf(type)
    const inner = selection.selectionSet
    const first = selection.arguments?.find((argument) => argument.name.value === "first")?.value
    const wanted =
      first?.kind === "IntValue"
        ? Number(first.value)
        : first?.kind === "Variable"
          ? scope.variables[first.name.value]
          : 50
    // Cost of a query before it runs: everything below a connection counts for every node it may have.
    const isConnection = type.name.endsWith("Connection")
    const times = position.data === undefined && isConnection ? Math.max(Number(wanted ?? 50), 1) : 1
    for (const item of Array.isArray(child) ? child : [child]) {
      cost += own + times * selectionCost(inner, { type, data: item }, scope)
    }
  }
  return cost
}

function fieldsOf(type: GraphQLCompositeType) {
  return isObjectType(type) || isInterfaceType(type) ? type.getFields() : {}
}

function costOf(type: GraphQLCompositeType): number {
  if (isUnionType(type)) return 0
  return type.name === "Node" || (isObjectType(type) && type.getInterfaces().some((item) => item.name === "Node"))
    ? 1
    : 0
}

function dataAt(data: unknown, name: string): unknown {
  // Response data is a JSON object wherever a selection has a selection set.
  return data === undefined || data === null ? undefined : (data as Record<string, unknown>)[name]
}

export type CostBucket = {
  /** Takes the points if they are there. */
  take(points: number): boolean
  /** Gives back what a query asked for and did not use. */
  giveBack(points: number): void
  status(): { maximumAvailable: number; currentlyAvailable: number; restoreRate: number }
  /** Queries so far, those among them that were refused, and the points of all. */
  counts(): { queries: number; throttled: number; points: number }
}

/** Leaks continuously; a query that finds too little takes nothing. */
export function createCostBucket(options: { maximum: number; restorePerSecond: number }): CostBucket {
  let level = options.maximum
  let readAtMs = performance.now()
  const counts = { queries: 0, throttled: 0, points: 0 }
  const refill = (): void => {
    const nowMs = performance.now()
    level = Math.min(options.maximum, level + ((nowMs - readAtMs) / 1_000) * options.restorePerSecond)
    readAtMs = nowMs
  }
  return {
    take: (points) => {
      refill()
      counts.queries += 1
      if (points > level) {
        counts.throttled += 1
        return false
      }
      level -= points
      counts.points += points
      return true
    },
    giveBack: (points) => {
      level = Math.min(options.maximum, level + points)
      counts.points -= points
    },
    counts: () => ({ ...counts }),
    status: () => {
      refill()
      return {
        maximumAvailable: options.maximum,
        currentlyAvailable: Math.floor(level),
        restoreRate: options.restorePerSecond,
      }
    },
  }
}
