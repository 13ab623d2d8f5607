/** Letters and digits of an article number, as `article_letters` of the database has them. */
export function articleLetters(article: string): string {
  return article.toUpperCase().replaceAll(/[^\p{L}\p{N}]/gu, "")
}

/**
 * The known articles that look most like an unknown one, best first, at most `countMax`. A likeness is a hint for a person and
 * decides nothing (P-24).
 */
export function articleCandidates(article: string, known: readonly string[], countMax = 3): string[] {
  // 0042 and 42 are written for each other.
  const plain = (text: string) => articleLetters(text).replaceAll(/(?<!\d)0+(?=\d)/g, "")
  const wanted = plain(article)
  return known
    .map((sku) => ({ sku, distance: editDistance(wanted, plain(sku)) }))
    .filter(({ distance }) => distance <= Math.max(1, Math.floor(wanted.length / 3)))
    .sort((a, b) => a.distance - b.distance || (a.sku < b.sku ? -1 : 1))
    .slice(0, countMax)
    .map(({ sku }) => sku)
}

/** How many characters to insert, leave out or replace to make one text the other (Levenshtein). */
function editDistance(one: string, other: string): number {
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
