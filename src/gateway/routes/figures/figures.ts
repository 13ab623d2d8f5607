import { Type, type Static } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity, InstantText } from "../../../canonical/parts.ts"
import { callerOf } from "../../exchange.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, query } from "../../requests/page-query.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "normal",
  serviceLevel: { p99Ms: 1000, availabilityPercent: 99.5 },
  credentials: "consumer",
  // Counters have a channel; what is of none is not shown to who is limited to some.
  reach: "own channels",
} as const

const word = Type.String({ minLength: 1, maxLength: 64 })

const FiguresQuery = query({
  by: Type.Optional(Type.Enum(["channel", "store", "region", "payment method", "connection"])),
  step: Type.Optional(Type.Enum(["hour", "day", "week"])),
  since: Type.Optional(InstantText),
  until: Type.Optional(InstantText),
  figure: Type.Optional(
    Type.String({ minLength: 1, maxLength: 1000, description: "comma-separated names; default: all" }),
  ),
})

const Line = entity("Baseline row", {
  line: Type.Integer({ minimum: 0, description: "where it stands in the file" }),
  figure: Type.String({ maxLength: 64 }),
  dimension: Type.String({ maxLength: 32 }),
  of: Type.String({ maxLength: 64 }),
  from: Type.String({ maxLength: 32 }),
  until: Type.String({ maxLength: 32 }),
  value: Type.String({ maxLength: 40 }),
  currency: Type.String({ maxLength: 8 }),
  note: Type.String({ maxLength: 500 }),
})

const Import = entity("Baseline import", {
  rows: Type.Array(Line, { minItems: 1, maxItems: 5000 }),
  dryRun: Type.Optional(Type.Boolean({ description: "say what is wrong, and store nothing" })),
})

interface OfChannels {
  channels?: readonly string[] | undefined
}

/** Figures as the routes need them. */
export interface FigureViews {
  states(of: OfChannels & { kind?: string | undefined }): Promise<object>
  kpis(of: OfChannels & Omit<Static<typeof FiguresQuery>, "figure"> & { figures?: readonly string[] }): Promise<object>
  definitions(): object
  /** Of the week that begins with a Monday; default: the last one that is over. */
  report(of: OfChannels & { week: string | undefined }): Promise<object>
  baselines(): Promise<readonly object[]>
  /** Stores the rows unless there is a problem with one of them. */
  importBaselines(given: Static<typeof Import>, by: string): Promise<{ problems: readonly object[]; stored: number }>
  rebuild(): Promise<void>
}

/** Declared figures, and business objects by state. */
export function figureRoutes(views: FigureViews): Route[] {
  return [...readingRoutes(views), ...reportRoutes(views), ...changingRoutes(views)]
}

function readingRoutes(views: FigureViews): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/business-states",
      scope: "operations:read",
      summary:
        "How many orders, returns and exceptions are in which state, by channel and place, and how old the oldest is.",
      repeats: "safe",
      querySchema: query({ kind: Type.Optional(word) }),
      responses: { 200: { description: "All that is open, and what ended of the last 24 hours", schema: AnyObject } },
      handle: async ({ query: { kind }, channels }) => ({ status: 200, body: await views.states({ kind, channels }) }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/kpis/figures",
      scope: "operations:read",
      summary:
        "The declared figures of a time (default: the last 24 hours), with the time before where it was imported.",
      repeats: "safe",
      querySchema: FiguresQuery,
      responses: { 200: { description: "Figures with `asOf`, and what is not posted yet", schema: AnyObject } },
      handle: async ({ query: { figure, ...asked }, channels }) => {
        const figures = figure?.split(",").map((name) => name.trim())
        return { status: 200, body: await views.kpis({ ...asked, channels, ...(figures ? { figures } : {}) }) }
      },
    }),
    route({
      ...governed,
      reach: "own channels",
      method: "GET",
      path: "/v1/kpis/definitions",
      scope: "operations:read",
      summary: "What each figure means, its unit, which way is better, and which figures are not counted and why.",
      repeats: "safe",
      responses: { 200: { description: "The definitions", schema: AnyObject } },
      handle: () => ({ status: 200, body: views.definitions() }),
    }),
    route({
      ...governed,
      reach: "all channels",
      method: "GET",
      path: "/v1/kpis/baseline",
      scope: "operations:read",
      summary: "Figures of the time before Crossdock, as they were imported.",
      repeats: "safe",
      responses: { 200: { description: "At most 10,000", schema: AnyObject } },
      handle: async () => ({ status: 200, body: { items: await views.baselines() } }),
    }),
  ]
}

function reportRoutes(views: FigureViews): Route[] {
  return [
    route({
      ...governed,
      method: "GET",
      path: "/v1/reports/weekly",
      scope: "operations:read",
      summary:
        "A week for leaders: are orders flowing, is stock accurate, are refunds closed in time, is the money in the books.",
      repeats: "safe",
      querySchema: query({
        week: Type.Optional(
          Type.String({
            pattern: "^\\d{4}-\\d{2}-\\d{2}$",
            description: "its Monday; default: the last week that is over",
          }),
        ),
      }),
      responses: { 200: { description: "The report, in words", schema: AnyObject } },
      handle: async ({ query: { week }, channels }) => ({ status: 200, body: await views.report({ week, channels }) }),
    }),
  ]
}

function changingRoutes(views: FigureViews): Route[] {
  return [
    route({
      ...governed,
      reach: "all channels",
      method: "POST",
      path: "/v1/kpis/baseline",
      scope: "operations:write",
      summary: "Import figures of the time before Crossdock: all rows, or none and every problem with its line.",
      repeats: "natural key",
      bodySchema: Import,
      responses: { 200: { description: "What was stored, or would be", schema: AnyObject } },
      handle: async (exchange) => {
        const { problems, stored } = await views.importBaselines(exchange.body, callerOf(exchange))
        if (problems.length > 0 && exchange.body.dryRun !== true) throw refusedRows(problems)
        return { status: 200, body: { problems, stored } }
      },
    }),
    route({
      ...governed,
      reach: "all channels",
      method: "POST",
      path: "/v1/kpis/rebuild",
      scope: "operations:write",
      summary:
        "Count the event log again from its beginning. Figures grow back within seconds to minutes; `asOf` says how far they are.",
      repeats: "natural key",
      responses: { 202: { description: "It begins", schema: AnyObject } },
      handle: async () => {
        await views.rebuild()
        return { status: 202, body: { status: "counting" } }
      },
    }),
  ]
}

function refusedRows(problems: readonly object[]): AppError {
  const rows = problems as { line: number; message: string }[]
  return new AppError("REQUEST_INVALID", "nothing was imported", {
    problems: rows.map(({ line, message }) => ({ pointer: `line ${line}`, message })),
  })
}
