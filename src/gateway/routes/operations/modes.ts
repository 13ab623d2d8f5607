import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { entity } from "../../../canonical/parts.ts"
import type { Modes } from "../../../operations/modes/modes.ts"
import { runbookReaders, type Runbook, type RunbookReader } from "../../../operations/modes/runbooks.ts"
import { act, type Exchange } from "../../exchange.ts"
import { AnyObject, pageOf, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "operations",
  criticality: "high",
  serviceLevel: { p99Ms: 500, availabilityPercent: 99.9 },
  credentials: "consumer",
  reach: "all channels",
} as const

const Reason = entity("Reason for a mode", { reason: Type.String({ minLength: 1, maxLength: 400 }) })

interface ModeViews {
  modes: Modes
  runbook(name: string, reader: RunbookReader): Promise<Runbook | undefined>
}

/** What is done while a system is away or slow. */
export function modeRoutes({ modes, runbook }: ModeViews): Route[] {
  return [
    route({
      ...governed,
      reach: "own channels",
      method: "GET",
      path: "/v1/buyer-notices",
      scope: "orders:read",
      summary: "What a channel may tell its buyers now: the texts of the modes that are entered, by language.",
      repeats: "safe",
      responses: { 200: { description: "Nothing while all systems answer", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await modes.notices() } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/modes",
      scope: "operations:read",
      summary:
        "List the modes: which are entered and why, what is accepted and deferred, what buyers are told, how many wait.",
      repeats: "safe",
      responses: { 200: { description: "All of them", schema: pageOf(AnyObject) } },
      handle: async () => ({ status: 200, body: { items: await modes.list() } }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/modes/{name}",
      scope: "operations:read",
      summary:
        "One mode with its last fifty episodes and their exit reports, newest first; `before` is the episode to go on from.",
      repeats: "safe",
      querySchema: query({ before: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })) }),
      responses: { 200: { description: "The mode", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: known(exchange, await modes.find(exchange.parameter("name"), exchange.query.before)),
      }),
    }),
    route({
      ...governed,
      method: "GET",
      path: "/v1/modes/{name}/runbooks/{reader}",
      scope: "operations:read",
      summary: "What people do in a mode: for `it`, or for the staff of a `store`.",
      repeats: "safe",
      responses: { 200: { description: "Its text in Markdown, or its address", schema: AnyObject } },
      handle: async (exchange) => ({
        status: 200,
        body: known(exchange, await runbook(exchange.parameter("name"), readerIn(exchange))),
      }),
    }),
    ...changes(modes),
  ]
}

function changes(modes: Modes): Route[] {
  return (["enter", "leave"] as const).map((verb) =>
    route({
      ...governed,
      method: "POST",
      path: `/v1/modes/{name}/${verb}`,
      scope: "operations:write",
      summary:
        verb === "enter"
          ? "Enter a mode before a planned absence: its system is not called until somebody leaves the mode."
          : "Begin the way back: the system is called again, what waited is done, and the mode ends with the last of it.",
      repeats: "safe",
      bodySchema: Reason,
      responses: { 200: { description: "The mode as it is now", schema: AnyObject } },
      handle: async (exchange) => {
        const { by } = act(exchange)
        const { reason } = exchange.body
        return { status: 200, body: known(exchange, await modes[verb](exchange.parameter("name"), { by, reason })) }
      },
    }),
  )
}

function readerIn(exchange: Exchange): RunbookReader {
  const wanted = exchange.parameter("reader")
  const reader = runbookReaders.find((one) => one === wanted)
  if (!reader) throw new AppError("NOT_FOUND", `a runbook is for ${runbookReaders.join(" or ")}`)
  return reader
}

function known(exchange: Exchange, thing: object | undefined): object {
  if (!thing)
    throw new AppError(
      "NOT_FOUND",
      `there is no such mode, or it has no such runbook: ${exchange.parameter("name").slice(0, 64)}`,
    )
  return thing
}
