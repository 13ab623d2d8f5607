import type { TSchema } from "typebox"
import { own } from "../base/lookup.ts"
import type { Problem } from "../base/errors.ts"

/** An error of the schema library. */
export interface SchemaError {
  keyword: string
  schemaPath: string
  instancePath: string
  params: object
  message: string
}

/** Longer lists (all currencies) would hide the other problems. */
const listedMax = 60

/**
 * The problems that the errors of a schema come to, in words for the sender: each place once, allowed values listed, and of a
 * choice between shapes only the problems of the shape that was meant.
 */
export function problemsOf(schema: TSchema, errors: readonly SchemaError[]): Problem[] {
  const seen = new Map<string, Problem>()
  for (const error of settleUnions(errors)) {
    // The object reports an unexpected property, and so does the property's own "false" schema. One report is enough.
    if (error.keyword === "boolean") continue
    for (const pointer of pointersOf(error)) {
      // A refinement says nothing new about a value whose type or pattern is wrong already.
      if (error.keyword === "~refine" && [...seen.values()].some((problem) => problem.pointer === pointer)) continue
      const key = `${pointer} ${error.keyword}`
      if (!seen.has(key)) seen.set(key, { pointer, message: wordsOf(schema, error) })
    }
  }
  return [...seen.values()]
}

/** Replaces each failed choice by its one explanation, from the outermost choice inwards. */
function settleUnions(errors: readonly SchemaError[]): SchemaError[] {
  const isInside = (error: SchemaError, union: SchemaError) =>
    error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`) && isBelow(error.instancePath, union.instancePath)
  const unions = errors.filter(({ keyword }) => keyword === "anyOf")
  const outermost = unions.filter((union) => !unions.some((other) => isInside(union, other)))
  if (outermost.length === 0) return [...errors]
  const rest = errors.filter((error) => !outermost.some((union) => error === union || isInside(error, union)))
  const settled = outermost.flatMap((union) =>
    settleUnion(
      union,
      errors.filter((error) => isInside(error, union)),
    ),
  )
  return [...rest, ...settled]
}

function settleUnion(union: SchemaError, inside: readonly SchemaError[]): SchemaError[] {
  const prefix = `${union.schemaPath}/anyOf/`
  const branches = [
    ...Map.groupBy(inside, ({ schemaPath }) => schemaPath.slice(prefix.length).split("/", 1)[0]).values(),
  ]
  const isHere = ({ instancePath }: SchemaError) => instancePath === union.instancePath
  const isWrongKind = (error: SchemaError) => isHere(error) && ["type", "const", "enum"].includes(error.keyword)
  // A shape names itself by a constant of one of its members: { "method": "pickup" }.
  const isOtherShape = ({ keyword, instancePath }: SchemaError) =>
    keyword === "const" && instancePath.lastIndexOf("/") === union.instancePath.length
  const meant = branches.filter((branch) => !branch.some((error) => isWrongKind(error) || isOtherShape(error)))
  const [closest] = meant.toSorted((a, b) => a.length - b.length)
  if (closest) return settleUnions(closest)
  const names = inside.filter(isOtherShape)
  const all = names.length > 0 ? names : inside.filter(isHere)
  return [oneOf(all, all[0] ?? union)]
}

function oneOf(errors: readonly SchemaError[], { instancePath, schemaPath }: SchemaError): SchemaError {
  const allowed = errors.flatMap(({ params }) => allowedIn(params))
  const types = errors.flatMap(({ keyword, params }) =>
    keyword === "type" && "type" in params ? [String(params.type)] : [],
  )
  const message =
    allowed.length > 0
      ? listed(allowed)
      : `must be ${[...new Set(types)].join(" or ") || "one of the shapes described"}`
  return { keyword: "oneOf", instancePath, schemaPath, params: {}, message }
}

function allowedIn(params: object): unknown[] {
  if ("allowedValue" in params) return [params.allowedValue]
  return "allowedValues" in params && Array.isArray(params.allowedValues) ? params.allowedValues : []
}

function listed(allowed: readonly unknown[]): string {
  const texts = [...new Set(allowed.map((value) => JSON.stringify(value)))]
  if (texts.length === 1) return `must be ${texts[0]}`
  const more = texts.length > listedMax ? ` and ${texts.length - listedMax} more` : ""
  return `must be one of ${texts.slice(0, listedMax).join(", ")}${more}`
}

function isBelow(path: string, parent: string): boolean {
  return path === parent || path.startsWith(`${parent}/`)
}

function wordsOf(schema: TSchema, error: SchemaError): string {
  const allowed = allowedIn(error.params)
  if (allowed.length > 0) return listed(allowed)
  switch (error.keyword) {
    case "required":
      return "is required"
    case "additionalProperties":
      return `is not known here; known are ${Object.keys(schemaAt(schema, error.schemaPath)?.["properties"] ?? {}).join(", ")}`
    case "pattern": {
      const description: unknown = schemaAt(schema, error.schemaPath)?.["description"]
      return typeof description === "string" ? `expected ${description}` : `expected text of the form ${pattern(error)}`
    }
    default:
      return error.message
  }
}

function pattern({ params }: SchemaError): string {
  return "pattern" in params ? String(params.pattern) : ""
}

/** The part of a schema that a path such as `#/properties/lines/items` names. */
function schemaAt(schema: TSchema, path: string): Record<string, object> | undefined {
  let part: unknown = schema
  for (const step of path.split("/").slice(1)) {
    const key = step.replaceAll("~1", "/").replaceAll("~0", "~")
    part = typeof part === "object" && part !== null ? own(part as Record<string, unknown>, key) : undefined
  }
  return part as Record<string, object> | undefined
}

/** A property that is unknown or missing is named where it stands or should stand. */
function pointersOf({ instancePath, params }: SchemaError): string[] {
  const named: unknown = "additionalProperties" in params ? params.additionalProperties : undefined
  const missing: unknown = "requiredProperties" in params ? params.requiredProperties : undefined
  const properties = [named, missing].find((one) => Array.isArray(one)) as string[] | undefined
  return (
    properties?.map((name) => `${instancePath}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`) ?? [instancePath]
  )
}
