import { AppError } from "../../../base/errors.ts"
import { Type } from "typebox"
import { entity, LocationId } from "../../../canonical/parts.ts"
import { Receipt, ReceiptNumber } from "../../../canonical/sales/receipt.ts"
import { checkStore } from "../../requests/own-stores.ts"
import { AnyObject, pageOf, pageQuery, pageRequest, query } from "../../requests/page-query.ts"
import type { Exchange } from "../../exchange.ts"
import { isXml } from "../../phases/validate.ts"
import { route, type Route } from "../../route.ts"

interface PageAsked {
  limit: number
  cursor?: string
}
interface PageOfObjects {
  items: readonly object[]
  cursor?: string
}

/** Receipts as the routes need them. */
export interface SalesDesk {
  record(
    rows: readonly unknown[],
    sender: { source: string; stores: readonly string[] | undefined },
  ): Promise<readonly object[]>
  /** The same from a POSLog file. REQUEST_MALFORMED, REQUEST_TOO_LARGE: nothing of it is kept. */
  recordPoslog(
    bytes: Uint8Array,
    of: { charset: string | undefined; source: string; stores: readonly string[] | undefined },
  ): Promise<readonly object[]>
  outstanding(
    of: { storeId?: string | undefined; stores: readonly string[] | undefined } & PageAsked,
  ): Promise<PageOfObjects>
  find(
    called: { storeId: string; tillId?: string; sequence?: number; documentId?: string } & PageAsked,
  ): Promise<PageOfObjects>
  /** Files of folders; of callers limited to stores, those of folders that bring receipts of these alone. */
  files(
    of: { folder?: string; state?: "taken" | "refused"; stores: readonly string[] | undefined } & PageAsked,
  ): Promise<PageOfObjects>
}

export const governed = {
  tier: "process",
  owner: "stores",
  criticality: "critical",
  serviceLevel: { p99Ms: 250, availabilityPercent: 99.95 },
  credentials: "consumer",
  // Tills are of stores, not of channels.
  reach: "all channels",
} as const

const items = (description: string) => ({
  200: { description, schema: pageOf(AnyObject) },
})

export function saleRoutes(desk: SalesDesk): Route[] {
  return [telling(desk), ...looking(desk)]
}

function telling(desk: SalesDesk): Route {
  return route({
    ...governed,
    method: "POST",
    path: "/v1/sales",
    scope: "sales:write",
    summary:
      "Tell what tills did, many receipts at once: each has its outcome. A receipt counts once by its number and content, and is durable when it is accepted.",
    repeats: "natural key",
    bodySchema: entity("Receipts", {
      receipts: Type.Array(
        // Each row is checked by itself: one that does not fit must not stop the others.
        Type.Union([Receipt, Type.Unknown()]),
        { minItems: 1, maxItems: 1000 },
      ),
    }),
    rows: "receipts",
    ndjson: "receipts",
    xml: "POSLog, at most 1,000 transactions: each has its outcome, as a receipt of JSON has",
    bodyLimitBytes: 8 * 1024 * 1024,
    timeLimitMs: 30_000,
    responses: {
      200: { description: "One result per receipt", schema: Type.Object({ results: Type.Array(AnyObject) }) },
    },
    cost: (body) => Math.ceil(((body as typeof body | undefined)?.receipts.length ?? 1000) / 100),
    handle: async (exchange) => ({ status: 200, body: { results: await recorded(exchange, desk) } }),
  })
}

function looking(desk: SalesDesk): Route[] {
  return [
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/sales/outstanding",
      scope: "sales:read",
      summary: "Numbers that tills gave and that have not come, by till.",
      repeats: "safe",
      querySchema: query({ storeId: Type.Optional(LocationId), ...pageQuery }),
      responses: items("Tills whose numbers are missing"),
      handle: async (exchange) => {
        const { storeId, limit, cursor } = exchange.query
        if (storeId !== undefined) checkStore(exchange, storeId)
        const page = pageRequest({ limit, cursor })
        return { status: 200, body: await desk.outstanding({ storeId, stores: exchange.stores, ...page }) }
      },
    }),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/sales/files",
      scope: "sales:read",
      summary:
        "Files that were left in folders, the newest first: how many receipts each brought, and what was refused.",
      repeats: "safe",
      querySchema: query({
        folder: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
        state: Type.Optional(Type.Enum(["taken", "refused"])),
        ...pageQuery,
      }),
      responses: items("Files"),
      handle: async ({ query: { limit, cursor, ...of }, stores }) => ({
        status: 200,
        body: await desk.files({ ...of, stores, ...pageRequest({ limit, cursor }) }),
      }),
    }),
    route({
      ...governed,
      tier: "experience",
      method: "GET",
      path: "/v1/sales",
      scope: "sales:read",
      summary: "Where a receipt is: what became of its number, and the entries that took it into the books.",
      repeats: "safe",
      querySchema: query({
        storeId: ReceiptNumber.storeId,
        tillId: Type.Optional(ReceiptNumber.tillId),
        sequence: ReceiptNumber.sequence,
        documentId: ReceiptNumber.documentId,
        ...pageQuery,
      }),
      responses: items("Receipts with this number or document, on whatever day"),
      handle: async (exchange) => {
        checkStore(exchange, exchange.query.storeId)
        const { limit, cursor, ...called } = exchange.query
        checkCalled(called)
        return { status: 200, body: await desk.find({ ...called, ...pageRequest({ limit, cursor }) }) }
      },
    }),
  ]
}

function checkCalled({
  tillId,
  sequence,
  documentId,
}: {
  tillId?: string
  sequence?: number
  documentId?: string
}): void {
  if (documentId !== undefined || (tillId !== undefined && sequence !== undefined)) return
  const message = "give tillId and sequence, or a documentId where tills give no numbers"
  throw new AppError("REQUEST_INVALID", "say which receipt", { problems: [{ pointer: "?documentId", message }] })
}

async function recorded(exchange: Exchange<{ receipts: unknown[] }>, desk: SalesDesk): Promise<readonly object[]> {
  const { consumerId: source, stores } = exchange
  if (!isXml(exchange)) return desk.record(exchange.body.receipts, { source, stores })
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(exchange.header("content-type") ?? "")?.[1]
  return desk.recordPoslog(exchange.bytes, { charset, source, stores })
}
