import { scopeKeys, type Scope, type ScopeKey } from "../../canonical/catalogue/scope.ts"
import { ruleName, type FieldPattern, type OwnedField, type Ownership, type ScopePattern } from "./own.ts"

/** The rule that counts for a field in a scope; undefined where nobody owns it. The same for the same rules in any order. */
export function ownerOf(rules: readonly Ownership[], field: OwnedField, scope: Scope): Ownership | undefined {
  let best: Ownership | undefined
  for (const rule of rules)
    if (coversField(rule.field, field) && coversScope(rule.scope, scope) && (!best || bySpecificity(rule, best) < 0))
      best = rule
  return best
}

/** Whether a pattern names a field. */
export function coversField(pattern: FieldPattern, field: OwnedField): boolean {
  return pattern === field || (pattern.endsWith(".*") && field.startsWith(pattern.slice(0, -1)))
}

function coversScope(pattern: ScopePattern, scope: Scope): boolean {
  return scopeKeys.every((key) => {
    const wanted = pattern[key]
    const value = scope[key]
    if (wanted === undefined) return true
    return value !== undefined && fits(wanted, value)
  })
}

function fits(pattern: string, value: string): boolean {
  return pattern.endsWith("*") ? value.startsWith(pattern.slice(0, -1)) : pattern === value
}

/** How specific a rule is; the first number that differs decides. */
function specificityOf({ field, scope }: Ownership): readonly number[] {
  const values = scopeKeys.flatMap((key) => scope[key] ?? [])
  return [values.length, field.endsWith("*") ? 0 : 1, values.filter((value) => !value.endsWith("*")).length]
}

/** Of two equally specific rules one may still be a part of the other, `store-1*` of `store-*`: its patterns are longer. */
const lettersOf = ({ scope }: Ownership) => Object.values(scope).join("").length

/** The more specific rule first; equal ones by name, so that an order of the list never decides. */
function bySpecificity(one: Ownership, other: Ownership): number {
  const [left, right] = [
    [...specificityOf(one), lettersOf(one)],
    [...specificityOf(other), lettersOf(other)],
  ]
  const differing = left.findIndex((value, place) => value !== right[place])
  if (differing !== -1) return (right[differing] ?? 0) - (left[differing] ?? 0)
  return ruleName(one) < ruleName(other) ? -1 : 1
}

/** Whether two rules are equally specific and there is a value that both cover, so that nobody could say which counts. */
export function tie(one: Ownership, other: Ownership): boolean {
  const [left, right] = [specificityOf(one), specificityOf(other)]
  if (left.some((value, place) => value !== right[place])) return false
  const meet = fieldsMeet(one.field, other.field) && scopeKeys.every((key) => valuesMeet(one.scope, other.scope, key))
  return meet && !(isPart(one, other) || isPart(other, one))
}

/** Whether all that one rule covers is a true part of what the other covers. */
function isPart(one: Ownership, other: Ownership): boolean {
  const within = (key: ScopeKey) => {
    const [inner, outer] = [one.scope[key], other.scope[key]]
    if (inner === undefined || outer === undefined) return inner === outer
    return inner === outer || (outer.endsWith("*") && inner.startsWith(outer.slice(0, -1)))
  }
  return scopeKeys.every(within) && lettersOf(one) > lettersOf(other)
}

function fieldsMeet(one: FieldPattern, other: FieldPattern): boolean {
  return one === other || coversField(one, other as OwnedField) || coversField(other, one as OwnedField)
}

function valuesMeet(one: ScopePattern, other: ScopePattern, key: ScopeKey): boolean {
  const [left, right] = [one[key], other[key]]
  if (left === undefined || right === undefined) return true
  const [short, long] = [left.replace(/\*$/, ""), right.replace(/\*$/, "")].sort((a, b) => a.length - b.length)
  if (left.endsWith("*") && right.endsWith("*")) return (long ?? "").startsWith(short ?? "")
  return fits(left, right) || fits(right, left)
}
