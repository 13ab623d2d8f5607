import { Type, type Static } from "typebox"
import type { Problem } from "../../base/errors.ts"
import { entity, InstantText } from "../parts.ts"
import { validator, type Validator } from "../validate.ts"
import { isProductField, productFields, type ProductFieldName } from "./product.ts"
import { Scope } from "./scope.ts"

/** One field of a product: set or cleared, in one scope. The fields that are not named stay untouched. */
export const FieldChange = Type.Refine(
  entity("Field change", {
    field: Type.Enum(Object.keys(productFields) as ProductFieldName[]),
    scope: Type.Optional(Scope),
    set: Type.Optional(Type.Unknown()),
    clear: Type.Optional(Type.Literal(true)),
  }),
  (change) => (change.set === undefined) !== (change.clear === undefined),
  () => "takes either `set` or `clear`",
)
export type FieldChange = Static<typeof FieldChange>

/** The most changes that one write of a product makes. */
export const changesMax = 500

/** A declared deviation from what the owner says, with its end. */
export const Override = entity("Override", {
  until: InstantText,
  reason: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
})
export type Override = Static<typeof Override>

const validators = new Map<ProductFieldName, Validator<unknown>>()

const scopes = validator(Scope, "scope")

/** Every problem of a field's value, and of its scope. */
export function fieldProblems({ field, scope = {}, set, clear }: FieldChange): Problem[] {
  if (!isProductField(field)) return [{ pointer: "/field", message: `there is no field ${String(field)}` }]
  const { by, schema } = productFields[field]
  const allowed: readonly string[] = by
  const strange = Object.keys(scope).filter((key) => !allowed.includes(key))
  const wrongScope = strange.map((key) => ({
    pointer: `/scope/${key}`,
    message:
      allowed.length === 0 ? `${field} is the same everywhere` : `${field} differs only by ${allowed.join(", ")}`,
  }))
  if (wrongScope.length === 0)
    wrongScope.push(...scopes.problems(scope).map((one) => ({ ...one, pointer: `/scope${one.pointer}` })))
  if (clear) return wrongScope
  const known = validators.get(field) ?? validator(schema, field)
  validators.set(field, known)
  return [...wrongScope, ...known.problems(set).map((one) => ({ ...one, pointer: `/set${one.pointer}` }))]
}
