import type { StepId } from "../../effects/step-rows.ts"

/**
 * What a step is called: one of the names its workflow declares, alone or with the part that tells its repeats apart
 * ("capture payment" of one tender).
 */
export type StepName = string | StepId

/** One of several steps of a name; the parts say which. */
export function part(step: string, ...parts: readonly string[]): StepId {
  return { step, part: parts.join(":") }
}

/** The columns of a step's name. Text may hold the part behind `#`. */
export function stepId(name: StepName): StepId {
  if (typeof name !== "string") return name
  const at = name.indexOf("#")
  return at < 0 ? { step: name, part: "" } : { step: name.slice(0, at), part: name.slice(at + 1) }
}
