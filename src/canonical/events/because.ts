import { Type, type Static } from "typebox"
import { errorCatalogue, type Problem } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { cut, storable } from "../../base/text.ts"
import { entity } from "../parts.ts"

/**
 * What cases have in common, as fields: people are shown one group for one cause. `value` is the one thing that tells cases of a cause
 * apart, e.g. a missing article; never a text, an amount, a time, or anything about a customer.
 */
export const Because = entity("Because", {
  kind: Type.Enum(["outage", "data", "flow"], {
    description: "a system is away; something is wrong with a value; the work itself cannot go on",
  }),
  connection: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  operation: Type.Optional(Type.String({ minLength: 1, maxLength: 120, description: "the step, or what was read" })),
  code: Type.Optional(Type.String({ minLength: 1, maxLength: 64 })),
  field: Type.Optional(
    Type.String({ minLength: 1, maxLength: 256, description: "a pointer with `*` for the places of lists" }),
  ),
  value: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
})

/** See the schema. */
export type Because = Static<typeof Because>

/** What an error and its like have in common. */
export function becauseOf(
  { code, problems = [] }: { code: string; problems?: readonly Problem[] },
  { connection, operation, value }: { connection?: string | undefined; operation?: string; value?: string },
): Because {
  const [first] = problems
  return {
    kind: kindOf(code),
    ...(connection === undefined ? {} : { connection }),
    ...(operation === undefined || operation === "" ? {} : { operation: cut(storable(operation), 120) }),
    code,
    ...(first === undefined || first.pointer === "" ? {} : { field: fieldOf(first.pointer) }),
    ...(value === undefined || value === "" ? {} : { value: cut(storable(value), 200) }),
  }
}

/** A pointer as it is the same in every list's place, and in every object whose members are named by ids. */
export function fieldOf(pointer: string): string {
  return cut(storable(pointer.replaceAll(/(?<=^|[/:])\d+(?=$|[/:])/g, "*").replaceAll(/\d{4,}/g, "*")), 256)
}

function kindOf(code: string): Because["kind"] {
  const kind = own(errorCatalogue, code)?.kind
  if (kind === "unavailable" || kind === "uncertain") return "outage"
  return kind === "defect" ? "flow" : "data"
}
