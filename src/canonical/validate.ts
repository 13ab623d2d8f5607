import { Compile } from "typebox/compile"
import { Settings } from "typebox/system"
import type { Static, TSchema } from "typebox"
import { AppError, type Problem } from "../base/errors.ts"

/** Checks values against one schema; compiled once. */
export interface Validator<Value> {
  /** Every problem, with its JSON pointer; empty when the value is valid. At most 50 are listed. */
  problems(value: unknown): Problem[]
  /** Returns the typed value. Throws REQUEST_INVALID with every problem. */
  parse(value: unknown): Value
}

const problemsMax = 50

// TypeBox stops at 8 errors by default (its Settings.maxErrors). Several errors may be at one place, hence the factor.
Settings.Set({ maxErrors: 4 * problemsMax })

/** Compiles a schema. Do this once at module load, not per message. */
export function validator<Schema extends TSchema>(schema: Schema, name: string): Validator<Static<Schema>> {
  const compiled = Compile(schema)
  const problems = (value: unknown): Problem[] => {
    if (compiled.Check(value)) return []
    const seen = new Map<string, Problem>()
    for (const error of compiled.Errors(value)) {
      // The object reports an unexpected property, and so does the property's own "false" schema. One report is enough.
      if (error.keyword === "boolean") continue
      const pointer = pointerOf(error)
      if (!seen.has(`${pointer} ${error.keyword}`))
        seen.set(`${pointer} ${error.keyword}`, { pointer, message: error.message })
      if (seen.size >= problemsMax) break
    }
    return [...seen.values()]
  }
  return {
    problems,
    parse(value) {
      if (compiled.Check(value)) return value as Static<Schema>
      throw new AppError("REQUEST_INVALID", `the input is not a valid ${name}`, { problems: problems(value) })
    },
  }
}

function pointerOf(error: { instancePath: string; keyword: string; params: object }): string {
  const named = "additionalProperties" in error.params ? error.params.additionalProperties : undefined
  const missing = "requiredProperties" in error.params ? error.params.requiredProperties : undefined
  const property = Array.isArray(named) ? named[0] : Array.isArray(missing) ? missing[0] : undefined
  return typeof property === "string"
    ? `${error.instancePath}/${property.replaceAll("~", "~0").replaceAll("/", "~1")}`
    : error.instancePath
}
