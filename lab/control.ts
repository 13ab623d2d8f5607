import type { FastifyInstance, FastifyRequest } from "fastify"
import { Readable } from "node:stream"
import type { Faults, FaultSettings } from "./faults.ts"
import type { RequestLog } from "./request-log.ts"
import type { Books, VendorState } from "./books.ts"
import type { WebhookSender } from "./webhooks/sender.ts"

type Controls = {
  state: VendorState
  faults: Faults
  log: RequestLog
  sender(): WebhookSender | undefined
  reset(): void
  setWebhookTarget(url: string | undefined): void
}

/** The lab's own endpoints, under `/__lab`: no fault ever applies to them. */
export function addControlRoutes(app: FastifyInstance, controls: Controls): void {
  app.get("/__lab/books", (request, reply) => {
    const only = queryText(request, "only")
    const books = controls.state.books()
    const chosen =
      only === undefined ? books : Object.fromEntries(only.split(",").map((kind) => [kind, books[kind] ?? []]))
    return reply.type("application/json").send(Readable.from(booksAsJson(chosen)))
  })
  app.get("/__lab/faults", () => controls.faults.report())
  app.put("/__lab/faults", (request) => {
    // The lab's operator is trusted. A fault with an unknown name never strikes; the response shows it.
    controls.faults.set(controlBody(request) as FaultSettings)
    return controls.faults.report()
  })
  app.get("/__lab/requests", (request) => ({
    requests: controls.log.last(Number(queryText(request, "limit") ?? "100")),
  }))
  app.post("/__lab/reset", () => {
    controls.reset()
    return { reset: true }
  })
  app.put("/__lab/webhook-target", (request) => {
    const { url } = controlBody(request)
    controls.setWebhookTarget(typeof url === "string" ? url : undefined)
    return { url: url ?? null }
  })
  app.get("/__lab/webhooks", () => controls.sender()?.report() ?? {})
}

/** The JSON object sent to a control endpoint; an empty body is an empty object. */
export function controlBody(request: FastifyRequest): Record<string, unknown> {
  const text = Buffer.isBuffer(request.body) ? request.body.toString("utf8") : ""
  const parsed: unknown = text === "" ? {} : JSON.parse(text)
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new Error("a JSON object is expected")
  // Checked above: an object that is neither null nor an array.
  return parsed as Record<string, unknown>
}

function queryText(request: FastifyRequest, name: string): string | undefined {
  // Fastify's default query parser gives text or lists of text.
  const value = (request.query as Record<string, unknown>)[name]
  return typeof value === "string" ? value : undefined
}

/** Written in pieces: 200,000 documents as one string would pass V8's limit. */
function* booksAsJson(books: Books): Generator<string> {
  yield "{"
  let isFirstKind = true
  for (const [kind, documents] of Object.entries(books)) {
    yield `${isFirstKind ? "" : ","}${JSON.stringify(kind)}:[`
    isFirstKind = false
    let piece = ""
    for (const [index, document] of documents.entries()) {
      piece += `${index === 0 ? "" : ","}${JSON.stringify(document)}`
      if (piece.length < 65_536) continue
      yield piece
      piece = ""
    }
    yield `${piece}]`
  }
  yield "}"
}
