import type { Answer, Call } from "./call.ts"

/** What a fuzz run found wrong. */
export interface Finding {
  attack: string
  what: string
  input: string
  answer: string
}

const examplesMax = 3
const vague = /must be equal to|must match (?:a schema|exactly|pattern)|must not be valid|schema is false/
const leaking = /\bat \S+:\d+:\d+|\/src\/|node_modules|select .* from|SQLSTATE|postgres/i

/** Counts answers, and keeps those that no client could act on. */
export class Answers {
  readonly #counts = new Map<string, Map<string, number>>()
  readonly findings: Finding[] = []
  inputs = 0
  unclear = 0
  serverErrors = 0

  /** Notes the result of an input; `status` is an HTTP status, or an error code where no HTTP is spoken. */
  count(attack: string, status: string): void {
    this.inputs += 1
    const row = this.#counts.get(attack) ?? new Map<string, number>()
    row.set(status, (row.get(status) ?? 0) + 1)
    this.#counts.set(attack, row)
  }

  note(attack: string, call: Call, answer: Answer): void {
    this.count(attack, String(answer.status))
    const isBroken = answer.status === 0 || answer.status >= 500
    if (isBroken) this.serverErrors += 1
    const reason = isBroken ? "5xx or no answer" : unclearReason(answer)
    if (reason === undefined) return
    if (!isBroken) this.unclear += 1
    const body = call.body === undefined ? "" : call.body.toString().slice(0, 2000)
    this.found({
      attack,
      what: reason,
      input: `${call.method} ${call.path.slice(0, 500)} ${body}`,
      answer: `${answer.status} ${answer.text.slice(0, 1000)}`,
    })
  }

  found(finding: Finding): void {
    this.findings.push(finding)
  }

  /** The table a run ends with. */
  table(): string {
    const statuses = [...new Set([...this.#counts.values()].flatMap((row) => [...row.keys()]))].sort()
    const line = (name: string, cells: readonly string[]) => [name.padEnd(26), ...cells.map((cell) => cell.padStart(8))]
    const rows = [...this.#counts].map(([attack, row]) =>
      line(
        attack,
        statuses.map((status) => String(row.get(status) ?? "")),
      ).join(""),
    )
    const head = line(
      "attack",
      statuses.map((status) => status.slice(0, 7)),
    ).join("")
    const kinds = Map.groupBy(this.findings, ({ what }) => what)
    const found = [...kinds].flatMap(([kind, all]) => [
      `${all.length} × ${kind}`,
      ...all.slice(0, examplesMax).map(({ attack, input, answer }) => `    ${attack}: ${input}\n    → ${answer}`),
    ])
    return [head, ...rows, "", ...found].join("\n")
  }
}

/** Why an error answer would leave its reader puzzled; undefined when it would not. */
function unclearReason({ status, headers, text }: Answer): string | undefined {
  if (status < 400) return undefined
  if (!String(headers["content-type"]).startsWith("application/problem+json")) return "an error that is no problem+json"
  const problem = JSON.parse(text) as Record<string, unknown> & {
    problems?: { pointer?: unknown; message?: unknown }[]
  }
  for (const member of ["type", "title", "code", "correlationId", "detail"])
    if (typeof problem[member] !== "string" || problem[member] === "") return `an error without ${member}`
  if (headers["x-correlation-id"] !== problem["correlationId"])
    return "an error with another correlation id than its header"
  if (leaking.test(text)) return "an error that shows our insides"
  const { problems = [] } = problem
  if (
    ["REQUEST_INVALID", "REQUEST_MALFORMED", "REQUEST_TOO_LARGE"].includes(String(problem["code"])) &&
    problems.length === 0
  )
    return `${String(problem["code"])} that names no place`
  for (const { pointer, message } of problems) {
    if (typeof pointer !== "string" || !/^(?:|\/.*|\?.*|(?:path|header):.*)$/s.test(pointer))
      return "a problem without a pointer"
    if (typeof message !== "string" || message === "") return "a problem without words"
    if (vague.test(message)) return `a vague problem: ${message.slice(0, 60)}`
  }
  return undefined
}
