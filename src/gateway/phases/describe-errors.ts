import { AppError, asAppError, errorCatalogue, type ErrorCode, type Problem } from "../../base/errors.ts"
import { isStorageAway } from "../../base/sql.ts"

/** An error as integrators receive it: RFC 9457 with our own members. */
export interface ProblemDetails {
  type: string
  title: string
  status: number
  detail?: string
  code: ErrorCode
  correlationId: string
  problems?: readonly Problem[]
  docs: string
}

/** Anchor of a code below `/errors` and in docs/reference/errors.md. */
export function errorAnchor(code: ErrorCode): string {
  return code.toLowerCase().replaceAll("_", "-")
}

/** Converts any error that ends a request into an AppError. Errors of the server framework are classified by their code. */
export function requestError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown
  if (isStorageAway(thrown))
    return new AppError("STORAGE_UNAVAILABLE", "the database is unavailable", { cause: thrown, retryAfterMs: 1000 })
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined
  // Fastify 5, docs/Reference/Errors.md.
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new AppError("REQUEST_TOO_LARGE", "the body has more bytes than this route accepts", {
      problems: [{ pointer: "", message: "send less at once; the API reference lists the limit of each route" }],
    })
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE") return wrongContentType()
  const status = typeof thrown === "object" && thrown !== null && "statusCode" in thrown ? thrown.statusCode : undefined
  if (typeof status === "number" && status >= 400 && status < 500)
    return unreadable(thrown instanceof Error ? thrown.message : "the request cannot be read")
  return asAppError(thrown)
}

/** A body of a content type that its route does not take. */
export function wrongContentType({
  ndjson,
  xml,
}: { ndjson?: string | undefined; xml?: string | undefined } = {}): AppError {
  const types = ["application/json", ...(ndjson ? ["application/x-ndjson"] : []), ...(xml ? ["application/xml"] : [])]
  const message = `must be ${types.join(" or ")}`
  return new AppError("REQUEST_MALFORMED", `the content type ${message}`, {
    problems: [{ pointer: "header:content-type", message }],
  })
}

/** A request that the server could not read as HTTP asks for it. */
function unreadable(message: string): AppError {
  return new AppError("REQUEST_MALFORMED", message, { problems: [{ pointer: "", message }] })
}

/** The response for an error. A defect shows only the correlation id to report. */
export function problemDetails(error: AppError, correlationId: string): ProblemDetails {
  const { http, summary, kind } = errorCatalogue[error.code]
  const anchor = errorAnchor(error.code)
  return {
    type: `/errors#${anchor}`,
    title: summary,
    status: http,
    ...(kind === "defect" ? {} : { detail: error.message }),
    code: error.code,
    correlationId,
    ...(error.problems.length > 0 ? { problems: error.problems } : {}),
    docs: `docs/reference/errors.md#${anchor}`,
  }
}

/** Whole seconds for `Retry-After`, where repeating later makes sense. */
export function retryAfterSeconds(error: AppError): number | undefined {
  if (error.retryAfterMs !== undefined) return Math.max(1, Math.ceil(error.retryAfterMs / 1000))
  return error.kind === "unavailable" ? 1 : undefined
}

/** The catalogue as an HTML page; the `type` of every problem links into it. */
export function errorsPage(): string {
  const sections = Object.entries(errorCatalogue).map(
    ([code, { http, kind, summary, hint }]) =>
      `<section id="${code.toLowerCase().replaceAll("_", "-")}"><h2><code>${code}</code></h2>` +
      `<p>HTTP ${http} · ${kind}</p><p>${escapeHtml(summary)}</p><p>${escapeHtml(hint)}</p></section>`,
  )
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Errors of Crossdock</title><h1>Errors</h1>${sections.join("\n")}</html>`
}

// Backticks in hints mark code, as in the Markdown reference.
function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll(/`([^`]+)`/g, "<code>$1</code>")
}
