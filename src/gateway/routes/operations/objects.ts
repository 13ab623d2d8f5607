import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { refKinds } from "../../../canonical/refs.ts"
import type { Page, PageRequest } from "../../core.ts"
import type { Exchange } from "../../exchange.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query, TraceAfter } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  method: "GET",
  scope: "objects:read",
  reach: "own channels",
  repeats: "safe",
} as const

const word = Type.String({ minLength: 1, maxLength: 256 })
const found = "`foundBy` says by which name"

/** Only objects of these channels; undefined = of all. */
interface OfChannels {
  channels?: readonly string[]
}

/** Business objects of every kind. */
export interface Objects {
  list(
    request: PageRequest &
      OfChannels & {
        kind?: string
        state?: string
        owner?: string
        channel?: string
        place?: string
        isOpen?: boolean
      },
  ): Promise<Page<object>>
  find(request: OfChannels & { ref: string }): Promise<object | undefined>
  /** By any name, in full or by how it begins. REQUEST_INVALID for a text that is too short. */
  search(request: OfChannels & { text: string; limit: number }): Promise<{ items: readonly object[]; hasMore: boolean }>
  /** An object's whole way and that of those it is linked with, or candidates when the text means several. */
  trace(request: OfChannels & { of: string; after?: string }): Promise<object | undefined>
}

/** Business objects of every kind: where they stand, finding them by any name, and their whole way. */
export function objectRoutes(objects: Objects): Route[] {
  return [...objectLists(objects), ...findingRoutes(objects)]
}

function objectLists(objects: Objects): Route[] {
  return [
    route({
      ...governed,
      path: "/v1/objects",
      summary:
        "Business objects and where they stand, newest first. A page may be short and still have a cursor: the next one looks further back.",
      querySchema: query({
        ...pageQuery,
        kind: Type.Optional(Type.Enum(Object.keys(refKinds))),
        state: Type.Optional(word),
        owner: Type.Optional(word),
        channel: Type.Optional(word),
        place: Type.Optional(word),
        which: Type.Optional(
          Type.Union([Type.Literal("open"), Type.Literal("ended")], { description: "only those that go on, or not" }),
        ),
      }),
      responses: { 200: { description: "A page of objects", schema: pageOf(AnyObject) } },
      handle: async (exchange) => {
        const { limit, cursor, which, ...filter } = exchange.query
        const open = which === undefined ? {} : { isOpen: which === "open" }
        return {
          status: 200,
          body: await objects.list({ ...filter, ...open, ...pageRequest({ limit, cursor }), ...ownChannels(exchange) }),
        }
      },
    }),
    route({
      ...governed,
      path: "/v1/objects/{ref}",
      summary: "One business object by its ref, whose `/` are percent-encoded in the path.",
      responses: { 200: { description: "The object", schema: AnyObject } },
      handle: async (exchange) => {
        const ref = exchange.parameter("ref")
        const object = await objects.find({ ref, ...ownChannels(exchange) })
        if (!object) throw new AppError("NOT_FOUND", `there is no object ${ref.slice(0, 256)} whose state is announced`)
        return { status: 200, body: object }
      },
    }),
  ]
}

function findingRoutes(objects: Objects): Route[] {
  return [
    route({
      ...governed,
      path: "/v1/search",
      summary: `Find objects by number, tracking number, our id or any system's id, in full or by how it begins; ${found}.`,
      querySchema: query({ q: word, limit: pageQuery.limit }),
      responses: {
        200: {
          description: "What fits in full first; `hasMore` says that a longer text would help",
          schema: Type.Object({ items: Type.Array(AnyObject), hasMore: Type.Boolean() }),
        },
      },
      handle: async (exchange) => {
        const { q, limit } = exchange.query
        const { limit: most } = pageRequest({ limit })
        return { status: 200, body: await objects.search({ text: q, limit: most, ...ownChannels(exchange) }) }
      },
    }),
    route({
      ...governed,
      path: "/v1/trace",
      summary:
        "Everything that happened to an object and to those it is linked with, over all systems, oldest first, page by page. `of` is a ref, our id, a number or any system's id.",
      querySchema: query({ of: word, after: Type.Optional(TraceAfter) }),
      responses: {
        200: {
          description: `The trace; when \`of\` means several objects, \`candidates\` to choose from instead (${found})`,
          schema: Type.Union([
            Type.Object({ object: Type.String(), hops: Type.Array(AnyObject) }, { additionalProperties: true }),
            Type.Object({ candidates: Type.Array(AnyObject) }),
          ]),
        },
      },
      handle: async (exchange) => {
        const { of, after } = exchange.query
        const page = after === undefined ? {} : { after }
        const trace = await objects.trace({ of, ...page, ...ownChannels(exchange) })
        if (!trace) throw new AppError("NOT_FOUND", `nothing is known by "${of.slice(0, 64)}"`)
        return { status: 200, body: trace }
      },
    }),
  ]
}

/** The channels a consumer is limited to. */
function ownChannels({ channels }: Pick<Exchange, "channels">): { channels?: readonly string[] } {
  return channels ? { channels } : {}
}
