/**
 * The beginning of a text, at most so many characters. A character is a Unicode code point, as JSON Schema and PostgreSQL count: an
 * emoji is one, although JavaScript holds it as two units, and it is kept whole or left out.
 */
export function cut(text: string, lengthMax: number): string {
  if (text.length <= lengthMax) return text
  let end = 0
  for (let count = 0; count < lengthMax && end < text.length; count += 1)
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1
  return text.slice(0, end)
}

/** Text for people that PostgreSQL takes: another system's words may quote U+0000 or half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD")
}
