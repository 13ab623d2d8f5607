import type { TObject, TSchema } from "typebox"

/** Something that an action or an operation needs to know from a person, so that a form can be drawn for it. */
export interface Ask {
  /** The member of the request. */
  name: string
  /** Its label, for people. */
  says: string
  takes: "text" | "day" | "moment" | "number" | "choice" | "list"
  /** Of a choice. */
  choices?: readonly string[]
  isNeeded: boolean
  /** What it is when it is left out. */
  default?: string
}

/** What a schema asks for, member by member. Descriptions are the labels. */
export function asksOf(schema: TObject): Ask[] {
  const needed = new Set(schema.required)
  return Object.entries<TSchema>(schema.properties).map(([name, property]) => {
    const { description, enum: choices, default: standard } = property as Described
    return {
      name,
      says: description ?? name,
      takes: takenBy(property as Described),
      ...(choices ? { choices } : {}),
      isNeeded: needed.has(name),
      ...(standard === undefined ? {} : { default: String(standard) }),
    }
  })
}

interface Described {
  type?: string
  pattern?: string
  format?: string
  description?: string
  enum?: string[]
  default?: unknown
}

/** The pattern of a day, `YYYY-MM-DD`. */
export const dayPattern = "^\\d{4}-\\d{2}-\\d{2}$"

function takenBy({ type, pattern, format, enum: choices }: Described): Ask["takes"] {
  if (choices) return "choice"
  if (type === "array") return "list"
  if (type === "integer" || type === "number") return "number"
  if (pattern === dayPattern) return "day"
  return format === "date-time" || pattern?.includes("T") ? "moment" : "text"
}
