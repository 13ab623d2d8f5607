import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { governed } from "./products.ts"

/** Ownership as the routes need it. */
export interface OwnershipDesk {
  /** The rules with their names, and their version. */
  rules(): object
  held(page: { limit: number }): Promise<readonly object[]>
  rebuild(): Promise<void>
}

export function ownershipRoutes(desk: OwnershipDesk): Route[] {
  const reads = { ...governed, tier: "experience", method: "GET", scope: "catalogue:read", repeats: "safe" } as const
  return [
    route({
      ...governed,
      method: "POST",
      path: "/v1/catalogue/rebuild",
      scope: "operations:write",
      summary: "Have products, prices and promotions derived from the log anew.",
      repeats: "safe",
      responses: { 202: { description: "They are being derived", schema: AnyObject } },
      handle: async () => {
        await desk.rebuild()
        return { status: 202, body: { status: "rebuilding" } }
      },
    }),
    route({
      ...reads,
      path: "/v1/ownership",
      summary: "Who owns which field, where it goes, and what happens to what others write.",
      responses: { 200: { description: "The rules and their version", schema: AnyObject } },
      handle: () => ({ status: 200, body: desk.rules() }),
    }),
    route({
      ...reads,
      path: "/v1/held-changes",
      summary: "Changes that wait for a person, the oldest first: what was written, by whom, and which rule held it.",
      querySchema: query({ limit: pageQuery.limit }),
      responses: { 200: { description: "Held changes", schema: pageOf(AnyObject) } },
      handle: async ({ query: page }) => ({ status: 200, body: { items: await desk.held(pageRequest(page)) } }),
    }),
  ]
}
