import { eventTypes, type EventName } from "../src/canonical/events.ts"
import type { EventType } from "../src/canonical/events/event-type.ts"
import { refKinds } from "../src/canonical/refs.ts"
import { eventExamples } from "../src/canonical/examples.ts"
import type { SchemaNode } from "./sample-value.ts"
import { anchorOf, fieldRows, table } from "./markdown.ts"

const publishers = {
  connector: "a connector",
  workflow: "a workflow",
  gateway: "the gateway",
  operations: "operations",
} as const

/** docs/reference/events.md */
export function eventPage(): string {
  const entries: [string, EventType][] = Object.entries(eventTypes)
  const overview = entries.map(([name, { summary, version, publisher, ...entry }]) => [
    `[\`${name}\`](#${anchorOf(name)})`,
    summary,
    aboutText(entry),
    publishers[publisher],
    String(version),
  ])
  const sections = entries.map(([name, type]) => eventSection(name as EventName, type))
  const parts = [...namedParts(entries.map(([, { schema }]) => schema as SchemaNode))]
  return `# Events

Every business fact Crossdock knows. An event is a CloudEvents 1.0 envelope with \`correlation\`, \`causation\`, \`key\`, \`fact\` and
\`schemaversion\` beside the usual attributes; what follows is its \`data\`. \`key\` is the [ref](#refs) of the object the event is
about: kind and parts, with \`/\` and \`%\` in a part percent-encoded. Events about one object are applied in order. The same fact
is stored once, however often and by whichever way it arrives. Objects are closed: what is not named here is refused.

${table(["event", "what happened", "about", "told by", "version"], overview)}

${sections.join("\n\n")}

# Refs

${table(
  ["kind", "parts"],
  Object.entries(refKinds).map(([kind, { parts: named }]) => [`\`${kind}\``, named]),
)}

# Parts

${parts.map(([title, schema]) => `## ${title}\n\n${table(["field", "what it is", "form"], fieldRows(schema))}`).join("\n\n")}
`
}

/** What the example is about and mentions, as refs whose parts are left out where they are long. */
function aboutText({ about, mentions, example }: Pick<EventType, "about" | "mentions" | "example">): string {
  const more = mentions(example).map((named) => `\`${kindOf(named)}\``)
  return `\`${kindOf(about(example))}\`${more.length > 0 ? `, mentions ${[...new Set(more)].join(", ")}` : ""}`
}

const kindOf = (named: string) => named.slice(0, named.indexOf("/"))

function eventSection(name: EventName, { schema, summary, about, example }: EventType): string {
  return `## ${name}

${summary} The example is about \`${about(example)}\`.

${table(["field", "what it is", "form"], fieldRows(schema as SchemaNode))}

\`\`\`json
${JSON.stringify(eventExamples[name], null, 2)}
\`\`\``
}

/** Schemas with a title inside others, in the order they are met. */
function namedParts(schemas: readonly SchemaNode[]): Map<string, SchemaNode> {
  const parts = new Map<string, SchemaNode>()
  const visit = (schema: SchemaNode): void => {
    if (schema.title !== undefined && schema.properties && !parts.has(schema.title)) parts.set(schema.title, schema)
    for (const inner of [...Object.values(schema.properties ?? {}), ...(schema.anyOf ?? [])]) visit(inner)
    if (schema.items) visit(schema.items)
  }
  for (const schema of schemas) for (const field of Object.values(schema.properties ?? {})) visit(field)
  return parts
}
