/**
 * The beginning of a text, at most so many UTF-16 units. A character beyond U+FFFF (an emoji) is kept whole or left out: half of
 * one is no text, and PostgreSQL refuses it.
 */
export function cut(text: string, lengthMax: number): string {
  const isHalf = text.length > lengthMax && /[\uD800-\uDBFF]/.test(text.charAt(lengthMax - 1))
  return text.slice(0, isHalf ? lengthMax - 1 : lengthMax)
}

/** Text for people that PostgreSQL takes: another system's words may quote U+0000 or half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD")
}
