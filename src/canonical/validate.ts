import { Compile } from "typebox/compile"
import { Settings } from "typebox/system"
import type { Static, TSchema } from "typebox"
import { AppError, type Problem } from "../base/errors.ts"
import { UnreadRow } from "../base/json/unread-row.ts"
import { problemsOf } from "./problem-words.ts"

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
    if (value instanceof UnreadRow) return [...value.problems]
    return compiled.Check(value) ? [] : problemsOf(schema, compiled.Errors(value)).slice(0, problemsMax)
  }
  return {
    problems,
    parse(value) {
      if (!(value instanceof UnreadRow) && compiled.Check(value)) return value as Static<Schema>
      throw new AppError("REQUEST_INVALID", `the input is not a valid ${name}`, { problems: problems(value) })
    },
  }
}
