import { AppError, asAppError, errorCatalogue, type ErrorCode, type Problem } from "../base/errors.ts"
import { own } from "../base/lookup.ts"

/** Exit codes, a public list: 0 done, 1 defect, 2 usage or refused, 3 not reachable, 4 checks failed. */
export const exitCodes = { done: 0, defect: 1, usage: 2, notReachable: 3, checksFailed: 4 } as const

/**
 * The text that a command prints for an error, and its exit code. With `isJson` the text is one JSON object,
 * `{ error: { code, message, problems, hint } }`, which programs can read.
 */
export function failureOf(thrown: unknown, { isJson }: { isJson: boolean }): { text: string; code: number } {
  const error = asAppError(thrown)
  const { hint } = errorCatalogue[error.code]
  const { code, problems, kind } = error
  if (isJson)
    return {
      text: `${JSON.stringify({ error: { code, message: headOf(error), problems, hint } })}\n`,
      code: exitOf(kind),
    }
  // Who calls: the hint says what to do. Of a wrong request its problems do.
  const isOfRequest = code === "REQUEST_INVALID" || code === "NOT_FOUND" || kind === "defect"
  return { text: `${error.message}\n${isOfRequest ? "" : `${hint}\n`}`, code: exitOf(kind) }
}

/** The message without the lines of its problems. */
const headOf = ({ message }: AppError) => message.split("\n", 1)[0] ?? ""

function exitOf(kind: AppError["kind"]): number {
  if (kind === "unavailable" || kind === "uncertain") return exitCodes.notReachable
  return kind === "defect" ? exitCodes.defect : exitCodes.usage
}

interface ProblemDocument {
  title?: string
  detail?: string
  code?: string
  problems?: Problem[]
}

/** The error of an answer of the API: its own code, or what its status says when something between us and it answered. */
export function refused(status: number, text: string): AppError {
  const { title, detail, code, problems = [] } = parseProblem(text)
  const lines = problems.map(({ pointer, message }) => `  ${pointer}: ${message}`)
  const words = [title, detail].filter((part) => part !== undefined).join(" ")
  return new AppError(
    code !== undefined && own(errorCatalogue, code) ? (code as ErrorCode) : codeOf(status),
    [`${status} ${words || text.slice(0, 300)}`, ...lines].join("\n"),
    { problems },
  )
}

function codeOf(status: number): ErrorCode {
  if (status >= 500) return "VENDOR_UNAVAILABLE"
  return status === 404 ? "NOT_FOUND" : "REQUEST_INVALID"
}

function parseProblem(text: string): ProblemDocument {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === "object" && value !== null ? value : {}
  } catch {
    return {}
  }
}
