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

const addressPart = '[^\\s@<>()\\[\\],;:"\\\\\\u0000-\\u001f\\u007f]+'
const mailAddress = new RegExp(`^${addressPart}@${addressPart}$`)

/**
 * Whether a text is one mail address and nothing else: no second one, no name, no line break. Quoted local parts (RFC 5321, 4.1.2)
 * and addresses without a domain are refused.
 */
export function isMailAddress(text: string): boolean {
  return text.length <= 254 && mailAddress.test(text)
}

/** `createdAt` as `created_at`. */
export function snakeCase(name: string): string {
  const known = snakes.get(name) ?? name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
  snakes.set(name, known)
  return known
}

/** Only names that code spells out come here: a few hundred. */
const snakes = new Map<string, string>()

/** Text for people that PostgreSQL takes: another system's words may quote U+0000 or half a surrogate pair. */
export function storable(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "\uFFFD")
}

/** How many characters to insert, leave out or replace to make one text the other (Levenshtein). */
export function editDistance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, n) => n)
  for (let i = 1; i <= one.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= other.length; j += 1) {
      const replaced = (row[j - 1] ?? 0) + (one[i - 1] === other[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row.at(-1) ?? 0
}
