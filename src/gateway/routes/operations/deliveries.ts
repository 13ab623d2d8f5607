import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { hasScope } from "../../../governance/scopes.ts"
import { callerOf, type Exchange } from "../../exchange.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"

const governed = {
  tier: "experience",
  owner: "integration",
  criticality: "normal",
  serviceLevel: { p99Ms: 1000, availabilityPercent: 99.9 },
  credentials: "consumer",
  // A delivery is of the channel that sent it; those of other systems are seen by consumers of all channels.
  reach: "own channels",
  method: "GET",
  repeats: "safe",
} as const

/** Scope of what is personal, and of bytes as they came. */
const readsRaw = "payloads:read"

interface OfChannels {
  channels: readonly string[] | undefined
}

/** Deliveries as the routes need them. */
export interface Deliveries {
  view(id: number, of: OfChannels & { hidesPersonal: boolean }): Promise<object | undefined>
  /** Its bytes as they came; who reads them is audited. */
  raw(id: number, of: OfChannels & { by: string }): Promise<Uint8Array | undefined>
}

/** What a system sent beside what we made of it. */
export function deliveryRoutes(deliveries: Deliveries): Route[] {
  return [
    route({
      ...governed,
      path: "/v1/deliveries/{id}",
      scope: "operations:read",
      summary:
        "A delivery beside our translation of it, with its faults marked. What is personal is shown to callers with `payloads:read`.",
      responses: { 200: { description: "The delivery", schema: AnyObject } },
      handle: async (exchange) => {
        const hidesPersonal = !hasScope(exchange.grant.scopes, readsRaw)
        const view = await deliveries.view(deliveryId(exchange), { channels: exchange.channels, hidesPersonal })
        return { status: 200, body: known(exchange, view) }
      },
    }),
    route({
      ...governed,
      path: "/v1/deliveries/{id}/raw",
      scope: readsRaw,
      summary: "The bytes of a delivery as they came. The audit keeps who read them.",
      responses: { 200: { description: "The bytes", schema: Type.String() } },
      handle: async (exchange) => {
        const of = { channels: exchange.channels, by: callerOf(exchange) }
        const bytes = known(exchange, await deliveries.raw(deliveryId(exchange), of))
        // Never as what it says it is: a browser must not run it.
        const headers = { "content-disposition": `attachment; filename="delivery-${deliveryId(exchange)}"` }
        return { status: 200, body: bytes, contentType: "application/octet-stream", headers }
      },
    }),
  ]
}

type Asked = Pick<Exchange, "parameter">

/** A text that is no number is the id of no delivery. */
function deliveryId(exchange: Asked): number {
  const id = Number(exchange.parameter("id"))
  return Number.isSafeInteger(id) && id > 0 ? id : 0
}

function known<Found>(exchange: Asked, found: Found | undefined): Found {
  if (found === undefined)
    throw new AppError(
      "NOT_FOUND",
      `there is no delivery ${exchange.parameter("id").slice(0, 32)}, or retention has removed it`,
    )
  return found
}
