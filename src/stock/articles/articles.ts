import { AppError } from "../../base/errors.ts"
import { own } from "../../base/lookup.ts"
import { cut } from "../../base/text.ts"
import { inTransaction, storage, type Sql } from "../../base/sql.ts"
import {
  articleCandidates,
  articleLetters,
  candidatesText,
  type ArticleCandidate,
} from "../../canonical/catalogue/article-candidates.ts"
import { gtin14 } from "../../canonical/catalogue/gtin.ts"

/** What a channel calls an article that the stock knows by another SKU. */
export interface ArticleMapping {
  channel: string
  article: string
  sku: string
  setBy: string
  reason?: string
  setAt: string
}

/** Articles of a channel: those that stand for another SKU, and those that nobody knows, with SKUs that they may be. */
export interface FoundArticles {
  mapped: Record<string, string>
  unknown: { article: string; candidates: ArticleCandidate[] }[]
}

interface Change {
  channel: string
  article: string
  by: string
  reason?: string
}

/** The cause of exceptions about articles that a system does not know. */
export function causeOfUnknown(system: string): string {
  return cut(`article is unknown to ${system}`, 64)
}

const lookedAtMax = 500

/** Which articles the stock knows, and under which other names channels sell them (P-34). */
export class Articles {
  readonly #sql: Sql

  constructor(sql: Sql) {
    this.#sql = sql
  }

  /**
   * Looks articles of a channel up. A mapping that a person set counts before a SKU of the same name. `barcodes` has the GTINs on the
   * goods, of 14 digits, by article: a code that the catalogue knows makes a candidate, and never the answer.
   */
  async find(
    channel: string,
    articles: readonly string[],
    barcodes: Readonly<Record<string, readonly string[]>> = {},
  ): Promise<FoundArticles> {
    const rows = await storage(
      () => this.#sql<{ article: string; sku: string | null; is_known: boolean }[]>`
        select a.article, coalesce(m.sku, n.sku) as sku, exists (select from stock_skus s where s.sku = a.article) as is_known
        from unnest(${[...new Set(articles)]}::text[]) as a (article)
        left join article_mappings m on (m.channel, m.article) = (${channel}, a.article)
        left join article_aliases n on n.alias = a.article`,
    )
    const unknown = rows.filter(({ sku, is_known }) => sku === null && !is_known)
    return {
      mapped: Object.fromEntries(rows.flatMap(({ article, sku }) => (sku === null ? [] : [[article, sku] as const]))),
      unknown: await Promise.all(
        unknown.map(async ({ article }) => {
          return { article, candidates: await this.candidates(article, own(barcodes, article)) }
        }),
      ),
    }
  }

  /** Our SKUs of articles as systems call them; those without a mapping keep their name. */
  async ours(named: readonly { system: string; article: string }[]): Promise<string[]> {
    const rows = await storage(
      () => this.#sql<{ place: number; sku: string }[]>`
        select n.place::int - 1 as place, coalesce(m.sku, a.sku) as sku
        from unnest(${named.map(({ system }) => system)}::text[], ${named.map(({ article }) => article)}::text[])
          with ordinality as n (system, article, place)
        left join article_mappings m on (m.channel, m.article) = (n.system, n.article)
        left join article_aliases a on a.alias = n.article
        where m.sku is not null or a.sku is not null`,
    )
    const skus = new Map(rows.map(({ place, sku }) => [place, sku]))
    return named.map(({ article }, place) => skus.get(place) ?? article)
  }

  /** What a channel calls our SKUs, where people said so; of several articles the one that was named last. */
  async theirs(channel: string, skus: readonly string[]): Promise<Map<string, string>> {
    const rows = await storage(
      () => this.#sql<{ sku: string; article: string }[]>`
        select sku, article from article_mappings where channel = ${channel} and sku = any (${[...skus]}::text[]) order by set_at`,
    )
    return new Map(rows.map(({ sku, article }) => [sku, article]))
  }

  /** By alias: the SKU under which the stock keeps an article that has another one today. */
  async byAlias(skus: readonly string[]): Promise<Map<string, string>> {
    const rows = await storage(
      () => this.#sql<{ alias: string; sku: string }[]>`
        select alias, sku from article_aliases where alias = any(${[...new Set(skus)]}::text[])`,
    )
    return new Map(rows.map(({ alias, sku }) => [alias, sku]))
  }

  /** SKUs that an article may be, for a person to choose from: first by the code on its goods, then by likeness of their names. */
  async candidates(article: string, barcodes: readonly string[] = []): Promise<ArticleCandidate[]> {
    // Many shops sell goods under the code that is on them.
    const itself = gtin14(article)
    const byCode = await this.#byBarcode(itself === undefined ? barcodes : [itself, ...barcodes])
    const alike = (await this.#alike(article)).filter((sku) => byCode.every((one) => one.sku !== sku))
    return [...byCode, ...alike.map((sku) => ({ sku }))]
  }

  async #byBarcode(barcodes: readonly string[]): Promise<ArticleCandidate[]> {
    if (barcodes.length === 0) return []
    const rows = await storage(
      () => this.#sql<{ gtin: string; sku: string; is_current: boolean; has_stock: boolean }[]>`
        select c.gtin, c.sku, c.is_current, s.sku is not null as has_stock
        from skus_with_gtins(${[...new Set(barcodes)]}::text[]) c left join stock_skus s on s.sku = c.sku
        order by c.gtin, c.sku`,
    )
    // The stock keeps the SKU that an article began with: a later name is no second candidate.
    return [...Map.groupBy(rows, ({ gtin }) => gtin).values()].flatMap((named) => {
      const stocked = named.filter(({ has_stock: hasStock }) => hasStock)
      const current = named.filter(({ is_current: isCurrent }) => isCurrent)
      return stocked.length > 0
        ? stocked.map(({ sku, gtin }) => ({ sku, barcode: gtin }))
        : current.map(({ sku, gtin }) => ({ sku, barcode: gtin, hasNoStock: true as const }))
    })
  }

  async #alike(article: string): Promise<string[]> {
    const letters = articleLetters(article)
    if (letters === "") return []
    const begin = `${letters.slice(0, 3).replaceAll(/[\\%_]/g, "\\$&")}%`
    const rows = await storage(
      () => this.#sql<{ sku: string }[]>`
        (select sku from stock_skus where article_letters(sku) = ${letters} limit ${lookedAtMax})
        union
        (select sku from stock_skus where article_letters(sku) like ${begin} limit ${lookedAtMax})`,
    )
    return articleCandidates(
      article,
      rows.map(({ sku }) => sku),
    )
  }

  async list({ channel }: { channel?: string } = {}): Promise<ArticleMapping[]> {
    const rows = await storage(
      () => this.#sql<
        { channel: string; article: string; sku: string; set_by: string; reason: string | null; set_at: Date }[]
      >`
        select * from article_mappings where ${channel ?? null}::text is null or channel = ${channel ?? null}
        order by channel, article`,
    )
    return rows.map(({ channel: of, article, sku, set_by, reason, set_at }) => ({
      channel: of,
      article,
      sku,
      setBy: set_by,
      ...(reason === null ? {} : { reason }),
      setAt: set_at.toISOString(),
    }))
  }

  /** STOCK_UNKNOWN with candidates when the stock does not know the SKU. */
  async assertKnown(sku: string): Promise<void> {
    const [known] = await storage(() => this.#sql`select from stock_skus where sku = ${sku}`)
    if (known) return
    const candidates = await this.candidates(sku)
    const nearest = candidates.length > 0 ? `; it may be ${candidatesText(candidates)}` : ""
    const message = `${sku} is not a SKU that ever had stock${nearest}`
    throw new AppError("STOCK_UNKNOWN", message, { problems: [{ pointer: "/sku", message, code: "STOCK_UNKNOWN" }] })
  }

  /** Sets what an article of a channel stands for, with an audit row. STOCK_UNKNOWN when the stock does not know the SKU. */
  async set({ channel, article, sku, by, reason }: Change & { sku: string }): Promise<void> {
    await this.assertKnown(sku)
    await this.#change(
      { by, action: "map article", subject: `${channel} ${article}`, detail: { sku, reason } },
      (tx) =>
        tx`
        insert into article_mappings (channel, article, sku, set_by, reason)
        values (${channel}, ${article}, ${sku}, ${by}, ${reason ?? null})
        on conflict (channel, article) do update set sku = excluded.sku, set_by = excluded.set_by, reason = excluded.reason,
          set_at = now()`,
    )
  }

  /** Takes a mapping back. Orders that went on with it keep it. Returns whether there was one. */
  async remove({ channel, article, by, reason }: Change): Promise<boolean> {
    return this.#change(
      { by, action: "unmap article", subject: `${channel} ${article}`, detail: { reason } },
      async (tx) => {
        const gone =
          await tx`delete from article_mappings where (channel, article) = (${channel}, ${article}) returning 1`
        return gone.length > 0
      },
    )
  }

  /** Makes a change and its audit row in one transaction. */
  #change<Result>(
    { by, action, subject, detail }: { by: string; action: string; subject: string; detail: object },
    work: (transaction: Parameters<Parameters<typeof inTransaction>[1]>[0]) => Promise<Result>,
  ): Promise<Result> {
    return storage(() =>
      inTransaction(this.#sql, async (transaction) => {
        const result = await work(transaction)
        await transaction`select note_audit(${by}, ${action}, ${subject}, ${JSON.stringify(detail)}::text::jsonb)`
        return result
      }),
    )
  }
}
