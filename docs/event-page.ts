import { eventTypes, type EventName, type EventType } from "../src/canonical/events.ts"
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
  const overview = entries.map(([name, { summary, version, key, publisher }]) => [
    `[\`${name}\`](#${anchorOf(name)})`,
    summary,
    `\`${key}\``,
    publishers[publisher],
    String(version),
  ])
  const sections = entries.map(([name, type]) => eventSection(name as EventName, type))
  const parts = [...namedParts(entries.map(([, { schema }]) => schema as SchemaNode))]
  return `# Events

Every business fact Crossdock knows. An event is a CloudEvents 1.0 envelope with \`correlation\`, \`causation\`, \`key\`, \`fact\` and
\`schemaversion\` beside the usual attributes; what follows is its \`data\`. Events with one key are applied in order. The same fact
is stored once, however often and by whichever way it arrives. Objects are closed: what is not named here is refused.

${table(["event", "what happened", "key", "told by", "version"], overview)}

${sections.join("\n\n")}

# Parts

${parts.map(([title, schema]) => `## ${title}\n\n${table(["field", "what it is", "form"], fieldRows(schema))}`).join("\n\n")}
`
}

function eventSection(name: EventName, { schema, summary }: EventType): string {
  return `## ${name}

${summary}

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
