import { epochMs } from "../base/time.ts"
import { breadthOf, holdsAt, scopeText, type Scope } from "../canonical/catalogue/scope.ts"
import type { KeptValue } from "./products.ts"

/** Values without those that an override stands before, and without overrides that have lapsed. */
export function standing(values: readonly KeptValue[], nowMs: number): KeptValue[] {
  const live = values.filter(({ layer, until }) => layer === "owned" || (until !== undefined && nowMs < epochMs(until)))
  const keyOf = ({ field, scope }: KeptValue) => `${field} ${scopeText(scope)}`
  const overridden = new Set(live.filter(({ layer }) => layer === "override").map(keyOf))
  return live.filter((value) => value.layer === "override" || !overridden.has(keyOf(value)))
}

/**
 * The value of every field at a place: of those that hold there the one with the narrowest scope. A field that was cleared at a place
 * is empty there, although it has a value everywhere else; one that nobody set is not in the result.
 */
export function valuesAt(values: readonly KeptValue[], place: Scope, nowMs: number): KeptValue[] {
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

/** What a channel needs of a product before it is complete. */
export interface Completeness {
  channel?: string
  locale?: string
  missing: string[]
  isComplete: boolean
}

/** Whether a product has what a channel and a language need; each by itself (PUBLISHING 20). */
export function completenessOf(
  values: readonly KeptValue[],
  needs: readonly { channel?: string; locale?: string; fields: readonly string[] }[],
  nowMs: number,
): Completeness[] {
  return needs.map(({ channel, locale, fields }) => {
    const place = { ...(channel === undefined ? {} : { channel }), ...(locale === undefined ? {} : { locale }) }
    const there = new Set(
      valuesAt(values, place, nowMs)
        .filter(({ value }) => value !== undefined)
        .map(({ field }) => field as string),
    )
    const missing = fields.filter((field) => !there.has(field))
    return { ...place, missing, isComplete: missing.length === 0 }
  })
}
