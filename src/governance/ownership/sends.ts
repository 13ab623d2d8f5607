import type { Scope } from "../../canonical/catalogue/scope.ts"
import type { OwnedField, Ownership } from "./own.ts"
import { ownerOf } from "./resolve.ts"

/** The rule by which a system gets a field at a place; undefined where it does not: what a system owns, or nobody sends it, is not written. */
export function ruleThatSends(
  rules: readonly Ownership[],
  { field, scope, to }: { field: OwnedField; scope: Scope; to: string },
): Ownership | undefined {
  const rule = ownerOf(rules, field, scope)
  return rule?.to?.includes(to) ? rule : undefined
}
