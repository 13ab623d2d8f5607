import { editDistance } from "../../base/text.ts"

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
