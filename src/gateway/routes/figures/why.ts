import { Type } from "typebox"
import { InstantText } from "../../../canonical/parts.ts"
import { route, type Route } from "../../route.ts"
import { AnyObject, query } from "../../requests/page-query.ts"

/** Answers why revenue is down. */
export type AsksWhy = (asked: {
  from?: string | undefined
  to?: string | undefined
  channels?: readonly string[] | undefined
}) => Promise<object>

/** "Why is revenue down?" */
export function whyRoutes(why: AsksWhy): Route[] {
  return [
    route({
      tier: "experience",
      owner: "operations",
      criticality: "normal",
      serviceLevel: { p99Ms: 1500, availabilityPercent: 99.5 },
      credentials: "consumer",
      reach: "own channels",
      method: "GET",
      path: "/v1/why",
      scope: "operations:read",
      summary:
        "Why fewer orders or less money came in: orders against the same hours of earlier weeks, and six causes ranked by how much each explains. At most seven days; default the last three hours.",
      repeats: "safe",
      querySchema: query({
        from: Type.Optional(InstantText),
        to: Type.Optional(InstantText),
        channel: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
      }),
      responses: { 200: { description: "The verdict, the flows, and causes with evidence", schema: AnyObject } },
      handle: async ({ query: { from, to, channel }, channels }) => {
        const wanted = channel === undefined ? channels : [channel].filter((one) => channels?.includes(one) ?? true)
        return { status: 200, body: await why({ from, to, channels: wanted }) }
      },
    }),
  ]
}
