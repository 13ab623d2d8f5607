import { Readable } from "node:stream"
import { Type } from "typebox"
import { AppError } from "../../../base/errors.ts"
import type { Author } from "../../../governance/ownership/judge.ts"
import { AnyObject, query } from "../../requests/page-query.ts"
import { route, type Route } from "../../route.ts"
import { authorOf, governed, seesCosts } from "./products.ts"

/** Files as the routes need them. */
export interface FileDesk {
  import(file: { kind: "products" | "prices"; bytes: Uint8Array; author: Author; dryRun: boolean }): Promise<object>
  export(of: { kind: "products" | "prices"; seesCosts: boolean }): AsyncIterable<string>
}

/** A file of 20,000 lines; longer ones are sent in parts, as `crossdock prices import` does. */
const fileBytesMax = 4 * 1024 * 1024

export function fileRoutes(desk: FileDesk): Route[] {
  return (["products", "prices"] as const).flatMap((kind) => [
    route({
      ...governed,
      method: "POST",
      path: `/v1/imports/${kind}`,
      scope: "catalogue:write",
      summary: `Import a CSV file of ${kind}. Every problem is named with its line and column; a row that fails costs no other.`,
      repeats: "natural key",
      querySchema: query({
        dryRun: Type.Optional(Type.Boolean({ description: "say what would become of each row, and change nothing" })),
      }),
      bodyLimitBytes: fileBytesMax,
      timeLimitMs: 60_000,
      responses: { 200: { description: "Counts by outcome, and the problems", schema: AnyObject } },
      handle: async (exchange) => {
        if (exchange.bytes.length === 0)
          throw new AppError("REQUEST_MALFORMED", "the body is empty", {
            problems: [{ pointer: "", message: "expected a CSV file" }],
          })
        const { dryRun = false } = exchange.query
        return {
          status: 200,
          body: await desk.import({ kind, bytes: exchange.bytes, author: authorOf(exchange), dryRun }),
        }
      },
    }),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: `/v1/exports/${kind}`,
      scope: "catalogue:read",
      summary: `Export all ${kind} as a CSV file that can be imported again.`,
      repeats: "safe",
      timeLimitMs: 600_000,
      responses: { 200: { description: "A CSV file (RFC 4180, UTF-8 with a byte order mark)" } },
      handle: (exchange) => ({
        status: 200,
        stream: Readable.from(desk.export({ kind, seesCosts: seesCosts(exchange) })),
        contentType: "text/csv; charset=utf-8; header=present",
        headers: { "content-disposition": `attachment; filename="${kind}.csv"` },
      }),
    }),
  ])
}
