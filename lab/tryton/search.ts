// Domains and fields of Tryton's `search_read` and `read`, as its server documentation has them (topics/domain).

export type Row = Record<string, unknown>
/** The record, or the records, that a value of a field stands for; undefined where the lab keeps none of that kind. */
export type Follow = (row: Row, field: string) => Row | Row[] | undefined

/** The record of an id, where there is one. */
export function rowsAt(table: ReadonlyMap<number, Row> | undefined, id: unknown): Row[] {
  const row = table?.get(Number(id))
  return row ? [row] : []
}

/** An error that is no error of the user: `["'nonsense'", ""]`, as for a field that does not exist. */
export class Unknown extends Error {}

/** Whether a row fits a domain: clauses that all hold, or one of them after "OR". */
function fits(row: Row, domain: unknown, follow: Follow): boolean {
  if (!Array.isArray(domain)) throw new Unknown(`'${String(domain)}'`)
  const [first, ...rest] = domain as unknown[]
  if (first === undefined) return true
  if (first === "OR") return rest.some((part) => fits(row, part, follow))
  if (first === "AND") return rest.every((part) => fits(row, part, follow))
  if (typeof first === "string") return holds(row, domain as [string, string, unknown], follow)
  return domain.every((part) => fits(row, part, follow))
}

/** Of a field with many records one that fits is enough. */
function holds(row: Row, [field, operator, wanted]: [string, string, unknown], follow: Follow): boolean {
  return valuesOf(row, field, follow).some((value) => holdsFor(comparable(value), operator, wanted))
}

function holdsFor(value: Plain, operator: string, wanted: unknown): boolean {
  const others = Array.isArray(wanted) ? wanted.map(comparable) : []
  const other = comparable(wanted)
  if (operator === "=") return value === other
  if (operator === "!=") return value !== other
  if (operator === "in") return others.includes(value)
  // Nothing is neither before nor after anything, as in SQL.
  if (value === null || other === null) return false
  if (operator === ">") return value > other
  if (operator === ">=") return value >= other
  throw new Unknown(`the lab does not search by '${operator}'`)
}

type Plain = string | number | boolean | null

function comparable(value: unknown): Plain {
  if (typeof value === "object" && value !== null) return momentText(value as Row)
  return (value ?? null) as Plain
}

/** A date or a moment as text that sorts like it. */
function momentText(value: Row): string {
  return ["year", "month", "day", "hour", "minute", "second", "microsecond"]
    .map((part) => String(Number(value[part] ?? 0)).padStart(6, "0"))
    .join("-")
}

const valueOf = (row: Row, field: string, follow: Follow): unknown => valuesOf(row, field, follow)[0] ?? null

function valuesOf(row: Row, field: string, follow: Follow): unknown[] {
  const [name = "", ...rest] = field.split(".")
  if (!(name in row)) throw new Unknown(`'${name}'`)
  if (rest.length === 0) return [row[name]]
  const next = follow(row, name) ?? []
  const rows = Array.isArray(next) ? next : [next]
  return rows.length === 0 ? [null] : rows.flatMap((one) => valuesOf(one, rest.join("."), follow))
}

/**
 * A domain with what the server adds for records that can be deactivated: active ones only, in every part of it that does not speak of
 * `active` itself (trytond model/modelstorage.py, `_search_domain_active`, 6.0).
 */
export function activeOnly(domain: unknown): unknown {
  const [first] = domain as unknown[]
  if (typeof first === "string" && first !== "OR" && first !== "AND") return domain
  const parts = (domain as unknown[]).map((part) => (Array.isArray(part) && !isLeaf(part) ? activeOnly(part) : part))
  if (parts.some((part) => Array.isArray(part) && part[0] === "active")) return parts
  const active = ["active", "=", true]
  return parts[0] === "OR" ? ["AND", parts, active] : [...parts, active]
}

const isLeaf = ([first]: unknown[]): boolean => typeof first === "string" && first !== "OR" && first !== "AND"

/** The fields of a row, with its id always; `sale.reference` comes in an object `sale.` of its own. */
export function picked(row: Row, fields: readonly string[], follow: Follow): Row {
  const answer: Row = { id: row["id"] }
  for (const field of fields) {
    const [name = "", ...rest] = field.split(".")
    if (rest.length === 0) answer[name] = valueOf(row, name, follow) ?? null
    else {
      if (!(name in row)) throw new Unknown(`'${name}'`)
      const next = follow(row, name)
      const wanted = fields.flatMap((one) => (one.startsWith(`${name}.`) ? [one.slice(name.length + 1)] : []))
      const of = (one: Row) => picked(one, wanted, follow)
      answer[`${name}.`] = next ? (Array.isArray(next) ? next.map(of) : of(next)) : null
    }
  }
  return answer
}

/** Rows that fit, sorted and cut as asked. */
export function searched(rows: Iterable<Row>, params: readonly unknown[], follow: Follow): Row[] {
  const [domain, offset, limit, order, fields] = params as [
    unknown,
    number,
    number | null,
    [string, string][],
    string[],
  ]
  const found = [...rows].filter((row) => fits(row, domain, follow))
  for (const [field, way] of (order ?? []).toReversed())
    found.sort((a, b) => {
      const [one, other] = [comparable(valueOf(a, field, follow)), comparable(valueOf(b, field, follow))]
      const sign = one === other ? 0 : (one ?? "") < (other ?? "") ? -1 : 1
      return way === "DESC" ? -sign : sign
    })
  return found.slice(offset, limit === null ? undefined : offset + limit).map((row) => picked(row, fields, follow))
}
