import type { SchemaNode } from "./sample-value.ts"

export type Row = readonly string[]

/** A Markdown table. */
export function table(head: Row, rows: readonly Row[]): string {
  // A "<" outside of code would be taken for the start of a tag.
  const cell = (text: string) =>
    text
      .split(/(`[^`]*`)/)
      .map((part, index) => (index % 2 === 0 ? part.replaceAll("<", "&lt;") : part))
      .join("")
      .replaceAll("|", "\\|")
      .replaceAll("\n", " ")
  const line = (cells: Row) => `| ${cells.map(cell).join(" | ")} |`
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")
}

/** The anchor GitHub gives a heading. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-")
}

/** One row per field of an object schema: name, description, form. Optional ones say so. */
export function fieldRows(schema: SchemaNode): Row[] {
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const isOptional = !schema.required?.includes(name)
    return [`\`${name}\`${isOptional ? " (optional)" : ""}`, field.description ?? "", formOf(field)]
  })
}

/** The form of a value in a few words. */
function formOf(schema: SchemaNode): string {
  if (schema.const !== undefined) return `\`${String(schema.const)}\``
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(", ")
  if (schema.anyOf) return schema.anyOf.map(formOf).join(" or ")
  if (schema.title !== undefined) return `[${schema.title}](#${anchorOf(schema.title)})`
  if (schema.type === "array") return `list of ${formOf(schema.items ?? {})}${range(schema.minItems, schema.maxItems)}`
  if (schema.type === "object") return objectForm(schema)
  if (schema.type === "string") return `text${textLimits(schema)}`
  return `${schema.type ?? "anything"}${range(schema.minimum, schema.maximum)}`
}

function objectForm({ properties, patternProperties }: SchemaNode): string {
  if (properties) return `{ ${Object.keys(properties).join(", ")} }`
  const [value] = Object.values(patternProperties ?? {})
  return value ? `map of text to ${formOf(value)}` : "object"
}

function textLimits({ pattern, format, minLength, maxLength }: SchemaNode): string {
  if (format !== undefined) return ` (${format})`
  return pattern === undefined ? range(minLength, maxLength) : ` \`${pattern}\``
}

function range(min: number | undefined, max: number | undefined): string {
  if (min === undefined && max === undefined) return ""
  if (max === undefined || max === Number.MAX_SAFE_INTEGER)
    return min === undefined || min <= Number.MIN_SAFE_INTEGER ? "" : `, at least ${min}`
  return min === undefined || min === 0 || min === 1 ? `, at most ${max}` : `, ${min} to ${max}`
}
