import Fastify, { type FastifyInstance } from "fastify"
import { asAppError, AppError, errorCatalogue } from "../base/errors.ts"
import type { Answers } from "./snapshot/answers.ts"
import type { Taking } from "./taking.ts"

interface ServerParts {
  taking: Pick<Taking, "take">
  health: () => { isWell: boolean; [field: string]: unknown }
  verify: () => object
  answers: Pick<Answers, "price" | "stock" | "pickups" | "isCode">
}

/** As at the centre: POST /v1/sales. */
const [rowsMax, bodyLimit] = [1000, 8 * 1024 * 1024]

/** The agent's HTTP surface, for tills and people of the store. */
export function edgeServer({ taking, health, verify, answers }: ServerParts): FastifyInstance {
  const app = Fastify({ bodyLimit, forceCloseConnections: true })
  app.removeAllContentTypeParsers()
  app.addContentTypeParser("application/json", { parseAs: "string" }, (_, text, done) => done(null, { json: text }))
  app.addContentTypeParser("application/x-ndjson", { parseAs: "string" }, (_, text, done) =>
    done(null, { lines: text }),
  )
  app.setErrorHandler((thrown, _, reply) => {
    const error = requestError(thrown)
    const { http, summary, kind } = errorCatalogue[error.code]
    if (error.retryAfterMs !== undefined) void reply.header("retry-after", Math.ceil(error.retryAfterMs / 1000))
    return reply
      .status(http)
      .type("application/problem+json")
      .send({
        type: `/errors#${error.code.toLowerCase().replaceAll("_", "-")}`,
        title: summary,
        status: http,
        ...(kind === "defect" ? {} : { detail: error.message }),
        code: error.code,
        ...(error.problems.length > 0 ? { problems: error.problems } : {}),
      })
  })
  app.setNotFoundHandler((request) => {
    throw new AppError("NOT_FOUND", `there is no ${request.method} ${request.url}`)
  })
  app.post("/sales", async (request) => ({ results: await taking.take(rowsOf(request.body)) }))
  app.get("/health", (_, reply) => {
    const { isWell, ...body } = health()
    return reply.status(isWell ? 200 : 503).send({ isWell, ...body })
  })
  app.get("/verify", () => verify())
  app.get("/prices", (request) => answers.price(request.query))
  app.get("/stock", (request) => answers.stock(request.query))
  app.get("/pickups", (request) => answers.pickups(request.query))
  app.post("/pickups/code", (request) => answers.isCode(oneOf(request.body)))
  return app
}

/** One receipt, `{ "receipts": […] }`, or a receipt a line. A line that is no JSON is a text: it is kept, too. */
function rowsOf(body: unknown): unknown[] {
  const { json, lines } = (body ?? {}) as { json?: string; lines?: string }
  const rows = lines === undefined ? rowsOfJson(json ?? "") : rowsOfLines(lines)
  if (rows.length === 0 || rows.length > rowsMax)
    throw new AppError("REQUEST_INVALID", `send 1 to ${rowsMax} receipts`, {
      problems: [{ pointer: "/receipts", message: `must have 1 to ${rowsMax} items; has ${rows.length}` }],
    })
  return rows
}

const oneOf = (body: unknown) => parsedJson((body as { json?: string } | undefined)?.json ?? "")

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (thrown) {
    const message = thrown instanceof Error ? thrown.message : "is no JSON"
    throw new AppError("REQUEST_MALFORMED", `the body is no JSON: ${message}`, { problems: [{ pointer: "", message }] })
  }
}

function rowsOfJson(text: string): unknown[] {
  const parsed = parsedJson(text)
  const isList = typeof parsed === "object" && parsed !== null && "receipts" in parsed && Array.isArray(parsed.receipts)
  return isList ? (parsed as { receipts: unknown[] }).receipts : [parsed]
}

function rowsOfLines(text: string): unknown[] {
  const lines = text.split("\n").filter((line) => line.trim() !== "")
  return lines.map((line) => {
    try {
      return JSON.parse(line) as unknown
    } catch {
      return line
    }
  })
}

function requestError(thrown: unknown): AppError {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? thrown.code : undefined
  // Fastify 5, docs/Reference/Errors.md.
  if (code === "FST_ERR_CTP_BODY_TOO_LARGE")
    return new AppError("REQUEST_TOO_LARGE", `the body has more than ${bodyLimit} bytes: send fewer receipts at once`)
  if (code === "FST_ERR_CTP_INVALID_MEDIA_TYPE")
    return new AppError("REQUEST_MALFORMED", "the content type must be application/json or application/x-ndjson")
  return asAppError(thrown)
}
