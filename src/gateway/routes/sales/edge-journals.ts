import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import { EdgeAnnouncement, type EdgeAnswer } from "../../../canonical/sales/edge-announcement.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { governed } from "./sales.ts"

/** Journals of stores' agents as the route needs them. */
export interface EdgeDesk {
  isStore(storeId: string): boolean
  announce(announced: EdgeAnnouncement): Promise<EdgeAnswer>
}

export function edgeJournalRoutes(desk: EdgeDesk): Route[] {
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/edge-journals",
      scope: "sales:write",
      summary:
        "Tell how far the journal of a store's agent is. The answer has the heads that are known, and whether the journal goes on from them.",
      repeats: "natural key",
      bodySchema: EdgeAnnouncement,
      responses: {
        200: {
          description: "What is known of the store's journal",
          schema: Type.Object({ standing: Type.String(), tills: Type.Array(AnyObject) }),
        },
      },
      timeLimitMs: 30_000,
      handle: async (exchange) => {
        const { body } = exchange
        checkStore(exchange, body.storeId)
        if (!desk.isStore(body.storeId)) throw new AppError("NOT_FOUND", `there is no store ${body.storeId}`)
        return { status: 200, body: await desk.announce(body) }
      },
    }),
  ]
}
