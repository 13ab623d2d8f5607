import { Value } from "typebox/value"
import { AppError, asAppError, type Problem } from "../../base/errors.ts"
import { UnreadRow } from "../../base/json/unread-row.ts"
import type { Exchange } from "../exchange.ts"
import { wrongContentType } from "./describe-errors.ts"
import { parseJson } from "./parse-json.ts"
import type { Phase } from "./phase.ts"
import type { Versions } from "./versions.ts"

const encodedControl = /%(?:[01][0-9a-f]|7f)/i
const jsonType = /^application\/(?:[\w.+-]+\+)?json\b/i

/** Parses query and body and checks them against the route's schemas. The error lists all problems of both. */
export function validate(versions: Versions): Phase {
  return {
    name: "validate",
    afterBody(exchange) {
      const { route } = exchange
      // No identifier contains a control character, and PostgreSQL refuses NUL in text.
      refuseControls(exchange.request.url)
      const problems: Problem[] = []
      if (route.querySchema && route.query) {
        exchange.query = Value.Convert(route.querySchema, { ...(exchange.request.query as object) })
        for (const problem of route.query.problems(exchange.query))
          problems.push({ ...problem, pointer: `?${problem.pointer.slice(1)}` })
      }
      const isRead = isXml(exchange) || (route.isBodyOptional && exchange.bytes.length === 0)
      if (route.body && !isRead) {
        exchange.body = versions.upgrade(route.id, exchange.version, jsonBody(exchange))
        problems.push(...route.body.problems(exchange.body))
      }
      if (problems.length > 0)
        throw new AppError("REQUEST_INVALID", `the request has ${problems.length} problem(s)`, { problems })
    },
  }
}

function refuseControls(url: string): void {
  if (!encodedControl.test(url)) return
  const [path = "", query = ""] = url.split("?", 2)
  const parameter = query.split("&").find((part) => encodedControl.test(part))
  const pointer =
    encodedControl.test(path) || parameter === undefined ? "path:" : `?${parameter.split("=", 1)[0] ?? ""}`
  throw new AppError("REQUEST_MALFORMED", "the address contains control characters", {
    problems: [{ pointer: pointer.replaceAll(/%../g, "?"), message: "contains a control character" }],
  })
}

/** Whether the body is XML, and the route reads that itself (RFC 7303: both types). */
export function isXml(exchange: Pick<Exchange, "route" | "header">): boolean {
  return exchange.route.xml !== undefined && /^(?:application|text)\/xml\b/i.test(exchange.header("content-type") ?? "")
}

function jsonBody(exchange: Exchange): unknown {
  const type = exchange.header("content-type")
  const { ndjson, rows, xml } = exchange.route
  if (ndjson !== undefined && /^application\/(?:x-)?(?:ndjson|jsonl)\b/i.test(type ?? ""))
    return { [ndjson]: linesOf(exchange.bytes) }
  if (type !== "application/json" && !jsonType.test(type ?? "")) throw wrongContentType({ ndjson, xml })
  return parseJson(exchange.bytes, { rows })
}

const newLine = 0x0a

/** The values of NDJSON. A line that is no JSON, e.g. one that a power failure cut, costs no other. */
function linesOf(bytes: Buffer): unknown[] {
  const lines: unknown[] = []
  for (let [from, count] = [0, 1]; from < bytes.length; count += 1) {
    const found = bytes.indexOf(newLine, from)
    const end = found < 0 ? bytes.length : found
    const line = bytes.subarray(from, end)
    if (line.some((byte) => byte > 0x20)) lines.push(lineOf(line, count))
    from = end + 1
  }
  return lines
}

function lineOf(line: Buffer, count: number): unknown {
  try {
    return parseJson(line)
  } catch (thrown) {
    const { problems } = asAppError(thrown)
    return new UnreadRow(
      problems.map(({ pointer, message }) => ({ pointer, message: `${message} (of line ${count} of the body)` })),
    )
  }
}
