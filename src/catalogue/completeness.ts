import { valuesAt } from "../rules/values-at.ts"
import type { KeptValue } from "./products.ts"

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
