import { AppError } from "../../base/errors.ts"
import { answerJson, headerText, retryAfterMs, type HttpAnswer, type HttpClient } from "../../base/http.ts"
import { sleep, type Clock } from "../../base/time.ts"
import type { Call } from "../../ports/write.ts"
import { CostBucket, type Query } from "./graph/cost-bucket.ts"
import { Reader } from "./orders/reader.ts"

export const apiVersion = "2026-10"

export interface GraphCall {
  document: string
  variables: Record<string, unknown>
  call: Omit<Call, "key">
}

/** Calls the Admin GraphQL API of one shop, within its cost bucket. */
export interface ShopClient {
  /** A query; every failure is `unavailable`. Returns a reader of `data`. */
  read(request: GraphCall): Promise<Reader>
  /** A mutation; a failure after sending is `uncertain`. */
  write(request: GraphCall): Promise<Reader>
}

/** The client and the connection's id for references, for the writing capabilities. */
export interface UpdateOptions {
  client: ShopClient
  system: string
}

export const gid = (type: string, id: string): string => `gid://shopify/${type}/${id}`

// A longer wait inside a call would hold its lease; the effect engine waits instead.
const patienceMs = 1_000

export function createShopClient(options: { http: HttpClient; accessToken: string; clock: Clock }): ShopClient {
  const { http, accessToken, clock } = options
  const bucket = new CostBucket(clock)
  const send = async ({ document, variables, call }: GraphCall, isRead: boolean): Promise<Reader> => {
    const name = /(?:query|mutation) (\w+)/.exec(document)?.[1] ?? "unnamed"
    // The more a page may hold, the more it costs.
    const cost = { name, first: typeof variables["first"] === "number" ? variables["first"] : 0 }
    await waitForBudget(bucket, cost, call)
    const answer = await http.send({
      method: "POST",
      path: `/admin/api/${apiVersion}/graphql.json`,
      headers: {
        "content-type": "application/json",
        "x-shopify-access-token": accessToken,
        ...(call.traceparent !== undefined && { traceparent: call.traceparent }),
      },
      body: JSON.stringify({ query: document, variables }),
      signal: call.signal,
      isRead,
    })
    throwForStatus(answer, { isRead, nowMs: clock.now() })
    const body = new Reader(answerJson(answer))
    const requested = bucket.learn(cost, body)
    throwForErrors(body, { isRead, throttledMs: bucket.waitMs(requested) })
    assertVersion(answer)
    if (!body.has("data")) throw new AppError("VENDOR_MISBEHAVED", `${name}: a response without data or errors`)
    return body.object("data")
  }
  return { read: (request) => send(request, true), write: (request) => send(request, false) }
}

async function waitForBudget(
  bucket: CostBucket,
  query: Query,
  { signal, isBackground }: GraphCall["call"],
): Promise<void> {
  const { name } = query
  if (isBackground === true) {
    const roomMs = bucket.waitMs(bucket.costOf(query) + bucket.leftToOthers)
    if (roomMs > 0)
      throw new AppError(
        "CONNECTION_PAUSED",
        `${name}: the shop's cost bucket has room only for what somebody waits for`,
        {
          retryAfterMs: roomMs,
        },
      )
  }
  const waitMs = bucket.reserve(query)
  if (waitMs === 0) return
  if (waitMs > patienceMs)
    throw new AppError("VENDOR_UNAVAILABLE", `${name}: the shop's cost bucket is empty`, { retryAfterMs: waitMs })
  try {
    await sleep(waitMs, signal)
  } catch (thrown) {
    throw new AppError("VENDOR_UNAVAILABLE", `${name}: aborted while waiting for the cost bucket`, { cause: thrown })
  }
}

function throwForStatus(answer: HttpAnswer, { isRead, nowMs }: { isRead: boolean; nowMs: number }): void {
  const { status } = answer
  if (status >= 200 && status < 300) return
  const after = retryAfterMs(answer, nowMs)
  const options = after === undefined ? {} : { retryAfterMs: after }
  const words = `status ${status}: ${answer.text.slice(0, 300)}`
  if (status === 429) throw new AppError("VENDOR_UNAVAILABLE", words, options)
  // An administrator must correct the token or reopen the shop (402, 423), so orders wait and are not undone.
  if (status === 401 || status === 403)
    throw new AppError("VENDOR_KEY_REFUSED", `the shop refuses the access token: ${words}`)
  if (status === 402 || status === 423) throw new AppError("VENDOR_UNAVAILABLE", `the shop is closed: ${words}`)
  // A 5xx may come after the change was made; a look-up is cheaper than a second fulfilment.
  if (status >= 500) throw new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", words, options)
  throw new AppError(status === 404 ? "VENDOR_MISBEHAVED" : "VENDOR_REJECTED", words)
}

// Error codes: https://shopify.dev/docs/api/admin-graphql#status_and_error_codes and the idempotency changelog (VENDORS.md 0.2).
function throwForErrors(body: Reader, { isRead, throttledMs }: { isRead: boolean; throttledMs: number }): void {
  if (!body.has("errors")) return
  const errors = body.rawText("errors") === undefined ? body.list("errors") : []
  const codes = errors.map((error) => error.optionalObject("extensions")?.optionalText("code") ?? "")
  const words = errors.map((error) => error.optionalText("message") ?? "").join("; ") || String(body.rawText("errors"))
  const has = (code: string) => codes.includes(code)
  if (has("THROTTLED")) throw new AppError("VENDOR_UNAVAILABLE", words, { retryAfterMs: Math.max(throttledMs, 100) })
  if (has("ACCESS_DENIED")) throw new AppError("VENDOR_KEY_REFUSED", `the app lacks a scope or an approval: ${words}`)
  if (has("IDEMPOTENCY_KEY_PARAMETER_MISMATCH")) throw new AppError("VENDOR_CONFLICT", words)
  if (has("IDEMPOTENCY_CONCURRENT_REQUEST") || has("INTERNAL_SERVER_ERROR") || has("TIMEOUT"))
    throw new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", words)
  const [reason = ""] = codes
  throw new AppError("VENDOR_MISBEHAVED", `${codes.filter(Boolean).join(", ")} ${words}`.trim(), { data: { reason } })
}

/**
 * When a version has expired, Shopify silently uses the oldest one it supports; only this header shows it.
 * https://shopify.dev/docs/api/usage/versioning (read 2026-11-20)
 */
function assertVersion(answer: HttpAnswer): void {
  const version = headerText(answer, "x-shopify-api-version")
  if (version !== apiVersion)
    throw new AppError(
      "VENDOR_MISBEHAVED",
      `requested API version ${apiVersion}, but the response has ${version ?? "none"}`,
    )
}

/** Throws VENDOR_REJECTED with the vendor's own message when a mutation's payload has errors. */
export function throwForUserErrors(payload: Reader, key = "userErrors"): void {
  const errors = payload.list(key)
  if (errors.length === 0) return
  const words = errors.map((error) => error.optionalText("message") ?? "")
  throw new AppError("VENDOR_REJECTED", words.join("; "), {
    problems: errors.map((error, index) => ({
      pointer: `/${(error.rawList("field") ?? []).join("/")}`,
      message: words[index] ?? "",
      ...(error.optionalText("code") !== undefined && { code: error.text("code") }),
    })),
  })
}
