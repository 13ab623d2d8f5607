import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify"
import type { DocumentNode, ExecutionResult } from "graphql"
import { execute, GraphQLError, parse, validate } from "graphql"
import type { SimulatorContext } from "../../simulator.ts"
import { jsonBody } from "../../simulator.ts"
import type { ShopStore } from "../store.ts"
import type { CostBucket } from "./cost.ts"
import { resumeSchedules } from "../changes/hold.ts"
import { queryCost, singleQueryMax } from "./cost.ts"
import type { MutationContext } from "./mutations.ts"
import { mutationRoot, resumeJobs } from "./mutations.ts"
import type { ShopIdentity } from "./queries.ts"
import { queryRoot } from "./queries.ts"
import { adminSchema } from "./schema.ts"

export type EndpointOptions = {
  store: ShopStore
  context: SimulatorContext
  bucket: CostBucket
  accessToken: string
  shop: ShopIdentity
  jobMs: number
}

type Prepared = { document: DocumentNode; errors: readonly GraphQLError[]; operation: string; isMutation: boolean }

const preparedMax = 500

/** `POST /admin/api/{version}/graphql.json`. */
export function addGraphEndpoint(app: FastifyInstance, options: EndpointOptions): void {
  const prepared = new Map<string, Prepared>()
  const roots = {
    query: queryRoot(options.store, options.shop),
    mutation: mutationRoot(options.store, options.shop.currency),
  }
  resumeJobs(options.store, options.jobMs)
  resumeSchedules(options.store)
  const prepareOnce = (source: string): Prepared => {
    let found = prepared.get(source)
    if (found === undefined) {
      found = prepare(source)
      if (prepared.size >= preparedMax) prepared.clear()
      prepared.set(source, found)
    }
    return found
  }
  app.post("/admin/api/:version/graphql.json", async (request, reply) => {
    // A version that is not served falls forward, and only this header shows it
    // (https://shopify.dev/docs/api/usage/versioning).
    reply.header("x-shopify-api-version", options.shop.apiVersion)
    if (request.headers["x-shopify-access-token"] !== options.accessToken) {
      return reply
        .code(401)
        .send({ errors: "[API] Invalid API key or access token (unrecognized login or wrong password)" })
    }
    const body = readBody(request)
    if (body === undefined) return reply.code(400).send({ errors: { query: "Required parameter missing or invalid" } })
    return answer(request, reply, { ...options, roots, body, prepared: prepareOnce(body.query) })
  })
}

type Body = { query: string; variables: Record<string, unknown>; text: string }

type Exchange = EndpointOptions & { roots: { query: unknown; mutation: unknown }; body: Body; prepared: Prepared }

async function answer(request: FastifyRequest, reply: FastifyReply, exchange: Exchange): Promise<unknown> {
  const { bucket, body, prepared, context } = exchange
  const call = await context.begin(request, {
    operation: prepared.operation,
    ...(body.text.includes("lab:") ? { sentinel: body.text } : {}),
  })
  if (prepared.errors.length > 0) return { errors: prepared.errors.map((error) => error.toJSON()) }
  const long = longestList(body.variables)
  // https://shopify.dev/docs/api/usage/limits, "Input limits" (read 2026-11); code and wording by the vendor's forum.
  if (long > listMax) {
    const message = `The input array size of ${long} is greater than the maximum allowed of ${listMax}.`
    return { errors: [{ message, extensions: { code: "MAX_INPUT_SIZE_EXCEEDED" } }] }
  }
  const requested = queryCost(prepared.document, body.variables)
  const cost = { requestedQueryCost: requested, actualQueryCost: null as number | null }
  const extensions = () => ({ cost: { ...cost, throttleStatus: bucket.status() } })
  if (requested > singleQueryMax) {
    const message = `Query cost is ${requested}, which exceeds the single query max cost limit (${singleQueryMax}).`
    return {
      errors: [{ message, extensions: { code: "MAX_COST_EXCEEDED", cost: requested, maxCost: singleQueryMax } }],
    }
  }
  if (!bucket.take(requested)) {
    const documentation = "https://shopify.dev/api/usage/rate-limits"
    return {
      errors: [{ message: "Throttled", extensions: { code: "THROTTLED", documentation } }],
      extensions: extensions(),
    }
  }
  const contextValue: MutationContext = { call, jobMs: exchange.jobMs, apiVersion: exchange.shop.apiVersion }
  const result = (await execute({
    schema: adminSchema,
    document: prepared.document,
    rootValue: prepared.isMutation ? exchange.roots.mutation : exchange.roots.query,
    contextValue,
    variableValues: body.variables,
  })) as ExecutionResult<Record<string, unknown>>
  // graphql-js converted the injected fault into an error of a field; the caller must get the original fault.
  if (call.failure) throw call.failure
  cost.actualQueryCost = Math.min(queryCost(prepared.document, body.variables, result.data ?? {}), requested)
  bucket.giveBack(requested - cost.actualQueryCost)
  return reply.send({ ...result, extensions: extensions() })
}

const listMax = 250

/** Length of the longest list anywhere in the variables. */
function longestList(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0
  const own = Array.isArray(value) ? value.length : 0
  return Object.values(value).reduce<number>((longest, item) => Math.max(longest, longestList(item)), own)
}

function readBody(request: FastifyRequest): Body | undefined {
  const parsed = jsonBody(request)
  if (typeof parsed !== "object" || parsed === null || !("query" in parsed) || typeof parsed.query !== "string")
    return undefined
  const variables =
    "variables" in parsed && typeof parsed.variables === "object" && parsed.variables !== null ? parsed.variables : {}
  // Variables are a JSON object by the GraphQL-over-HTTP convention; graphql-js checks each value.
  return {
    query: parsed.query,
    variables: variables as Record<string, unknown>,
    text: JSON.stringify(variables) + parsed.query,
  }
}

function prepare(source: string): Prepared {
  try {
    const document = parse(source)
    const operation = document.definitions.find((definition) => definition.kind === "OperationDefinition")
    const [field] = operation?.selectionSet.selections ?? []
    return {
      document,
      errors: validate(adminSchema, document),
      // The first field names the operation for faults: refundCreate, orders, …
      operation: field?.kind === "Field" ? field.name.value : "query",
      isMutation: operation?.operation === "mutation",
    }
  } catch (error) {
    const syntax = error instanceof GraphQLError ? error : new GraphQLError("Parse error")
    return {
      document: { kind: "Document", definitions: [] } as unknown as DocumentNode,
      errors: [syntax],
      operation: "query",
      isMutation: false,
    }
  }
}
