import type { SimulatorContext } from "../simulator.ts"
import { Internal, InvalidValue, NotFound } from "./refusals.ts"

// Products of Vendure 3.7.3 as `real.md` describes them: texts by language, the same in all channels, and whether it is for sale.

export type Translation = { languageCode: string; name: string; slug: string; description: string }
export type Product = { id: string; enabled: boolean; updatedAt: string; translations: Translation[] }
export type ProductUpdate = {
  id: string
  enabled?: boolean | null
  translations?: Text[] | null
}
type Text = Partial<Translation> & { languageCode: string }
export type ProductChange = { productId: string; change: Omit<ProductUpdate, "id">; by: "api" | "staff" }

/** Umlauts and ß are spelt out, other accents and signs left out, and spaces are hyphens. */
const slugOf = (text: string) =>
  text
    .normalize("NFD")
    .replaceAll("\u0308", "e")
    .replaceAll("ß", "ss")
    .replaceAll(/\p{M}/gu, "")
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s._-]/gu, "")
    .replaceAll(/[\s-]+/g, "-")

export class ShopProducts {
  readonly products: Map<string, Product>
  readonly changes: Map<string, ProductChange>
  /** Ids of products about which something inside the shop fails. */
  readonly broken = new Set<string>()

  constructor({ keep }: Pick<SimulatorContext, "keep">) {
    this.products = keep<string, Product>("products")
    this.changes = keep<string, ProductChange>("productChanges")
  }

  make(name: string): Product {
    const id = `p${this.products.size + 1}`
    const english = { languageCode: "en", name, slug: this.#free(slugOf(name), "en"), description: "" }
    const made = { id, enabled: true, updatedAt: new Date().toISOString(), translations: [english] }
    this.products.set(id, made)
    return made
  }

  /** All or nothing: an unknown product, or a text of a language that lacks its other texts, leaves everything as it was. */
  update(updates: readonly ProductUpdate[], by: ProductChange["by"] = "api"): () => Product[] {
    for (const { id, translations } of updates) {
      const product = this.products.get(id)
      if (!product) throw new NotFound(`No Product with the id "${id}" could be found`)
      if (this.broken.has(id)) throw new Internal("Cannot read properties of undefined")
      for (const text of translations ?? []) {
        if (!/^[a-z]{2,3}(_[A-Za-z]+)?$/.test(text.languageCode))
          throw new InvalidValue(`Value "${text.languageCode}" does not exist in "LanguageCode" enum.`)
        const isKnown = product.translations.some(({ languageCode }) => languageCode === text.languageCode)
        const missing = (["name", "slug", "description"] as const).find((column) => typeof text[column] !== "string")
        if (!isKnown && missing)
          throw new Internal(
            `null value in column "${missing}" of relation "product_translation" violates not-null constraint`,
          )
      }
    }
    return () => {
      // All at once: what is free is looked up for each before any is written, and the column is not unique.
      const fit = updates.map(({ translations, ...update }) => ({
        ...update,
        ...(translations && { translations: translations.map((text) => this.#addressed(text, update.id)) }),
      }))
      return fit.map((update) => this.#write(update, by))
    }
  }

  #addressed(text: Text, id: string): Text {
    return text.slug ? { ...text, slug: this.#free(slugOf(text.slug), text.languageCode, id) } : text
  }

  #write({ id, ...change }: ProductUpdate, by: ProductChange["by"]): Product {
    const product = this.products.get(id)
    if (!product) throw new NotFound(id)
    if (typeof change.enabled === "boolean") product.enabled = change.enabled
    for (const { slug, ...text } of change.translations ?? []) {
      const { languageCode } = text
      const named = slug ? { slug } : {}
      const found = product.translations.find((one) => one.languageCode === languageCode)
      const given = Object.fromEntries(Object.entries(text).filter(([, value]) => typeof value === "string"))
      if (found) Object.assign(found, given, named)
      else product.translations.push({ name: "", slug: "", description: "", ...text, ...named })
    }
    product.updatedAt = new Date().toISOString()
    this.changes.set(String(this.changes.size + 1), { productId: id, change, by })
    return product
  }

  clear(): void {
    this.products.clear()
    this.changes.clear()
  }

  /** A slug that another product has in the language gets a number, in place of one at its end. */
  #free(wanted: string, languageCode: string, except?: string): string {
    const taken = new Set(
      [...this.products.values()].flatMap(({ id, translations }) =>
        id === except ? [] : translations.filter((one) => one.languageCode === languageCode).map(({ slug }) => slug),
      ),
    )
    for (let number = 1; ; number += 1) {
      const slug = number === 1 ? wanted : `${wanted.replace(/-\d+$/, "")}-${number}`
      if (!taken.has(slug)) return slug
    }
  }
}
