import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { isMoment } from "../../../base/time.ts"
import { entity, LocationId } from "../../../canonical/parts.ts"
import { ReceiptNumber, Sequence } from "../../../canonical/sales/receipt.ts"
import { hasScope } from "../../../governance/scopes.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { governed } from "./sales.ts"

interface DayName {
  storeId: string
  businessDay: string
}

/** Days of stores as the routes need them. */
export interface StoreDayDesk {
  isStore(storeId: string): boolean
  /** The day it is in a store. */
  today(storeId: string): string
  list(of: { storeId: string; limit: number; cursor?: string }): Promise<{ items: readonly object[]; cursor?: string }>
  view(day: DayName, how: { isBlind: boolean }): Promise<object | undefined>
  close(
    day: DayName,
    how: { by: string; tills?: readonly { tillId: string; epoch?: string; lastSequence: number }[] },
  ): Promise<void>
  approve(day: DayName, how: { sessionId: string; by: string }): Promise<void>
}

const Closing = entity("Closing", {
  tills: Type.Optional(
    Type.Array(
      entity("Last number of a till", {
        tillId: ReceiptNumber.tillId,
        epoch: ReceiptNumber.epoch,
        lastSequence: Sequence,
      }),
      { maxItems: 500, description: "the last number each till gave on the day: what is below it has to come" },
    ),
  ),
})
const Approval = entity("Approval of a count", {
  sessionId: Type.String({ minLength: 1, maxLength: 64 }),
  reason: Type.String({ minLength: 1, maxLength: 200 }),
})

const day = { 200: { description: "The day as it is now", schema: AnyObject } }

/** A store's day: how it stands, its closing, and the second person for a count. */
export function storeDayRoutes(desk: StoreDayDesk): Route[] {
  const path = "/v1/store-days/{storeId}/{businessDay}"
  const shown = async (exchange: Exchange) => {
    const name = dayOf(exchange, desk)
    const view = await desk.view(name, { isBlind: !hasScope(exchange.grant.scopes, "sales:approve") })
    if (!view) throw new AppError("NOT_FOUND", `nothing is known of ${name.businessDay} in store ${name.storeId}`)
    return { status: 200, body: view }
  }
  return [
    listRoute(desk),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path,
      scope: "sales:read",
      summary: "A store's day: its tills, what is outstanding, its counts (X), and its closings (Z).",
      repeats: "safe",
      responses: day,
      handle: (exchange) => shown(exchange as Exchange),
    }),
    route({
      ...governed,
      method: "POST",
      path: `${path}/close`,
      scope: "sales:close",
      summary:
        "Close a store's day. It waits for the receipts it names, and is posted when they are there or its deadline is over.",
      repeats: "natural key",
      bodySchema: Closing,
      isBodyOptional: true,
      responses: day,
      timeLimitMs: 30_000,
      handle: async (exchange) => {
        const name = dayOf(exchange as Exchange, desk)
        if (name.businessDay > desk.today(name.storeId))
          throw new AppError("REQUEST_INVALID", "the day has not begun", {
            problems: [{ pointer: "path:businessDay", message: "is a day to come" }],
          })
        // The body may be left out.
        const { tills } = (exchange.body as typeof exchange.body | undefined) ?? {}
        await desk.close(name, { by: callerOf(exchange as Exchange), ...(tills ? { tills } : {}) })
        return shown(exchange as Exchange)
      },
    }),
    route({
      ...governed,
      method: "POST",
      path: `${path}/approval`,
      scope: "sales:approve",
      summary: "Accept how far the count of a session is off. Whoever counted cannot.",
      repeats: "natural key",
      bodySchema: Approval,
      responses: day,
      handle: async (exchange) => {
        const { sessionId } = exchange.body
        await desk.approve(dayOf(exchange as Exchange, desk), { sessionId, by: callerOf(exchange as Exchange) })
        return shown(exchange as Exchange)
      },
    }),
  ]
}

function listRoute(desk: StoreDayDesk): Route {
  return route({
    ...governed,
    tier: "experience",
    method: "GET",
    path: "/v1/store-days",
    scope: "sales:read",
    summary: "The days of a store, the newest first.",
    repeats: "safe",
    querySchema: query({ storeId: LocationId, ...pageQuery }),
    responses: {
      200: { description: "Days and their states", schema: pageOf(AnyObject) },
    },
    handle: async (exchange) => {
      checkStore(exchange, exchange.query.storeId)
      const { storeId, ...page } = exchange.query
      return { status: 200, body: await desk.list({ storeId, ...pageRequest(page) }) }
    },
  })
}

function dayOf(exchange: Exchange, desk: StoreDayDesk): DayName {
  const [storeId, businessDay] = [exchange.parameter("storeId"), exchange.parameter("businessDay")]
  checkStore(exchange, storeId)
  if (!desk.isStore(storeId)) throw new AppError("NOT_FOUND", `there is no store ${storeId}`)
  if (!/^\d{4}-\d{2}-\d{2}$/.test(businessDay) || !isMoment(`${businessDay}T00:00:00Z`))
    throw new AppError("NOT_FOUND", `${businessDay} is no day`)
  return { storeId, businessDay }
}
