import { AppError } from "../errors.ts"

/**
 * Array types by the type of their elements. PostgreSQL's own catalogue fixes these numbers
 * (src/include/catalog/pg_type.dat), so they need no query.
 */
export const arrayTypes = {
  boolean: { element: 16, array: 1000 },
  bytea: { element: 17, array: 1001 },
  bigint: { element: 20, array: 1016 },
  smallint: { element: 21, array: 1005 },
  integer: { element: 23, array: 1007 },
  text: { element: 25, array: 1009 },
  oid: { element: 26, array: 1028 },
  json: { element: 114, array: 199 },
  real: { element: 700, array: 1021 },
  double: { element: 701, array: 1022 },
  varchar: { element: 1043, array: 1015 },
  date: { element: 1082, array: 1182 },
  timestamp: { element: 1114, array: 1115 },
  timestamptz: { element: 1184, array: 1185 },
  numeric: { element: 1700, array: 1231 },
  uuid: { element: 2950, array: 2951 },
  jsonb: { element: 3802, array: 3807 },
  xid8: { element: 5069, array: 271 },
} as const

/** Writes an array as a PostgreSQL literal; text that is already an array literal is returned unchanged. */
export function writeArray(values: unknown, writeElement: (value: unknown) => string): string {
  if (!Array.isArray(values)) return String(values)
  const elements = values.map((value: unknown) => {
    if (Array.isArray(value)) return writeArray(value, writeElement)
    if (value === null) return "NULL"
    if (value === undefined) throw new AppError("INVARIANT_BROKEN", "an array for the database holds undefined")
    return `"${writeElement(value).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`
  })
  return `{${elements.join(",")}}`
}

/** Reads an array literal as PostgreSQL writes it (documentation, 8.15.6), nested ones too. */
export function readArray(text: string, readElement: (value: string) => unknown): unknown[] {
  const [, ...levels]: unknown[][] = [[]]
  let outermost: unknown[] = []
  // The literal of an array with lower bounds other than 1 begins with them: [0:1]={1,2}
  let at = text.indexOf("{")
  const add = (value: unknown) => levels.at(-1)?.push(value)
  while (at < text.length) {
    const character = text[at]
    if (character === "{") {
      const level: unknown[] = []
      if (levels.length === 0) outermost = level
      else add(level)
      levels.push(level)
      at += 1
    } else if (character === "}") {
      levels.pop()
      at += 1
    } else if (character === ",") at += 1
    else if (character === '"') {
      const { value, end } = readQuoted(text, at)
      add(readElement(value))
      at = end
    } else {
      const end = at + text.slice(at).search(/[,}]/)
      const value = text.slice(at, end)
      add(value === "NULL" ? null : readElement(value))
      at = end
    }
  }
  return outermost
}

function readQuoted(text: string, start: number): { value: string; end: number } {
  let value = ""
  let at = start + 1
  while (text[at] !== '"') {
    if (text[at] === "\\") at += 1
    value += text[at]
    at += 1
  }
  return { value, end: at + 1 }
}
