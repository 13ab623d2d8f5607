import { notFound } from "./error.ts"
import type { Condition, Fields } from "./filter.ts"

/** One row of an entity set with the rows that hang from it. */
export type Entity = {
  set: EntitySet
  fields: Fields
  /** Child rows by navigation property; all of them collections. */
  children: Record<string, Entity[]>
  /** Changes with every write; what ETags are made of. */
  version: { ms: number }
}

export type SetDefinition = {
  service: string
  name: string
  /** Stored without leading zeros (conversion exit ALPHA): `0000000042` and `42` are one document. */
  keys: readonly string[]
  /** The field its ETag is made of (ConcurrencyMode "Fixed" in the vendor's metadata). Most sets have none. */
  etag?: "LastChangeDateTime" | "DeliveryVersion"
  indexes?: readonly string[]
  /** Names that exist, where requests for others are refused: in `$filter`, `$select` and bodies. */
  fields?: readonly string[]
  /** Names that no `$filter` may have. */
  unfilterable?: readonly string[]
}

/** Writes rows late: `read` gets the requested value of `field`, or nothing when all rows are requested. */
export type Filler = { field: string; read(value: string | undefined): void }

/** A table of entities with the indexes its look-ups need. */
export class EntitySet {
  readonly definition: SetDefinition
  readonly #rows = new Map<string, Entity>()
  readonly #indexes = new Map<string, Map<string, Set<Entity>>>()

  #filler: Filler | undefined

  constructor(definition: SetDefinition) {
    this.definition = definition
    for (const field of definition.indexes ?? []) this.#indexes.set(field, new Map())
  }

  /** Sets a function that writes rows just before they are read. */
  beforeRead(filler: Filler): void {
    this.#filler = filler
  }

  /** Reads without writing rows first. */
  has(key: Fields): boolean {
    return this.#rows.has(this.keyOf(key))
  }

  add(fields: Fields, version: Entity["version"]): Entity {
    const entity: Entity = { set: this, fields, children: {}, version }
    this.#rows.set(this.keyOf(fields), entity)
    for (const [field, index] of this.#indexes) {
      const value = String(fields[field] ?? "")
      const rows = index.get(value)
      if (rows === undefined) index.set(value, new Set([entity]))
      else rows.add(entity)
    }
    return entity
  }

  delete(entity: Entity): void {
    this.#rows.delete(this.keyOf(entity.fields))
    for (const [field, index] of this.#indexes) index.get(String(entity.fields[field] ?? ""))?.delete(entity)
  }

  find(key: Fields): Entity | undefined {
    this.#filler?.read(String(key[this.#filler.field] ?? ""))
    return this.#rows.get(this.keyOf(key))
  }

  get(key: Fields): Entity {
    const found = this.find(key)
    if (found === undefined) throw notFound(this.definition.name)
    return found
  }

  *query(filter: Condition | undefined): Generator<Entity> {
    const equal = filter?.equals.find(({ field }) => field === this.#filler?.field)
    this.#filler?.read(equal?.value)
    for (const entity of this.#candidates(filter)) {
      if (filter === undefined || filter.matches(entity.fields)) yield entity
    }
  }

  all(): IterableIterator<Entity> {
    this.#filler?.read(undefined)
    return this.#rows.values()
  }

  clear(): void {
    this.#rows.clear()
    for (const index of this.#indexes.values()) index.clear()
  }

  keyOf(fields: Fields): string {
    return this.definition.keys.map((key) => withoutZeros(String(fields[key] ?? ""))).join("|")
  }

  #candidates(filter: Condition | undefined): Iterable<Entity> {
    for (const { field, value } of filter?.equals ?? []) {
      const index = this.#indexes.get(field)
      if (index !== undefined) return index.get(value) ?? []
    }
    return this.#rows.values()
  }
}

/** The conversion exit ALPHA: numbers lose their leading zeros, other texts stay. */
export function withoutZeros(text: string): string {
  return /^\d+$/.test(text) ? text.replace(/^0+(?=\d)/, "") : text
}

export function dateValue(ms: number): string {
  return `/Date(${ms})/`
}

/** `W/"datetimeoffset'…'"` or `W/"'0001'"`, as Gateway makes it from a last-change or a version field. */
export function etagOf(entity: Entity): string {
  if (entity.set.definition.etag === "DeliveryVersion") return `W/"'${String(entity.fields["DeliveryVersion"])}'"`
  const stamp = new Date(entity.version.ms).toISOString().replace(/\.(\d{3})Z$/, ".$10000Z")
  return `W/"datetimeoffset'${encodeURIComponent(stamp)}'"`
}

export type Shape = {
  base: string
  expand: readonly string[]
  select: readonly string[]
  /** What a system of its own adds to a row and leaves out of it; see `odd-answers.ts`. */
  odd?: (fields: Fields) => Fields
}

/** The OData V2 JSON of a row: metadata, fields, and navigation properties expanded or deferred. */
export function render(entity: Entity, shape: Shape, path = ""): Fields {
  const { definition } = entity.set
  const uri = `${shape.base}/${definition.service}/${definition.name}(${keyPredicate(entity)})`
  const metadata: Fields = { id: uri, uri, type: `${definition.service.split(";")[0]}.${definition.name}Type` }
  if (definition.etag !== undefined) metadata["etag"] = etagOf(entity)
  const body: Fields = { __metadata: metadata }
  const fields = shape.odd === undefined ? entity.fields : shape.odd(entity.fields)
  const isSelected = (name: string): boolean =>
    shape.select.length === 0 ||
    path !== "" ||
    shape.select.some((item) => item === name || item.startsWith(`${name}/`))
  for (const [name, value] of Object.entries(fields)) if (isSelected(name)) body[name] = value
  for (const [name, rows] of Object.entries(entity.children)) {
    if (!isSelected(name)) continue
    const fullPath = path === "" ? name : `${path}/${name}`
    const isExpanded = shape.expand.some((item) => item === fullPath || item.startsWith(`${fullPath}/`))
    body[name] = isExpanded
      ? { results: rows.map((row) => render(row, shape, fullPath)) }
      : { __deferred: { uri: `${uri}/${name}` } }
  }
  return body
}

function keyPredicate(entity: Entity): string {
  const { keys } = entity.set.definition
  const literal = (key: string): string => `'${String(entity.fields[key] ?? "").replaceAll("'", "''")}'`
  const [only] = keys
  if (keys.length === 1 && only !== undefined) return literal(only)
  return keys.map((key) => `${key}=${literal(key)}`).join(",")
}
