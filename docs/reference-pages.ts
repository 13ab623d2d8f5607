import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { settings } from "../src/base/config.ts"
import { errorCatalogue, type ErrorCode } from "../src/base/errors.ts"
import { errorAnchor } from "../src/gateway/phases/describe-errors.ts"
import { areas } from "../src/areas.ts"
import type { Area } from "../src/areas/define-area.ts"
import type { AnyWorkflow } from "../src/durable/define-workflow.ts"
import { commands } from "../src/cli/commands.ts"
import { EstateLocation } from "../src/estate/frame.ts"
import { connectorPage } from "./connector-page.ts"
import { eventPage } from "./event-page.ts"
import { figurePage } from "./figure-page.ts"
import { table, type Row } from "./markdown.ts"

const all: readonly Area[] = areas
const workflows = all.flatMap((area) => area.workflows ?? [])

/** Every generated page, by its path from the project's root. */
export async function referencePages(root: string): Promise<Map<string, string>> {
  const pages: [name: string, text: string | undefined][] = [
    ["errors", errorPage()],
    ["events", eventPage()],
    ["config", configPage()],
    ["connectors", await connectorPage(root)],
    ["workflows", workflowPage(root)],
    ["exception-actions", actionPage()],
    ["figures", figurePage()],
    ["metrics", metricPage(root)],
    ["cli", cliPage(root)],
  ]
  const note = "<!-- Made by docs/generate.ts. Change the code it is made from, then run it again. -->\n\n"
  return new Map(
    pages.flatMap(([name, text]) => (text === undefined ? [] : [[`docs/reference/${name}.md`, note + text] as const])),
  )
}

const kinds = {
  invalid: "an answer: undo, tell the sender",
  rejected: "an answer: undo, an exception with the other system's words",
  conflict: "an answer: undo, an exception with both versions",
  unavailable: "nothing was sent: wait",
  uncertain: "it may have happened: look it up before repeating",
  defect: "something that must hold does not: stop, call a developer",
} as const

function errorPage(): string {
  const entries = Object.entries(errorCatalogue)
  const sections = entries.map(
    ([code, { kind, http, summary, hint }]) =>
      `<a id="${errorAnchor(code as ErrorCode)}"></a>\n\n## ${code}\n\n${summary}\n\n**What to do.** ${hint}\n\nHTTP ${http}; kind \`${kind}\`.`,
  )
  const overview = entries.map(([code, { kind, http, summary }]) => [
    `[\`${code}\`](#${errorAnchor(code as ErrorCode)})`,
    String(http),
    `\`${kind}\``,
    summary,
  ])
  return `# Errors

Answers carry \`application/problem+json\` (RFC 9457): \`type\` points to the paragraph below, \`code\` is stable and never renamed,
\`problems\` lists everything that is wrong, each with a JSON pointer. Branch on \`code\`, never on text. The kind says what the
system does now:

${table(
  ["kind", "what it means"],
  Object.entries(kinds).map(([kind, text]) => [`\`${kind}\``, text]),
)}

${table(["code", "HTTP", "kind", "what happened"], overview)}

${sections.join("\n\n")}
`
}

function configPage(): string {
  return `# Settings

What differs per deployment is set in the environment, and nothing else is. What integration engineers decide (connections,
routes, locations, policies) is code in \`crossdock.config.ts\`, checked as a whole at start. What operators change while it runs
(a pause, a buffer) is data with an audit row. An estate's own secrets and addresses come from variables that begin with
\`CROSSDOCK_VALUE_\`, read by \`deploymentValue\`.

${table(
  ["variable", "what it sets"],
  Object.entries(settings).map(([name, text]) => [`\`${name}\``, text]),
)}

## Locations of an estate

A warehouse or a store; goods ship from those with a \`shipping\` block.

${schemaTable(EstateLocation)}

${all.flatMap((area) => (area.policies ? [policySection(area.name, area.policies)] : [])).join("\n\n")}
`
}

const leftOut = {
  refused: "An estate without it is refused.",
  off: "An estate without it does not have the area.",
  defaults: "It may be left out.",
} as const

function policySection(name: string, { schema, whenLeftOut }: NonNullable<Area["policies"]>): string {
  return `## Policies of ${name}

\`policies.${name}\` of the estate. ${leftOut[whenLeftOut]}

${schemaTable(schema)}`
}

/** The parts of JSON Schema that these schemas use. */
interface Shape {
  type?: string
  title?: string
  description?: string
  enum?: readonly unknown[]
  required?: readonly string[]
  properties?: Readonly<Record<string, Shape>>
  patternProperties?: Readonly<Record<string, Shape>>
  items?: Shape
  anyOf?: readonly Shape[]
  minProperties?: number
}

function schemaTable(schema: object): string {
  return table(["field", "takes", "what it decides"], shapeRows(schema, ""))
}

function shapeRows(
  { properties = {}, required = [], patternProperties = {}, anyOf = [], items }: Shape,
  place: string,
): Row[] {
  const fields = Object.entries(properties).flatMap(([name, shape]): Row[] => {
    const isNeeded = required.includes(name) ? "" : ", may be left out"
    const row: Row = [`\`${place}${name}\``, `${takes(shape)}${isNeeded}`, shape.description ?? ""]
    return isDuration(shape) ? [row] : [row, ...shapeRows(shape, `${place}${name}${shape.items ? "" : "."}`)]
  })
  const byName = Object.values(patternProperties).flatMap((one) => shapeRows(one, `${place}*.`))
  // Of shapes that stand beside each other, a field that several have is told once.
  const choices = new Map(anyOf.flatMap((one) => shapeRows(one, place)).map((row) => [row[0], row]))
  return [...fields, ...byName, ...choices.values(), ...(items ? shapeRows(items, `${place}[].`) : [])]
}

const isDuration = ({ properties = {} }: Shape) => Object.hasOwn(properties, "minutes")

function takes(shape: Shape): string {
  if (isDuration(shape)) return "a duration, e.g. `{ minutes: 15 }`"
  if (shape.enum && shape.enum.length <= 5) return shape.enum.map((value) => `\`${String(value)}\``).join(" or ")
  if (shape.enum) return "a code"
  if (shape.patternProperties) return "a table by name"
  return (
    { array: "a list", object: "a block", string: "text", boolean: "true or false" }[shape.type ?? ""] ??
    shape.type ??
    "a function"
  )
}

function actionPage(): string {
  const effects = {
    wake: "the workflow that asked goes on by it",
    close: "nothing more",
    append: "tells an event",
    "carry out": "the module that raised it does it",
  } as const
  const rows = all.flatMap(({ name: area, actions = [] }) =>
    actions.map(({ name, does, effect }): Row => [`\`${name}\``, area, does, effects[effect.kind]]),
  )
  return `# Actions on exceptions

What people may do about an exception; each exception lists which of these it allows. A decision is always an event
(\`exception.decided\`) and a row in the audit log. An action that no area declares is refused.

${table(["action", "area", "what it does", "and then"], rows)}
`
}

function workflowPage(root: string): string {
  return `# Workflows

Durable processes. A finished step returns what the journal holds under its name, so a step's name is part of the contract: see
[changing a workflow in flight](../guides/change-a-workflow-in-flight.md).

${workflows.map((workflow) => workflowSection(root, workflow)).join("\n\n")}
`
}

function workflowSection(root: string, workflow: AnyWorkflow): string {
  const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(", ") || "none"
  const deadline = Object.entries(workflow.deadline)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(" ")
  const facts: Row[] = [
    ["is about", list([workflow.about])],
    ["passes through", list(workflow.states)],
    ["people who are told", list([workflow.owner])],
    ["starts on", list([workflow.startsOn])],
    ["listens to", list(workflow.hears)],
    ["is stopped by", list(workflow.interrupts)],
    ["needs", list(workflow.needs)],
    ["a person is told after waiting", deadline],
    ["lane", list([workflow.lane])],
    [
      "renamed steps",
      Object.entries(workflow.renamed ?? {})
        .map(([from, to]) => `\`${from}\` → \`${to}\``)
        .join(", ") || "none",
    ],
    ["dropped steps", list(workflow.dropped ?? [])],
  ]
  return `## ${workflow.name}

${workflow.purpose}

${openingComment(root, workflow)}

${table(["", ""], facts)}

Steps, by name; what stands behind \`#\` tells repeats apart:

${workflow.steps.map((step) => `- ${step}`).join("\n")}`
}

/** The comment a workflow's file opens with: what it does, what undo does. */
function openingComment(root: string, { name }: AnyWorkflow): string {
  const path = join(root, "src/workflows", `${name.replaceAll(" ", "-")}.ts`)
  if (!existsSync(path)) return ""
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(readFileSync(path, "utf8"))?.[1] ?? ""
  return comment.replaceAll(/^\s*\* ?/gm, "").trim()
}

/** Reads declarations from the text, because making them needs a running system. */
function metricPage(root: string): string | undefined {
  const declared =
    /new (Counter|Gauge|Histogram)\(\{\s*name: "([^"]+)",\s*help:\s*(?:"([^"]+)"|`([^`]+)`),(?:\s*labelNames: \[([^\]]*)\],)?/g
  const rows = sourcesBelow(root, "src").flatMap((text) =>
    [...text.matchAll(declared)].map(([, kind = "", name = "", plain, template, labels = ""]): Row => {
      const help = (plain ?? template ?? "").replaceAll(/\$\{[^}]*\}/g, "several")
      return [`\`${name}\``, kind.toLowerCase(), labels.replaceAll('"', "").trim(), help]
    }),
  )
  if (rows.length === 0) return undefined
  rows.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
  return `# Metrics

\`GET /metrics\` in the Prometheus text format, beside the usual ones of a Node process.

${table(["metric", "kind", "labels", "what it counts"], rows)}
`
}

function cliPage(root: string): string | undefined {
  const path = join(root, "src/cli/failure.ts")
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, "utf8")
  const rows = Object.values(commands).map(({ usage, summary }): Row => [`\`crossdock ${usage}\``, summary])
  const codes = /exitCodes = \{([^}]+)\}/.exec(text)?.[1] ?? ""
  const exits = [...codes.matchAll(/(\w+): (\d+)/g)].map(([, name = "", code = ""]): Row => [
    code,
    name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`),
  ])
  return `# Command line

\`npx crossdock <command>\` speaks to the gateway over its public API (\`CROSSDOCK_URL\`, \`CROSSDOCK_KEY\`).

${table(["command", "what it does"], rows)}

${exits.length === 0 ? "" : `Exit codes, which scripts may rely on:\n\n${table(["code", "meaning"], exits)}\n`}`
}

function sourcesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sourcesBelow(root, path)
    return entry.name.endsWith(".ts") && !entry.name.endsWith(".test.ts")
      ? [readFileSync(join(root, path), "utf8")]
      : []
  })
}
