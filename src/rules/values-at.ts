import { epochMs, type Instant } from "../base/time.ts"
import { breadthOf, holdsAt, scopeText, type Scope } from "../canonical/catalogue/scope.ts"

/** A value of a field of a product, and where it holds. */
export interface PlacedValue {
  field: string
  scope: Scope
  /** Absent: cleared on purpose. */
  value?: unknown
  layer: "owned" | "override"
  /** Of an override. */
  until?: Instant
}

/** Values without those that an override stands before, and without overrides that have lapsed. */
export function standing<Value extends PlacedValue>(values: readonly Value[], nowMs: number): Value[] {
  const live = values.filter(({ layer, until }) => layer === "owned" || (until !== undefined && nowMs < epochMs(until)))
  const keyOf = ({ field, scope }: Value) => `${field} ${scopeText(scope)}`
  const overridden = new Set(live.filter(({ layer }) => layer === "override").map(keyOf))
  return live.filter((value) => value.layer === "override" || !overridden.has(keyOf(value)))
}

/**
 * The value of every field at a place: of those that hold there the one with the narrowest scope. A field that was cleared at a place
 * is empty there, although it has a value everywhere else; one that nobody set is not in the result.
 */
export function valuesAt<Value extends PlacedValue>(values: readonly Value[], place: Scope, nowMs: number): Value[] {
  const byField = Map.groupBy(
    standing(values, nowMs).filter(({ scope }) => holdsAt(scope, place)),
    ({ field }) => field,
  )
  return [...byField.values()].flatMap((of) => {
    // Of equally narrow scopes the first by text: `channel` before `locale` before `market`.
    const [best] = of.sort(
      (a, b) => breadthOf(b.scope) - breadthOf(a.scope) || (scopeText(a.scope) < scopeText(b.scope) ? -1 : 1),
    )
    return best ? [best] : []
  })
}
