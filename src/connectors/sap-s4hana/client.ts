import { AppError, type Problem } from "../../base/errors.ts"
import { headerText, retryAfterMs, type HttpAnswer, type HttpCall, type HttpClient } from "../../base/http.ts"
import type { Clock } from "../../base/time.ts"
import type { Call } from "../../ports/write.ts"
import { SessionKeeper } from "../../protocols/csrf-session.ts"
import { contentOf, fieldOf } from "../../protocols/odata-v2.ts"

type Context = Omit<Call, "key">

/** Calls the OData V2 and SOAP services of one S/4HANA system. Paths begin behind `/sap/opu/odata/sap`. */
export interface SapClient {
  /** The object under `d`. */
  get(path: string, call: Context): Promise<unknown>
  /** A change; `etag` becomes If-Match. The object under `d`, or undefined when the response has no body. */
  change(
    request: { method: "POST" | "PATCH" | "DELETE"; path: string; body?: unknown; etag?: string },
    call: Context,
  ): Promise<unknown>
  /** A SOAP call that changes something; the text of the response. `action` is the operation's soapAction in the WSDL. */
  soap(request: { path: string; action: string; envelope: string }, call: Context): Promise<string>
}

const odata = "/sap/opu/odata/sap"

export function createSapClient(options: {
  http: HttpClient
  user: string
  password: string
  clock: Clock
}): SapClient {
  const { http, clock } = options
  const authorization = `Basic ${Buffer.from(`${options.user}:${options.password}`).toString("base64")}`
  const request = (call: HttpCall, context: Context): Promise<HttpAnswer> =>
    http.send({
      ...call,
      signal: context.signal,
      headers: {
        authorization,
        accept: "application/json",
        ...(context.traceparent !== undefined && { traceparent: context.traceparent }),
        ...call.headers,
      },
    })
  const sessions = new SessionKeeper()
  const fetchSession = (path: string, context: Context) =>
    sessions.current(async () => {
      const service = path.split("/", 2).join("/")
      const headers = { "x-csrf-token": "Fetch" }
      const answer = await request({ method: "GET", path: `${odata}${service}/`, headers }, context)
      throwForStatus(answer, { isRead: true, nowMs: clock.now() })
      return answer
    })
  return {
    async get(path, context) {
      const answer = await request({ method: "GET", path: odata + path }, context)
      throwForStatus(answer, { isRead: true, nowMs: clock.now() })
      return contentOf(answer)
    },
    async change({ method, path, body, etag }, context) {
      const send = async () => {
        const session = await fetchSession(path, context)
        const headers = {
          "x-csrf-token": session.token,
          cookie: session.cookie,
          ...(etag !== undefined && { "if-match": etag }),
          ...(body !== undefined && { "content-type": "application/json" }),
        }
        const text = body === undefined ? {} : { body: JSON.stringify(body) }
        return { session, answer: await request({ method, path: odata + path, headers, ...text }, context) }
      }
      let { session, answer } = await send()
      // 403 with this header means that the token has expired and nothing was done. https://help.sap.com (CSRF
      // protection, SAP Gateway)
      if (answer.status === 403 && headerText(answer, "x-csrf-token")?.toLowerCase() === "required") {
        sessions.drop(session)
        answer = (await send()).answer
      }
      throwForStatus(answer, { isRead: false, nowMs: clock.now() })
      return answer.text === "" ? undefined : contentOf(answer)
    },
    async soap({ path, action, envelope }, context) {
      const headers = {
        "content-type": "text/xml; charset=utf-8",
        accept: "text/xml",
        // SOAP 1.1, 6.1.1: the value stands in quotes.
        soapaction: `"${action}"`,
      }
      const answer = await request({ method: "POST", path, headers, body: envelope }, context)
      throwForStatus(answer, { isRead: false, nowMs: clock.now() })
      return answer.text
    },
  }
}

function throwForStatus(answer: HttpAnswer, { isRead, nowMs }: { isRead: boolean; nowMs: number }): void {
  const { status } = answer
  if (status >= 200 && status < 300) return
  const { words, code, problems } = sapError(answer.text)
  const message = `status ${status}: ${code === "" ? "" : `${code} `}${words}`
  const after = retryAfterMs(answer, nowMs)
  const options = { problems, data: { sapCode: code, status }, ...(after !== undefined && { retryAfterMs: after }) }
  if (status === 429) throw new AppError("VENDOR_UNAVAILABLE", message, options)
  if (status === 401 || status === 403)
    // An administrator must correct a withdrawn password or role, so work waits and nothing is undone.
    throw new AppError("VENDOR_KEY_REFUSED", `SAP refuses the credentials or the role of the user: ${message}`, options)
  // A 5xx may come after the commit, even with a Retry-After; a look-up is cheaper than a second document.
  if (status >= 500) throw new AppError(isRead ? "VENDOR_UNAVAILABLE" : "VENDOR_UNCERTAIN", message, options)
  if (status === 412 || status === 428) throw new AppError("VENDOR_CONFLICT", message, options)
  // Message class MC number 601: a user has the object open and locks it. The lock ends by itself.
  if (code === "MC/601") throw new AppError("VENDOR_UNAVAILABLE", message, { ...options, retryAfterMs: after ?? 5_000 })
  // Message class M7 number 053: goods movements are only posted in open periods.
  if (code === "M7/053") throw new AppError("PERIOD_CLOSED", message, options)
  if (unknownMaterial.has(code)) throw new AppError("ARTICLE_UNKNOWN", message, options)
  throw new AppError("VENDOR_REJECTED", message, options)
}

/**
 * The material does not exist, is not activated, or is not maintained for the plant or the sales area: message class and number of
 * transaction SE91 (M3/305 and M3/351 of material master, V1/382 of sales).
 */
const unknownMaterial: ReadonlySet<string> = new Set(["V1/382", "M3/305", "M3/351"])

/**
 * The error envelope in either form: of OData V2 (components/schemas/error of SAP's OpenAPI documents), with the message as
 * an object and details inside `innererror`; or of V4, with the message as text and details beside it. Both occur for V2.
 */
function sapError(text: string): { words: string; code: string; problems: Problem[] } {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  const error = fieldOf(body, "error")
  const message = fieldOf(error, "message")
  const words = typeof message === "string" ? message : fieldOf(message, "value")
  if (typeof words !== "string") return { words: plainWords(text), code: "", problems: [] }
  const details = [fieldOf(error, "details"), fieldOf(fieldOf(error, "innererror"), "errordetails")]
  const texts = (detail: unknown, ...names: string[]) =>
    names.map((name) => fieldOf(detail, name)).find((value) => typeof value === "string" && value !== "")
  return {
    words,
    code: String(fieldOf(error, "code") ?? ""),
    problems: details
      .flatMap((list) => (Array.isArray(list) ? list : []))
      .map((detail: unknown) => ({
        pointer: String(texts(detail, "propertyref", "target") ?? ""),
        message: String(texts(detail, "message") ?? ""),
        code: String(texts(detail, "code") ?? ""),
      })),
  }
}

/** What a page of HTML or another text says, in short. */
function plainWords(text: string): string {
  return text
    .replace(/<[^>]*>/g, " ")
    .trim()
    .slice(0, 300)
}
