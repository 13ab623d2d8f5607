import type { StepId } from "../../effects/step-rows.ts"

/**
 * A step's name as declared by its workflow, alone or with a part that distinguishes repeats ("capture payment" of one tender).
 */
export type StepName = string | StepId

/** A step's name with the parts that distinguish it. */
export function part(step: string, ...parts: readonly string[]): StepId {
  return { step, part: parts.join(":") }
}

/** Splits a name into step and part. A text may hold the part after `#`. */
export function stepId(name: StepName): StepId {
  if (typeof name !== "string") return name
  const at = name.indexOf("#")
  return at < 0 ? { step: name, part: "" } : { step: name.slice(0, at), part: name.slice(at + 1) }
}
