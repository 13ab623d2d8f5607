/** The parts of a JSON Schema that settings of connections use. */
export interface SchemaNode {
  type?: string
  const?: unknown
  enum?: readonly unknown[]
  anyOf?: readonly SchemaNode[]
  properties?: Readonly<Record<string, SchemaNode>>
  required?: readonly string[]
  patternProperties?: Readonly<Record<string, SchemaNode>>
  items?: SchemaNode
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  description?: string
  title?: string
}

/**
 * Some value for a schema, so that a connector can be connected to nothing and asked what it can do. Optional settings are
 * left out; texts with a pattern or a format get one that usually fits.
 */
export function sampleValue(schema: SchemaNode): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf?.[0]) return sampleValue(schema.anyOf[0])
  if (schema.type === "array")
    return Array.from({ length: schema.minItems ?? 0 }, () => sampleValue(schema.items ?? {}))
  if (schema.type === "object") {
    const required = Object.entries(schema.properties ?? {}).filter(([name]) => schema.required?.includes(name))
    return Object.fromEntries(required.map(([name, property]) => [name, sampleValue(property)]))
  }
  if (schema.type === "integer" || schema.type === "number") return schema.minimum ?? 1
  if (schema.type === "boolean") return false
  return sampleText(schema)
}

function sampleText({ format, pattern, minLength = 1, maxLength = 64, description = "" }: SchemaNode): string {
  if (format === "uri") return "https://system.example.com"
  if (format === "email") return "shop@example.com"
  if (pattern === "^[A-Z]{3}$") return "EUR"
  if (pattern === "^[A-Z]{2}$") return "DE"
  if (description.includes("whsec_")) return "whsec_c2FtcGxlc2FtcGxlc2FtcGxlc2FtcGxl"
  return "sample".repeat(Math.ceil(minLength / 6)).slice(0, Math.max(minLength, Math.min(6, maxLength)))
}
