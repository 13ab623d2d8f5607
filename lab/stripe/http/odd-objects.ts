import type { Random } from "../../random.ts"

/** How often an object is odd, and from which stream of decisions. */
export type Oddness = { share: number; random: Random }

// What a later version adds or leaves empty, and words that it has then; nothing depends on any of them.
const later: Readonly<Record<string, Record<string, unknown>>> = {
  payment_intent: { confirmation_method: "by_robot", payment_method_options: null },
  charge: { outcome: null },
  refund: { reason: "regulation" },
  dispute: { reason: "regulation" },
}
const newFields = { settlement_plan: { id: "sp_1", parts: [] }, is_new: null }

/**
 * What Stripe does to its objects without notice: new fields, new words, null where the types allow it, and another object whole
 * instead of its id. A reader that demands more than the types guarantee fails here.
 */
export function oddObject(value: unknown, odd: Oddness): unknown {
  if (Array.isArray(value)) return value.map((one) => oddObject(one, odd))
  if (typeof value !== "object" || value === null) return value
  const inner = Object.fromEntries(Object.entries(value).map(([key, one]) => [key, oddObject(one, odd)]))
  const { object, payment_intent: intent } = inner
  const changes = typeof object === "string" && Object.hasOwn(later, object) ? later[object] : undefined
  if (!changes || !odd.random.chance(odd.share)) return inner
  const isNamed = (object === "refund" || object === "dispute") && typeof intent === "string"
  const whole = isNamed && odd.random.chance(0.5) ? { payment_intent: { id: intent, object: "payment_intent" } } : {}
  return { ...inner, ...changes, ...newFields, ...whole }
}

/** The type of an event that came with a later version, for whoever hears all types. */
export const laterEventType = (object: Record<string, unknown>): string => `${String(object["object"])}.looked_at`
