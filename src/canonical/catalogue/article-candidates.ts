import { editDistance } from "../../base/text.ts"

/** A SKU that an unknown article may be. It is a hint for a person and decides nothing (P-24). */
export interface ArticleCandidate {
  sku: string
  /** The code on the goods, a GTIN of 14 digits, under which the catalogue has the SKU. Absent: the SKU only looks like the article. */
  barcode?: string
  /** The SKU never had stock: no article can be mapped to it until its stock is told. */
  hasNoStock?: true
}

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

/** Candidates as people read them: `TEE-M by its barcode 04006381333931 or TEE-L`; empty when there are none. */
export function candidatesText(candidates: readonly ArticleCandidate[]): string {
  return candidates
    .map(({ sku, barcode, hasNoStock }) => {
      const by = barcode === undefined ? "" : ` by its barcode ${barcode}`
      return `${sku}${by}${hasNoStock ? ", which never had stock" : ""}`
    })
    .join(" or ")
}
