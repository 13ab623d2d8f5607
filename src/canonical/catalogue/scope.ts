import { Type, type Static } from "typebox"
import { ChannelId, LocationId } from "../parts.ts"

/** The dimensions that a value may be limited to. */
export const scopeKeys = ["channel", "market", "locale", "location"] as const
/** One of these dimensions. */
export type ScopeKey = (typeof scopeKeys)[number]

/** A market: a country, or a group of customers with prices of their own. */
export const MarketId = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9-]{0,31}$",
  description: "1 to 32 letters, digits and dashes, e.g. DE",
})
/** A language, with a region where that matters. */
export const LocaleId = Type.String({
  pattern: "^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2}|-\\d{3})?$",
  description: "a language tag, e.g. de or pt-BR",
})

/** Where a value holds; a dimension that is left out means everywhere. */
export const Scope = Type.Object(
  {
    channel: Type.Optional(ChannelId),
    market: Type.Optional(MarketId),
    locale: Type.Optional(LocaleId),
    location: Type.Optional(LocationId),
  },
  { additionalProperties: false },
)
export type Scope = Static<typeof Scope>

/** A scope as one text, the same for equal scopes: `channel=shop-de;locale=de`; empty for everywhere. */
export function scopeText(scope: Scope): string {
  return scopeKeys.flatMap((key) => (scope[key] === undefined ? [] : [`${key}=${scope[key]}`])).join(";")
}

/** The dimensions of a scope that `scopeText` wrote. */
export function parseScope(text: string): Scope {
  const pairs = text === "" ? [] : text.split(";").map((pair) => pair.split("="))
  return Object.fromEntries(pairs.map(([key = "", ...value]) => [key, value.join("=")]))
}

/** Whether a value of one scope holds at a place: every dimension it names is the place's own. */
export function holdsAt(scope: Scope, place: Scope): boolean {
  return scopeKeys.every((key) => scope[key] === undefined || scope[key] === place[key])
}

/** How many dimensions a scope names; the more, the more specific. */
export function breadthOf(scope: Scope): number {
  return scopeKeys.filter((key) => scope[key] !== undefined).length
}
