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

/**
 * The text with what may be the number of a payment card cut to its last four digits: 12 to 19 digits, in groups by a blank or a dash or in one,
 * whose check digit is right (ISO/IEC 7812-1, annex B). Of other numbers one in ten is taken for one.
 */
export function withoutCardNumbers(text: string): string {
  return text.replaceAll(/\d+(?:[ -]\d+)*/g, (run) => {
    if (run.length < 12) return run
    // Digits, and what is between them, by turns.
    const parts = run.split(/([ -])/)
    const kept: string[] = []
    for (let from = 0; from < parts.length;) {
      const to = cardEnd(parts, from)
      kept.push(
        to === undefined ? (parts[from] ?? "") : `…${parts.slice(from, to).join("").replaceAll(/\D/g, "").slice(-4)}`,
      )
      from = to ?? from + 1
    }
    return kept.join("")
  })
}

/** Where the number of a card ends that begins with these digits. */
function cardEnd(parts: readonly string[], from: number): number | undefined {
  let digits = ""
  for (let at = from; at < parts.length && digits.length < 19; at += 2) {
    digits += parts[at] ?? ""
    if (digits.length >= 12 && digits.length <= 19 && hasCheckDigit(digits)) return at + 1
  }
  return undefined
}

function hasCheckDigit(digits: string): boolean {
  const sum = [...digits].reverse().reduce((total, digit, n) => {
    const value = Number(digit) * (n % 2 === 0 ? 1 : 2)
    return total + (value > 9 ? value - 9 : value)
  }, 0)
  return sum % 10 === 0
}
